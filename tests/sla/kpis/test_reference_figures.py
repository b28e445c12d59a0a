"""Real ledgers against figures that two independent programs computed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from governance.values import Period
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import drill_down, run_kpi
from sla.kpis.values import KpiResult
from tests.paths import SHARED_DATA

_FILES = {"ibm_all": "ibm_late_payments.csv", "highradius_usd": "highradius_closed.csv.gz"}
_HALF_A_DIGIT = Decimal("0.0000005")
"""The reference is rounded to six decimals."""

_VALUES: Mapping[str, tuple[str, dict[str, str]]] = {
    "dso_period": ("dso", {}),
    "dso_rolling_3m": ("dso", {"variant": "rolling"}),
    "dso_countback": ("dso", {"variant": "countback"}),
    "best_possible_dso": ("best_possible_dso", {}),
    "average_days_delinquent": ("average_days_delinquent", {}),
    "cei": ("collection_effectiveness_index", {}),
    "ending_ar": ("ageing", {}),
    "cash_collected": ("cash_collected", {}),
    "pct_within_terms_due_cohort_amount": ("collected_within_terms", {"weight": "amount"}),
    "pct_within_terms_due_cohort_count": ("collected_within_terms", {"weight": "count"}),
    "avg_days_late_amount": ("average_days_late", {"weight": "amount"}),
    "avg_days_late_count": ("average_days_late", {"weight": "count"}),
    "avg_days_beyond_terms_signed_amount": (
        "average_days_late",
        {"weight": "amount", "early_counts": "true"},
    ),
    "avg_days_beyond_terms_signed_count": (
        "average_days_late",
        {"weight": "count", "early_counts": "true"},
    ),
    "avg_days_late_late_only_count": (
        "average_days_late",
        {"weight": "count", "late_only": "true"},
    ),
    "avg_days_to_pay_count": ("average_days_to_pay", {"weight": "count"}),
    "pct_within_terms_receipts_amount": ("collected_within_terms", {"cohort": "paid"}),
    "pct_within_terms_receipts_count": (
        "collected_within_terms",
        {"cohort": "paid", "weight": "count"},
    ),
    "disputed_share_of_ending_ar_amount": ("disputed_share", {"weight": "amount"}),
    "disputed_share_of_ending_ar_count": ("disputed_share", {"weight": "count"}),
    "dispute_rate_settled_count": ("dispute_rate", {"cohort": "paid", "weight": "count"}),
    "dispute_rate_issued_amount": ("dispute_rate", {"weight": "amount"}),
    "dispute_rate_issued_count": ("dispute_rate", {"weight": "count"}),
}
"""Reference figures that are the value of a KPI."""

_TERMS: Mapping[str, tuple[str, dict[str, str], str]] = {
    "credit_sales": ("dso", {}, "denominator"),
    "rolling_3m_sales": ("dso", {"variant": "rolling"}, "denominator"),
    "ending_current_ar": ("best_possible_dso", {}, "numerator"),
    "open_invoices": ("ageing", {}, "rows"),
    "invoices_issued": ("right_first_time_rate", {}, "rows"),
    "invoices_settled": ("average_days_late", {}, "rows"),
}
"""Reference figures that are the numerator, denominator or number of rows of one."""

_BUCKETS = {
    "current": "current",
    "1-30": "1-30",
    "31-60": "31-60",
    "61-90": "61-90",
    "90+": "91+",
}


_FRAME = {"days_in_month", "rolling_3m_days", "beginning_ar", "rollforward_diff"}
"""Figures of the calendar and of the month before, with a test of their own."""
_AGEING = {"aging_amount", "aging_count"}


def _reference(part: str = "kpis") -> Any:
    text = (SHARED_DATA / "reference_figures.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=Decimal)[part]


def _cases(known: Mapping[str, object]) -> list[tuple[str, str, str, Decimal]]:
    return [
        (ledger, month, figure, Decimal(expected))
        for ledger, months in _reference().items()
        for month, figures in months.items()
        for figure, expected in figures.items()
        if figure in known
    ]


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Ledger]]:
    store = tmp_path_factory.mktemp("evidence")

    def read(name: str) -> Any:
        return require_clean(read_evidence(SHARED_DATA / _FILES[name], store)).files

    with (
        open_ledger(read("ibm_all"), "USD") as ibm,
        open_ledger(read("highradius_usd"), "USD") as highradius,
    ):
        yield {"ibm_all": ibm, "highradius_usd": highradius}


@pytest.mark.parametrize(("ledger", "month", "figure", "expected"), _cases(_VALUES))
def test_value(
    ledgers: Mapping[str, Ledger], ledger: str, month: str, figure: str, expected: Decimal
) -> None:
    kpi, parameters = _VALUES[figure]
    result = run_kpi(load_catalogue()[kpi], ledgers[ledger], Period.parse(month), parameters)
    assert result.value is not None
    assert abs(result.value - expected) <= _HALF_A_DIGIT


@pytest.mark.parametrize(("ledger", "month", "figure", "expected"), _cases(_TERMS))
def test_term(
    ledgers: Mapping[str, Ledger], ledger: str, month: str, figure: str, expected: Decimal
) -> None:
    kpi, parameters, term = _TERMS[figure]
    result = run_kpi(load_catalogue()[kpi], ledgers[ledger], Period.parse(month), parameters)
    assert getattr(result, term) == expected


def test_every_figure_of_the_reference_is_tested() -> None:
    known = {*_VALUES, *_TERMS, *_FRAME, *_AGEING}
    for months in _reference().values():
        for figures in months.values():
            assert set(figures) - known == set()


@pytest.mark.parametrize(
    ("ledger", "month"), [(a, m) for a, ms in _reference().items() for m in ms]
)
def test_roll_forward(ledgers: Mapping[str, Ledger], ledger: str, month: str) -> None:
    """Opening + sales − cash = closing, with the calendar that the figures are counted by."""
    catalogue, reference = load_catalogue(), _reference()[ledger][month]
    period = Period.parse(month)

    def amount(kpi: str, of: Period) -> Decimal:
        value = run_kpi(catalogue[kpi], ledgers[ledger], of, {}).value
        assert value is not None
        return value

    opening, closing = amount("ageing", period.previous()), amount("ageing", period)
    sales = run_kpi(catalogue["dso"], ledgers[ledger], period, {}).denominator
    assert sales is not None
    assert opening == reference["beginning_ar"]
    difference = opening + sales - amount("cash_collected", period) - closing
    assert difference == reference["rollforward_diff"]
    assert period.days == reference["days_in_month"]
    assert Period.months_ending(period.end, 3).days == reference["rolling_3m_days"]


@pytest.mark.parametrize(
    ("ledger", "month"), [(a, m) for a, ms in _reference().items() for m in ms]
)
def test_ageing(ledgers: Mapping[str, Ledger], ledger: str, month: str) -> None:
    reference = _reference()[ledger][month]
    definition, period = load_catalogue()["ageing"], Period.parse(month)
    result = run_kpi(definition, ledgers[ledger], period, {})
    expected = {_BUCKETS[name]: amount for name, amount in reference["aging_amount"].items()}
    assert result.values == expected

    page = drill_down(definition, ledgers[ledger], period, {}, limit=result.rows)
    buckets = [row[page.columns.index("bucket")] for row in page.rows]
    counts = {_BUCKETS[name]: count for name, count in reference["aging_count"].items()}
    assert {name: buckets.count(name) for name in counts} == counts


@pytest.mark.parametrize(
    ("ledger", "month"), [(a, m) for a, ms in _reference().items() for m in ms]
)
def test_shares_follow_from_the_ageing(
    ledgers: Mapping[str, Ledger], ledger: str, month: str
) -> None:
    ageing = _reference()[ledger][month]["aging_amount"]
    receivable = sum(ageing.values())
    past_due = receivable - ageing["current"]
    for kpi, amount in (("share_past_due", past_due), ("share_over_90", ageing["90+"])):
        result = run_kpi(load_catalogue()[kpi], ledgers[ledger], Period.parse(month), {})
        assert result.value is not None
        assert abs(result.value - 100 * amount / receivable) <= _HALF_A_DIGIT


def test_cei_is_cash_over_cash_and_past_due(ledgers: Mapping[str, Ledger]) -> None:
    """Without adjustments that identity holds in every month, also those not in the reference."""
    catalogue, ledger = load_catalogue(), ledgers["ibm_all"]
    for month in Period.parse("2012").months():
        index = run_kpi(catalogue["collection_effectiveness_index"], ledger, month, {})
        cash = run_kpi(catalogue["cash_collected"], ledger, month, {})
        past_due = run_kpi(catalogue["share_past_due"], ledger, month, {})
        assert cash.numerator is not None
        assert past_due.numerator is not None
        assert index.numerator == cash.numerator
        assert index.denominator == cash.numerator + past_due.numerator


@pytest.fixture(scope="module")
def fines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    source, store = SHARED_DATA / "traffic_fines_events.csv.gz", tmp_path_factory.mktemp("fines")
    read = require_clean(read_evidence(source, store))
    assert read.profile == "traffic_fines_events"
    with open_ledger(read.files) as ledger:
        yield ledger


_CHARGED = """
SELECT sum(-amount) FROM adjustments
WHERE kind = 'debit_note' AND reason = $reason
  AND effective_on BETWEEN $period_start AND $period_end
