"""Thirteen months, baseline and forecast from a ledger that is known by heart."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest

from governance.contract.document import Contract
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from sla.measurements.calculation import measure
from sla.measurements.targets import targets_on
from sla.measurements.values import Status
from sla.trends.calculation import trends
from sla.trends.serialise import trends_json, trends_of
from sla.trends.values import LevelTrend, Verdict
from tests.sla.kpis.ledgers import Row, ledger_of

_SHARES = (60, 62, 64, 66, 68, 70, 72, 74, 76, 78, 80, 82, 84, 86)
"""Percent of each month's invoices that are paid at once, from January 2025 on."""


def _contract(**level: object) -> Contract:
    return Contract.model_validate(
        {
            "plumbline": "1",
            "engagement": {
                "reference": "E",
                "title": "E",
                "model": "full",
                "client": {"name": "C", "country": "DE"},
                "provider": {"name": "P", "country": "DE"},
                "currency": "EUR",
                "starts": "2025-07-01",
            },
            "service_levels": [
                {
                    "id": "SL-01",
                    "kpi": "collected_within_terms",
                    "parameters": {"weight": "count"},
                    "expected": "80.0",
                    "minimum": "70.0",
                    "round_to": "1",
                    **level,
                }
            ],
        }
    )


@cache
def _tables() -> dict[str, list[Row]]:
    """Fifty invoices a month, due ten days later, the first of them paid on their day."""
    invoices: list[Row] = []
    allocations: list[Row] = []
    month = Period.month(2025, 1)
    for share in _SHARES:
        for number in range(50):
            day = month.start + timedelta(days=number % 18)
            name = f"I{month.label}-{number}"
            due = day + timedelta(days=10)
            row = {"invoice_id": name, "issue_date": day, "due_date": due, "amount": 10}
            invoices.append(row)
            if number < share / 2:
                paid = {"receipt_id": "R", "invoice_id": name, "amount": 10, "applied_on": day}
                allocations.append(paid)
        month = month.following()
    return {"invoices": invoices, "allocations": allocations}


def _trend(contract: Contract, as_of: date) -> LevelTrend:
    with ledger_of(_tables()) as ledger:
        found = trends(contract, ledger, as_of, load_catalogue(), {})
    assert trends_of(trends_json(found)) == found
    (level,) = found.levels
    return level


def test_thirteen_months_end_with_the_last_whole_one() -> None:
    trend = _trend(_contract(), date(2026, 1, 31))
    assert [month.period.label for month in trend.months][::12] == ["2025-01", "2026-01"]
    assert [month.value for month in trend.months] == [Decimal(share) for share in _SHARES[:13]]
    assert [month.before for month in trend.months].count(True) == 6
    assert trend.forecast is None
    assert trend.distance == Decimal("4.0")
    assert trend.since_last_year == Decimal("24.0")


def test_a_measured_baseline_is_the_mean_of_its_months() -> None:
    contract = _contract(baseline={"from": "2025-01", "to": "2025-06"})
    baseline = _trend(contract, date(2026, 1, 31)).baseline
    assert baseline is not None
    assert [baseline.value, baseline.low, baseline.high] == [Decimal(n) for n in (65, 60, 70)]
    assert baseline.months == 6


def test_a_stated_baseline_names_its_document() -> None:
    contract = _contract(baseline={"value": "61.5", "source": "Joint baseline report"})
    trend = _trend(contract, date(2026, 1, 31))
    assert trend.baseline is not None
    assert trend.baseline.source == "Joint baseline report"
    assert trend.since_baseline == Decimal("22.5")


def test_the_running_month_is_held_against_the_same_days_before() -> None:
    forecast = _trend(_contract(), date(2026, 2, 12)).forecast
    assert forecast is not None
    assert (forecast.period, forecast.as_of) == (Period.month(2026, 2), date(2026, 2, 12))
    assert forecast.months == 12
    assert forecast.verdict is not Verdict.TOO_FEW_MONTHS


def test_a_ramp_moves_the_promise_of_its_months_only() -> None:
    contract = _contract(
        ramp={"2025-07": {"expected": "70", "minimum": "60"}, "2025-08": {"expected": "75"}}
    )
    (level,) = contract.service_levels
    assert targets_on(level, Period.month(2025, 7)).expected == 70
    assert targets_on(level, Period.month(2025, 8)).minimum == Decimal("70.0")
    assert targets_on(level, Period.month(2025, 9)).expected == Decimal("80.0")
    with ledger_of(_tables()) as ledger:
        for month, status in ((7, Status.MET), (8, Status.BELOW_EXPECTED)):
            measured = measure(contract, ledger, Period.month(2025, month), load_catalogue())
            assert measured.results[0].status is status


def test_a_promise_that_rose_is_what_the_trend_compares_with() -> None:
    usual = _contract(expected="60.0", minimum="50.0", ratchet={"form": "halfway_to_average"})
    engagement = usual.engagement.model_copy(update={"starts": date(2025, 1, 1)})
    contract = usual.model_copy(update={"engagement": engagement})
    months = _trend(contract, date(2026, 1, 31)).months
    # The values of 2025 go from 60 to 82, so their mean is 71.
    assert [month.expected for month in months[-2:]] == [Decimal("60.0"), Decimal("65.5")]
    with ledger_of(_tables()) as ledger:
        measured = measure(contract, ledger, months[-1].period, load_catalogue())
    assert measured.results[0].expected == Decimal("65.5")


@pytest.mark.parametrize("as_of", [date(2026, 1, 31), date(2026, 2, 12)])
def test_the_trend_agrees_with_what_is_measured(as_of: date) -> None:
    contract = _contract()
    trend = _trend(contract, as_of)
    with ledger_of(_tables()) as ledger:
        for month in trend.months:
            result = measure(contract, ledger, month.period, load_catalogue()).results[0]
            assert (result.value, result.status) == (month.value, month.status)
