"""What was billed, with the lines that make a restatement good, is what would have been billed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.charges.serialise import priced_period_json
from billing.charges.values import ChargeLine, PricedPeriod, TaxTreatment
from billing.restatements.differences import (
    Figures,
    difference_from,
    difference_json,
    difference_of,
    restated_lines,
)
from billing.tax import tax_lines
from governance.contract.charges import TaxCategory
from governance.values import Period

MARCH = Period.month(2026, 3)
NORMAL = TaxTreatment(TaxCategory.STANDARD, Decimal(19))
REDUCED = TaxTreatment(TaxCategory.STANDARD, Decimal(7))
EXEMPT = TaxTreatment(TaxCategory.EXEMPT, Decimal(0), "Article 135")
_CENTS = st.integers(-5_000, 500_000).map(lambda cents: Decimal(cents) / 100)
_LINES = st.lists(
    st.tuples(
        st.sampled_from(["CH-01", "CH-02", "CH-03"]),
        st.sampled_from([NORMAL, REDUCED, EXEMPT]),
        _CENTS,
    ),
    min_size=1,
    max_size=6,
)
_CREDIT = st.integers(0, 300_000).map(lambda cents: Decimal(cents) / 100)
Billed = tuple[list[tuple[str, TaxTreatment, Decimal]], Decimal]


def _line(charge: str, tax: TaxTreatment, amount: Decimal) -> ChargeLine:
    return ChargeLine(charge, charge, "1", Decimal(1), "month", amount, (), tax)


def _priced(billed: Billed, restated: tuple[ChargeLine, ...] = ()) -> PricedPeriod:
    rows, credit = billed
    lines = (*(_line(*row) for row in rows), *restated)
    subtotal = sum((line.amount for line in lines), Decimal(0))
    taxes = tax_lines(lines, credit, "EUR", NORMAL)
    total = subtotal - credit + sum((tax.amount for tax in taxes), Decimal(0))
    nothing = Decimal(0)
    return PricedPeriod(
        MARCH, "EUR", lines, subtotal, subtotal, credit, taxes, nothing, total, total
    )


def _figures(billed: Billed) -> Figures:
    invoice: dict[str, Any] = json.loads(json.dumps(priced_period_json(_priced(billed))))
    credit = {"net": str(billed[1]), "service_levels": []}
    return Figures({"results": []}, credit, invoice)


def _bases(priced: PricedPeriod) -> dict[TaxTreatment, Decimal]:
    found = {TaxTreatment(tax.category, tax.rate, tax.reason): tax.base for tax in priced.taxes}
    return {key: base for key, base in found.items() if base}


def _added(*bases: dict[TaxTreatment, Decimal]) -> dict[TaxTreatment, Decimal]:
    sums: dict[TaxTreatment, Decimal] = {}
    for one in bases:
        for key, base in one.items():
            sums[key] = sums.get(key, Decimal(0)) + base
    return {key: base for key, base in sums.items() if base}


@settings(max_examples=150, deadline=None)
@given(
    was=st.tuples(_LINES, _CREDIT), now=st.tuples(_LINES, _CREDIT), then=st.tuples(_LINES, _CREDIT)
)
def test_invoice_and_restatement_are_what_should_have_been_billed(
    was: Billed, now: Billed, then: Billed
) -> None:
    """By tax treatment, to the cent before tax; `then` is the invoice that makes it good."""
    difference = difference_of(_figures(was), _figures(now))
    lines = restated_lines(difference, "2026-03/1", "2026-03", with_credit=True)
    carried = _priced(then, lines)
    assert _added(_bases(_priced(was)), _bases(carried)) == _added(
        _bases(_priced(now)), _bases(_priced(then))
    )
    assert carried.own_subtotal == _priced(then).subtotal
    for line in lines:
        assert sum(step.amount for step in line.steps) == line.amount
    assert difference_from(json.loads(json.dumps(difference_json(difference)))) == difference


@settings(max_examples=50, deadline=None)
@given(
    first=st.tuples(_LINES, _CREDIT),
    second=st.tuples(_LINES, _CREDIT),
    third=st.tuples(_LINES, _CREDIT),
)
def test_a_chain_of_restatements_is_the_way_from_first_to_last(
    first: Billed, second: Billed, third: Billed
) -> None:
    states = [_figures(one) for one in (first, second, third)]
    steps = [difference_of(states[0], states[1]), difference_of(states[1], states[2])]
    whole = difference_of(states[0], states[2])
    assert sum((one.charges for one in steps), Decimal(0)) == whole.charges
    assert sum((one.credit for one in steps), Decimal(0)) == whole.credit


def test_no_difference_is_nothing() -> None:
    billed = ([("CH-01", NORMAL, Decimal(10))], Decimal(1))
    assert not difference_of(_figures(billed), _figures(billed))
