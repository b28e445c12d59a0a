"""Volume rebates over many periods give what the whole span is due, and add up by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.charges.calculation import price
from billing.charges.lines import round_line
from billing.charges.values import ChargeLine
from governance.errors import BadInput
from governance.values import round_money
from tests.billing.charges import build

_TIERS = [
    {"over": "100.00", "percent": "2.5"},
    {"over": "250.00", "percent": "5"},
    {"over": "400.00", "percent": "7.5"},
]
_ON = [
    {"type": "percentage", "meter": "first", "rate": 100},
    {"type": "percentage", "meter": "second", "rate": 100, "tax": {"category": "zero"}},
]
_cents = st.decimals(min_value=-80, max_value=200, places=2)
_years = st.lists(st.tuples(_cents, _cents), min_size=1, max_size=12)


def _rebate(**terms: Any) -> dict[str, Any]:
    return {"type": "volume_rebate", "of": ["CH-01", "CH-02"], "tiers": _TIERS, **terms}


def _months(
    year: list[tuple[Decimal, Decimal]], *, retroactive: bool
) -> Iterator[list[ChargeLine]]:
    """The rebate's lines of every month, each knowing what was charged before."""
    contract = build.contract(*_ON, _rebate(retroactive=retroactive))
    before = Decimal(0)
    for number, (first, second) in enumerate(year, 1):
        usage = build.usage(
            {"first": [{"amount": first}], "second": [{"amount": second}]},
            period=f"2026-{number:02}",
            charged_before={"CH-03": before},
        )
        yield [line for line in price(contract, usage).lines if line.charge == "CH-03"]
        before += first + second


def _due(total: Decimal, *, retroactive: bool) -> Decimal:
    """By the definition, on everything at once."""
    bounds = [(Decimal(tier["over"]), Decimal(tier["percent"])) for tier in _TIERS]
    if retroactive:
        rates = [percent for over, percent in bounds if total > over]
        return round_money(total * rates[-1] / 100, "EUR") if rates else Decimal(0)
    due, rate = Decimal(0), Decimal(0)
    for over, percent in bounds:
        due += max(total - over, Decimal(0)) * (percent - rate) / 100
        rate = percent
    return round_money(due, "EUR")


@given(_years, st.booleans())
def test_the_months_of_a_year_give_the_rebate_on_the_whole(
    year: list[tuple[Decimal, Decimal]], retroactive: bool
) -> None:
    given_ = build.total(
        line.amount for lines in _months(year, retroactive=retroactive) for line in lines
    )
    total = build.total(amount for month in year for amount in month)
    assert given_ == -_due(total, retroactive=retroactive)


@given(_years, st.booleans())
@example([(Decimal("100.60"), Decimal(0)), (Decimal("-0.40"), Decimal(0))], False)
def test_the_steps_of_every_line_add_up_to_it(
    year: list[tuple[Decimal, Decimal]], retroactive: bool
) -> None:
    for lines in _months(year, retroactive=retroactive):
        assert lines
        for line in lines:
            steps = build.total(step.amount for step in line.steps)
            assert round_line(steps, "EUR") == line.amount


def test_a_period_longer_than_the_span_is_refused() -> None:
    contract = build.contract(*_ON, _rebate(per="month"))
    with pytest.raises(BadInput) as refusal:
        price(contract, build.usage({"first": [], "second": []}, period="2026-Q1"))
    assert str(refusal.value.problems[0]) == (
        "charges.CH-03.per: the rebate CH-03 is counted by the month, and the period is longer;"
        " found month, in the period 2026-Q1; allowed: a span at least as long as what one invoice"
        " is for"
    )


def test_a_rebate_whose_charges_do_not_run_is_taxed_as_the_invoice() -> None:
    charge = {"type": "fixed", "amount": "5000.00", "to": "2026-01-31"}
    rebate = _rebate(of=["CH-01"])
    contract = build.contract(
        charge, rebate, invoicing={"tax": {"category": "standard", "rate": "19"}}
    )
    usage = build.usage(period="2026-02", charged_before={"CH-02": "5000.00"})
    (line,) = price(contract, usage).lines
    assert (line.amount, line.tax.rate) == (Decimal(0), Decimal(19))