"""


@pytest.mark.parametrize("year", ["2005", "2006"])
def test_ledger_of_fines(fines: Ledger, year: str) -> None:
    reference = _reference("traffic_fines")["yearly_ledger"][year]
    period, catalogue = Period.parse(year), load_catalogue()

    def run(kpi: str, of: Period = period) -> KpiResult:
        return run_kpi(catalogue[kpi], fines, of, {})

    def value(kpi: str, of: Period = period) -> Decimal:
        return run(kpi, of).value or Decimal(0)

    def over_paid(of: Period = period) -> Decimal:
        return run("unapplied_cash_share", of).numerator or Decimal(0)

    def net(of: Period) -> Decimal:
        return value("ageing", of) - over_paid(of)

    def charged(reason: str) -> Decimal:
        days = {"period_start": period.start, "period_end": period.end}
        return Decimal(fines.execute(_CHARGED, {"reason": reason} | days).rows[0][0])

    rows = drill_down(catalogue["unapplied_cash_share"], fines, period, {}, limit=1_000_000)
    found = {
        "opening_ar": net(period.previous()),
        "invoiced": run("dso").denominator or Decimal(0),
        "expense_added": charged("costs of sending"),
        "penalty_added": charged("penalty"),
        "cash": value("cash_collected"),
        "handed_to_collection": run("bad_debt_ratio").numerator or Decimal(0),
        "closing_ar_net": net(period),
        "closing_ar_debit_balances": value("ageing"),
        "closing_credit_balances": -over_paid(),
        "open_debit_cases": Decimal(run("ageing").rows),
        "open_credit_cases": Decimal(sum(row[0] == "over_applied" for row in rows.rows)),
    }
    found["rollforward_diff"] = (
        found["opening_ar"] + found["invoiced"] + found["expense_added"] + found["penalty_added"]
        - found["cash"] - found["handed_to_collection"] - found["closing_ar_net"]
    )  # fmt: skip
    assert found == reference
