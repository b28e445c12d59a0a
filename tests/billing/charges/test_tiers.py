"""Tiers of any shape charge each unit exactly once."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.charges.tiers import charge_units, spread
from billing.charges.values import Step
from governance.contract.charges import GraduatedPricing, PackagePricing, PriceTier, VolumePricing
from tests.billing.charges.build import total

quantities = st.decimals(min_value=0, max_value=100_000, places=2)
prices = st.decimals(min_value=0, max_value=100, places=4)


@st.composite
def tier_lists(draw: st.DrawFn, *, flat: bool = False) -> tuple[PriceTier, ...]:
    """Tiers with rising bounds, the last one open."""
    bounds = draw(
        st.lists(st.decimals(min_value=0, max_value=50_000, places=2), max_size=6, unique=True)
    )
    return tuple(
        PriceTier(up_to=bound, price=draw(prices), flat=draw(prices) if flat else Decimal(0))
        for bound in [*sorted(bounds), None]
    )


def _as_written(price: Decimal) -> Decimal:
    return price


def _amount(steps: tuple[Step, ...]) -> Decimal:
    return total(step.amount for step in steps)


@given(quantities, tier_lists(), quantities)
def test_graduated_charges_each_unit_once(
    quantity: Decimal, tiers: tuple[PriceTier, ...], free: Decimal
) -> None:
    pricing = GraduatedPricing(scheme="graduated", tiers=tiers, free_units=free)
    steps = charge_units(quantity, pricing, _as_written)
    assert total(step.quantity for step in steps) == max(quantity - free, Decimal(0))
    assert all(step.quantity * step.price == step.amount for step in steps)


@given(quantities, tier_lists(), quantities)
def test_volume_charges_each_unit_once_at_one_price(
    quantity: Decimal, tiers: tuple[PriceTier, ...], free: Decimal
) -> None:
    pricing = VolumePricing(scheme="volume", tiers=tiers, free_units=free)
    (step,) = charge_units(quantity, pricing, _as_written)
    assert step.quantity == max(quantity - free, Decimal(0))
    assert step.price in {tier.price for tier in tiers}


@given(quantities, tier_lists(), st.data())
def test_any_unit_has_the_price_of_its_own_tier(
    quantity: Decimal, tiers: tuple[PriceTier, ...], data: st.DataObject
) -> None:
    """The price of one more unit is that of the tier that the unit lies in, found by search."""
    if quantity < 1:
        return
    unit = Decimal(data.draw(st.integers(min_value=1, max_value=int(quantity))))
    tier = next(tier for tier in tiers if tier.up_to is None or unit <= tier.up_to)
    lower = max((other.up_to for other in tiers if other.up_to and other.up_to < unit), default=0)
    pricing = GraduatedPricing(scheme="graduated", tiers=tiers)
    inside = unit - lower
    with_unit = _amount(charge_units(unit, pricing, _as_written))
    without = _amount(charge_units(Decimal(lower), pricing, _as_written))
    assert with_unit - without == inside * tier.price


@given(quantities, quantities, tier_lists(flat=True), quantities)
def test_graduated_price_never_falls_with_quantity(
    one: Decimal, other: Decimal, tiers: tuple[PriceTier, ...], free: Decimal
) -> None:
    pricing = GraduatedPricing(scheme="graduated", tiers=tiers, free_units=free)
    low, high = sorted([one, other])
    assert _amount(charge_units(low, pricing, _as_written)) <= _amount(
        charge_units(high, pricing, _as_written)
    )


@given(quantities, st.decimals(min_value="0.01", max_value=1000, places=2), prices, quantities)
def test_packages_are_just_enough(
    quantity: Decimal, size: Decimal, price: Decimal, free: Decimal
) -> None:
    pricing = PackagePricing(scheme="package", size=size, price=price, free_units=free)
    (step,) = charge_units(quantity, pricing, _as_written)
    units = max(quantity - free, Decimal(0))
    assert step.quantity == int(step.quantity)
    assert (step.quantity - 1) * size < units <= step.quantity * size or units == step.quantity == 0


@given(st.decimals(min_value=-1000, max_value=100_000, places=2), tier_lists())
def test_spread_adds_up(quantity: Decimal, tiers: tuple[PriceTier, ...]) -> None:
    assert total(spread(quantity, tiers)) == quantity
