"""Unit prices: flat, graduated, volume and package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Units:
    """The units of one line, after the free ones, and those that other lines price before them."""

    before: Decimal
    end: Decimal
    """With those before."""
    is_first: bool
    """Whether no line was priced before: that line has the first tier, even at zero."""

    @property
    def count(self) -> Decimal:
        return self.end - self.before

    def started(self, size: Decimal) -> Decimal:
        """Packages that these units start."""
        return _packages(self.end, size) - _packages(self.before, size)


def charge_units(
    quantity: Decimal, pricing: Pricing, price_of: PriceOf, before: Decimal | None = None
) -> tuple[Step, ...]:
    """Steps that price `quantity` units, unrounded; free units come off first.

    Apart from packages and flat fees, the quantities of the steps add up to the units that
    are not free. `before` are units that another line of the charge prices: they use up free
    units, packages and tiers first, and are not priced anew, not even by volume.
    """
    earlier = max((before or Decimal(0)) - pricing.free_units, Decimal(0))
    end = max((before or Decimal(0)) + quantity - pricing.free_units, Decimal(0))
    units = _Units(earlier, end, is_first=before is None)
    steps = _steps(units, pricing, price_of)
    if not pricing.free_units:
        return steps
    free = f"{plain(quantity)} less {plain(quantity - units.count)} free"
    first = steps[0]
    return (
        Step(first.quantity, first.price, first.amount, joined(free, first.text)),
        *steps[1:],
    )


def _steps(units: _Units, pricing: Pricing, price_of: PriceOf) -> tuple[Step, ...]:
    match pricing:
        case FlatPricing():
            return (priced(units.count, price_of(pricing.price)),)
        case GraduatedPricing():
            return _graduated(units, pricing.tiers, price_of)
        case VolumePricing():
            return _volume(units, pricing.tiers, price_of)
        case PackagePricing():
            return (_packaged(units, pricing, price_of),)


def _packages(units: Decimal, size: Decimal) -> Decimal:
    return (units / size).to_integral_value(rounding=ROUND_CEILING)


def _packaged(units: _Units, pricing: PackagePricing, price_of: PriceOf) -> Step:
    text = f"started packages of {plain(pricing.size)} for {plain(units.count)} units"
    return priced(units.started(pricing.size), price_of(pricing.price), text)


def _graduated(units: _Units, tiers: Sequence[PriceTier], price_of: PriceOf) -> tuple[Step, ...]:
    parts = parts_of(units.count, tiers, units.before)
    last = reached(units.end, tiers)
    steps = [
        priced(part, price_of(tier.price), tier_text(tiers, position))
        for position, (tier, part) in enumerate(zip(tiers, parts, strict=True))
        if part or (position == last and not units.count)
    ]
    before = None if units.is_first else units.before
    return (*steps, *flat_fees(units.end, tiers, price_of, before))


def _volume(units: _Units, tiers: Sequence[PriceTier], price_of: PriceOf) -> tuple[Step, ...]:
    position = reached(units.end, tiers)
    tier = tiers[position]
    unit_step = priced(
        units.count,
        price_of(tier.price),
        f"all units, as the total is {tier_text(tiers, position)}",
    )
    entered = units.is_first or position > reached(units.before, tiers)
    if not tier.flat or not entered:
        return (unit_step,)
    return (unit_step, _flat_fee(tiers, position, price_of))


def parts_of(
    quantity: Decimal, tiers: Sequence[PriceTier] | Sequence[RateTier], before: Decimal
) -> list[Decimal]:
    """How much of `quantity` falls in each tier, when `before` lies in the tiers already."""
    ends = zip(spread(before + quantity, tiers), spread(before, tiers), strict=True)
    return [end - start for end, start in ends]


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
    quantity: Decimal,
    tiers: Sequence[PriceTier] | Sequence[RateTier],
    price_of: PriceOf,
    before: Decimal | None = None,
) -> tuple[Step, ...]:
    """The flat fee of every tier entered; the first counts as entered even at zero.

    Tiers that `before` entered have had theirs.
    """
    first = 0 if before is None else reached(before, tiers) + 1
    entered = range(first, reached(quantity, tiers) + 1)
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
