"""Sharing an amount over tax categories."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.charges.values import TaxTreatment
from billing.tax import percentage_of, share_out
from governance.contract.charges import TaxCategory
from governance.values import round_money

_CENTS = st.decimals(min_value=-10_000, max_value=10_000, places=2)


def _treatment(rate: int) -> TaxTreatment:
    return TaxTreatment(TaxCategory.STANDARD, Decimal(rate))


@given(_CENTS, st.lists(_CENTS, min_size=1, max_size=6))
def test_shares_add_up_exactly(amount: Decimal, weights: list[Decimal]) -> None:
    by_rate = {_treatment(rate): weight for rate, weight in enumerate(weights)}
    shares = share_out(amount, by_rate, "EUR")
    assert sum(shares.values()) == amount
    assert all(share == round_money(share, "EUR") for share in shares.values())


@given(st.lists(st.decimals(min_value=1, max_value=10_000, places=2), min_size=1, max_size=6))
def test_the_whole_is_shared_as_it_is(weights: list[Decimal]) -> None:
    by_rate = {_treatment(rate): weight for rate, weight in enumerate(weights)}
    assert share_out(sum(weights, Decimal(0)), by_rate, "EUR") == by_rate


def test_nothing_to_share_among() -> None:
    assert share_out(Decimal(5), {}, "EUR") == {}


def test_a_percentage_is_rounded_half_up() -> None:
    assert percentage_of(Decimal("0.50"), Decimal(19), "EUR") == Decimal("0.10")
    assert percentage_of(Decimal("-0.50"), Decimal(19), "EUR") == Decimal("-0.10")
