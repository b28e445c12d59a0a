"""Months settled end to end, from tests/cases/settlement.yaml, and what can't be settled."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing.settlement.history import months_until
from billing.settlement.metered import metered_window
from billing.settlement.values import Settlement
from governance.errors import BadInput
from governance.values import Period
from tests.billing.settlement.cases import SETTLED, contract_of, settled

_FIGURES: dict[str, Callable[[Settlement], Any]] = {
    "lines": lambda one: {line.charge: line.amount for line in one.priced.lines},
    "texts": lambda one: {line.charge: line.steps[0].text for line in one.priced.lines},
    "invoiced": lambda one: one.priced.period.label,
    "subtotal": lambda one: one.priced.subtotal,
    "status": lambda one: [each.status.value for each in one.measured.results],
    "own_credit": lambda one: one.credits and one.credits.credit,
    "coming_off": lambda one: [each.period.label for each in one.settled_credits],
    "service_credit": lambda one: one.priced.service_credit,
    "tax": lambda one: sum(tax.amount for tax in one.priced.taxes),
    "total": lambda one: one.priced.total,
    "history": lambda one: len(one.history),
    "warning": lambda one: one.measured.warnings[-1].code,
}


def _wanted(figure: str, cell: Any) -> Any:
    if figure in {"coming_off", "warning", "status", "texts", "invoiced"}:
        return cell
    if isinstance(cell, dict):
        return {key: Decimal(each) for key, each in cell.items()}
    return None if cell == "none" else Decimal(cell)


@pytest.mark.parametrize("case", SETTLED, ids=lambda case: case["case"])
def test_cases(case: dict[str, Any]) -> None:
    settlement = settled(case)
    for figure, cell in case["expect"].items():
        assert _FIGURES[figure](settlement) == _wanted(figure, cell), figure
    assert len(settlement.credit_history) == (len(settlement.history) if settlement.credits else 0)


def test_the_same_files_settle_the_same() -> None:
    assert settled({"period": "2026-03"}) == settled({"period": "2026-03"})


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"period": "2025-12"}, "lies outside the engagement ENG-1"),
        ({"period": "2027-01"}, "lies outside the engagement ENG-1"),
        ({"period": "2026-Q1"}, "2026-Q1 is not a month, and months are what is settled"),
        (
            {"period": "2026-Q1", "change": {"invoicing": {"every": "quarter"}}},
            "the invoice of a quarter comes with its last month",
        ),
    ],
)
def test_periods_that_cannot_be_settled(case: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        settled(case)


def _charges(*charges: dict[str, Any]) -> dict[str, Any]:
    usual = {"title": "A charge", "type": "per_unit", "pricing": {"scheme": "flat", "price": "1"}}
    return {"charges": [usual | {"id": f"CH-{n}"} | each for n, each in enumerate(charges)]}


def test_every_meter_that_cannot_be_counted_is_named() -> None:
    replaced = _charges({"meter": "reminders_sent"}, {"meter": "invoices_isued"})
    with pytest.raises(BadInput) as error:
        settled({"period": "2026-02", "replace": replaced})
    assert [problem.what for problem in error.value.problems] == [
        "the meter reminders_sent needs the dataset activities, which was not handed in",
        (
            "'invoices_isued' is no meter that is counted from evidence,"
            " did you mean 'invoices_issued'?"
        ),
    ]


def test_charges_of_one_meter_on_different_days_are_refused() -> None:
    meter = {"meter": "invoices_issued"}
    replaced = _charges(meter | {"to": "2026-02-14"}, meter | {"from": "2026-02-15"})
    with pytest.raises(BadInput, match="run on different days of the month"):
        settled({"period": "2026-02", "replace": replaced})
    assert settled({"period": "2026-01", "replace": replaced}).priced.subtotal == 1


def test_a_meter_is_counted_on_the_days_of_its_charge() -> None:
    contract = contract_of({"change": {"engagement": {"starts": "2026-02-11"}}})
    window = metered_window(contract, "invoices_issued", Period.month(2026, 2))
    assert (window.start.day, window.end.day) == (11, 28)
    assert metered_window(contract, "calls_made", window) == window


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({}, "2027-12"),
        ({"below_expected": {"count": 4, "within_months": 18}}, "2027-06"),
        ({"earn_back": {"form": "met", "months": 30}}, "2026-06"),
        ({"earn_back": {"form": "met", "months": 60}}, "2025-03"),
    ],
)
def test_history_reaches_as_far_as_the_terms_look_back(change: dict[str, Any], first: str) -> None:
    engagement = {"starts": "2025-03-15", "ends": "2030-12-31"}
    contract = contract_of({"change": {"engagement": engagement, "service_credits": change}})
    months = months_until(contract, Period.month(2029, 12))
    assert (months[0].label, months[-1].label) == (first, "2029-12")


def test_history_starts_with_a_calendar_year_where_the_year_is_trued_up() -> None:
    contract = contract_of(
        {
            "change": {"engagement": {"starts": "2025-04-01", "ends": "2030-12-31"}},
            "replace": {"minimum_commitment": {"amount": "1", "per": "year"}},
        }
    )
    assert months_until(contract, Period.month(2029, 12))[0].label == "2027-01"
    assert months_until(contract, Period.month(2026, 12))[0].label == "2025-04"


@pytest.mark.parametrize(
    ("window", "terms", "first"),
    [
        ("year", {"repeat": {"consecutive": 3, "multiplier": "2"}}, "2025-12"),
        ("quarter", {"earn_back": {"form": "met", "months": 13}}, "2027-09"),
    ],
)
def test_history_reaches_over_rows_of_longer_windows(
    window: str, terms: dict[str, Any], first: str
) -> None:
    level = contract_of({}).service_levels[0].model_dump(mode="json", exclude_none=True)
    contract = contract_of(
        {
            "change": {
                "engagement": {"starts": "2025-03-15", "ends": "2030-12-31"},
                "service_credits": terms,
            },
            "replace": {"service_levels": [level | {"window": window}]},
        }
    )
    assert months_until(contract, Period.month(2029, 12))[0].label == first
