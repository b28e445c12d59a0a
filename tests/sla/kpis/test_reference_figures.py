"""Real ledgers against figures that two independent programs computed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from governance.values import Period
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import drill_down, run_kpi
from tests.paths import SHARED_DATA

_FILES = {"ibm_all": "ibm_late_payments.csv", "highradius_usd": "highradius_closed.csv.gz"}
_TOLERANCE = Decimal("0.00001")

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
    "dispute_rate_issued_amount": ("dispute_rate", {"weight": "amount"}),
    "dispute_rate_issued_count": ("dispute_rate", {"weight": "count"}),
}
"""Reference figures that are the value of a KPI."""

_TERMS: Mapping[str, tuple[str, dict[str, str], str]] = {
    "credit_sales": ("dso", {}, "denominator"),
    "rolling_3m_sales": ("dso", {"variant": "rolling"}, "denominator"),
    "ending_current_ar": ("best_possible_dso", {}, "numerator"),
    "open_invoices": ("ageing", {}, "rows"),
    "invoices_issued": ("dispute_rate", {}, "rows"),
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


def _reference() -> Any:
    text = (SHARED_DATA / "reference_figures.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=Decimal)["kpis"]


def _cases(known: Mapping[str, object]) -> list[tuple[str, str, str, Decimal]]:
    return [
        (ledger, month, figure, Decimal(expected))
        for ledger, months in _reference().items()
        for month, figures in months.items()
        for figure, expected in figures.items()
        # One of the files has no disputes at all.
        if figure in known and not (ledger == "highradius_usd" and figure == "invoices_issued")
    ]


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Ledger]]:
    store = tmp_path_factory.mktemp("evidence")

    def files(name: str) -> Any:
        return require_clean(read_evidence(Path(SHARED_DATA / _FILES[name]), store)).files

    with (
        open_ledger(files("ibm_all"), "USD") as ibm,
        open_ledger(files("highradius_usd"), "USD") as highradius,
    ):
        yield {"ibm_all": ibm, "highradius_usd": highradius}


@pytest.mark.parametrize(("ledger", "month", "figure", "expected"), _cases(_VALUES))
def test_value(
    ledgers: Mapping[str, Ledger], ledger: str, month: str, figure: str, expected: Decimal
) -> None:
    kpi, parameters = _VALUES[figure]
    result = run_kpi(load_catalogue()[kpi], ledgers[ledger], Period.parse(month), parameters)
    assert result.value is not None
    assert abs(result.value - expected) < _TOLERANCE


@pytest.mark.parametrize(("ledger", "month", "figure", "expected"), _cases(_TERMS))
def test_term(
    ledgers: Mapping[str, Ledger], ledger: str, month: str, figure: str, expected: Decimal
) -> None:
    kpi, parameters, term = _TERMS[figure]
    result = run_kpi(load_catalogue()[kpi], ledgers[ledger], Period.parse(month), parameters)
    assert getattr(result, term) == expected


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
        assert abs(result.value - 100 * amount / receivable) < _TOLERANCE


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
