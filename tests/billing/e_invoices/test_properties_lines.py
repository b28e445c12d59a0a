"""Whatever a line's arithmetic, receivers get its amount when they multiply."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.e_invoices.lines import lines_of
from billing.invoices.fee_document import DocumentStep
from governance.values import round_half_up
from tests.billing.e_invoices.cases import named
from tests.billing.e_invoices.official import PLAIN

_QUANTITIES = st.decimals(-100_000, 100_000, places=7)
_PRICES = st.decimals(-10_000, 10_000, places=5)
_CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])


@given(st.lists(st.tuples(_QUANTITIES, _PRICES), min_size=1, max_size=3), _CURRENCIES)
def test_quantity_times_price_is_the_amount(
    factors: list[tuple[Decimal, Decimal]], currency: str
) -> None:
    steps = tuple(DocumentStep(quantity, price, quantity * price) for quantity, price in factors)
    exact = sum((step.amount for step in steps), Decimal(0))
    amount = round_half_up(exact, 0 if currency == "JPY" else 2)
    document = named(PLAIN)
    line = replace(document.lines[0], quantity=steps[0].quantity, steps=steps, amount=amount)
    (stated,) = lines_of(replace(document, currency=currency, lines=(line,)))
    price = Decimal(stated["BT-146"])
    assert price >= 0
    assert abs(Decimal(stated["BT-129"]) * price - Decimal(stated["BT-131"])) <= Decimal("0.005")
