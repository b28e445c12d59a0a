"""Unit prices: flat, graduated, volume and package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, Decimal

from billing.charges.frame import joined, priced
from billing.charges.values import Step
from governance.contract.charges import (
    FlatPricing,
    GraduatedPricing,
    PackagePricing,
    PriceTier,
    Pricing,
    RateTier,
    VolumePricing,
)
from governance.values import plain

PriceOf = Callable[[Decimal], Decimal]
"""Turns a price of the contract into the one that applies."""


def charge_units(quantity: Decimal, pricing: Pricing, price_of: PriceOf) -> tuple[Step, ...]:
    """Steps that price `quantity` units, unrounded; free units come off first.

    Apart from packages and flat fees, the quantities of the steps add up to the units that
    are not free.
    """
    units = max(quantity - pricing.free_units, Decimal(0))
    steps = _steps(units, pricing, price_of)
    if not pricing.free_units:
        return steps
    free = f"{plain(quantity)} less {plain(min(quantity, pricing.free_units))} free"
    first = steps[0]
    return (
        Step(first.quantity, first.price, first.amount, joined(free, first.text)),
        *steps[1:],
    )


def _steps(units: Decimal, pricing: Pricing, price_of: PriceOf) -> tuple[Step, ...]:
    match pricing:
        case FlatPricing():
            return (priced(units, price_of(pricing.price)),)
        case GraduatedPricing():
            return _graduated(units, pricing.tiers, price_of)
        case VolumePricing():
            return _volume(units, pricing.tiers, price_of)
        case PackagePricing():
            return (_packages(units, pricing, price_of),)


def _packages(units: Decimal, pricing: PackagePricing, price_of: PriceOf) -> Step:
    started = (units / pricing.size).to_integral_value(rounding=ROUND_CEILING)
    text = f"started packages of {plain(pricing.size)} for {plain(units)} units"
    return priced(started, price_of(pricing.price), text)


def _graduated(units: Decimal, tiers: Sequence[PriceTier], price_of: PriceOf) -> tuple[Step, ...]:
    steps = [
        priced(part, price_of(tier.price), tier_text(tiers, position))
        for position, (tier, part) in enumerate(zip(tiers, spread(units, tiers), strict=True))
        if part or position == 0
    ]
    return (*steps, *flat_fees(units, tiers, price_of))


def _volume(units: Decimal, tiers: Sequence[PriceTier], price_of: PriceOf) -> tuple[Step, ...]:
    position = reached(units, tiers)
    tier = tiers[position]
    unit_step = priced(
        units, price_of(tier.price), f"all units, as the total is {tier_text(tiers, position)}"
    )
    if not tier.flat:
        return (unit_step,)
    return (unit_step, _flat_fee(tiers, position, price_of))


def spread(quantity: Decimal, tiers: Sequence[PriceTier] | Sequence[RateTier]) -> list[Decimal]:
    """How much of `quantity` falls in each tier; the parts add up to it.

    Upper bounds are inclusive and counted from zero, and the last tier takes all the rest.
    A negative quantity lies in the first tier.
    """
    parts = []
    lower = Decimal(0)
    rest = quantity
    for tier in tiers[:-1]:
        part = min(rest, bound(tier) - lower)
        parts.append(part)
        rest -= part
        lower = bound(tier)
    return [*parts, rest]


def reached(quantity: Decimal, tiers: Sequence[PriceTier] | Sequence[RateTier]) -> int:
    """Position of the tier in which `quantity` ends."""
    return sum(quantity > bound(tier) for tier in tiers[:-1])


def flat_fees(
    quantity: Decimal, tiers: Sequence[PriceTier] | Sequence[RateTier], price_of: PriceOf
) -> tuple[Step, ...]:
    """The flat fee of every tier entered; the first counts as entered even at zero."""
    entered = range(reached(quantity, tiers) + 1)
    return tuple(
        _flat_fee(tiers, position, price_of) for position in entered if tiers[position].flat
    )


def _flat_fee(
    tiers: Sequence[PriceTier] | Sequence[RateTier], position: int, price_of: PriceOf
) -> Step:
    text = f"flat fee of the tier {tier_text(tiers, position)}"
    return priced(Decimal(1), price_of(tiers[position].flat), text)


def bound(tier: PriceTier | RateTier) -> Decimal:
    """Upper bound of a tier that is not the last."""
    if tier.up_to is None:
        raise ValueError("only the last tier may be open")
    return tier.up_to


def tier_text(tiers: Sequence[PriceTier] | Sequence[RateTier], position: int) -> str:
    """The tier in words: "up to 100", "over 100 up to 1000", "over 1000"."""
    if len(tiers) == 1:
        return "of any size"
    over = f"over {plain(bound(tiers[position - 1]))}" if position else ""
    up_to = f"up to {plain(bound(tiers[position]))}" if position < len(tiers) - 1 else ""
    return f"{over} {up_to}".strip()
