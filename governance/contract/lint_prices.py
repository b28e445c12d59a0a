"""Lint rules on how prices run with quantity: jumps, falls, floors and rates out of order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from governance.contract.charges import (
    BandedCharge,
    BandStep,
    Charge,
    ContingencyCharge,
    GainShareCharge,
    GraduatedPricing,
    PassThroughCharge,
    PercentageCharge,
    PerUnitCharge,
    PriceTier,
    RateTier,
    VolumePricing,
    VolumeRebateCharge,
)
from governance.contract.lint_values import (
    Concerns,
    Reading,
    Rule,
    Weight,
    charge_concern,
    percent,
)
from governance.contract.yaml_nodes import Path
from governance.values import plain

_NOTHING = Decimal(0)
_ONE = Decimal(1)


def larger_volume_is_cheaper(reading: Reading) -> Concerns:
    """With volume pricing all units take the next tier's price, so just above a bound one pays
    less for more: the client has a reason to order what it doesn't need.
    """
    for path, charge in reading.charges_of(PerUnitCharge):
        if not isinstance(charge.pricing, VolumePricing):
            continue
        free = charge.pricing.free_units
        for index, (tier, following) in enumerate(pairwise(charge.pricing.tiers), start=1):
            at = tier.up_to or _NOTHING
            cost, more = _volume_cost(at, tier), _volume_cost(at + 1, following)
            if more < cost:
                units = f"{plain(at + 1 + free)} units cost {reading.money(more)}"
                yield charge_concern(
                    charge,
                    (*path, "pricing", "tiers", index),
                    f"{units}, {plain(at + free)} cost {reading.money(cost)}"
                    + _until(at, cost, following, free),
                    "choose graduated pricing, or agree that the lower amount holds between",
                )


def _volume_cost(units: Decimal, tier: PriceTier) -> Decimal:
    return units * tier.price + tier.flat


def _until(at: Decimal, cost: Decimal, tier: PriceTier, free: Decimal) -> str:
    """Up to which quantity the next tier stays below what its lower bound costs."""
    if not tier.price:
        return ""
    even = ((cost - tier.flat) / tier.price).to_integral_value(ROUND_CEILING)
    beyond = tier.up_to is not None and even > tier.up_to
    return "" if beyond or even <= at + 1 else f"; it takes {plain(even + free)} to cost as much"


def _tiers(reading: Reading) -> Iterator[tuple[Path, Charge, Sequence[PriceTier | RateTier]]]:
    for path, charge in reading.charges_of(PerUnitCharge):
        if isinstance(charge.pricing, GraduatedPricing | VolumePricing):
            yield (*path, "pricing", "tiers"), charge, charge.pricing.tiers
    for path, percentage in reading.charges_of(PercentageCharge):
        yield (*path, "tiers"), percentage, percentage.tiers


def _price(tier: PriceTier | RateTier) -> Decimal:
    return tier.price if isinstance(tier, PriceTier) else tier.rate


def price_rises_with_volume(reading: Reading) -> Concerns:
    """Prices mostly fall with volume; a rising one punishes growth, or two tiers are swapped."""
    for path, charge, tiers in _tiers(reading):
        for index, (tier, following) in enumerate(pairwise(tiers), start=1):
            if _price(following) > _price(tier):
                yield charge_concern(
                    charge,
                    (*path, index),
                    f"beyond {plain(tier.up_to or _NOTHING)} its price rises from"
                    f" {plain(_price(tier))} to {plain(_price(following))}",
                    "check the order of the tiers",
                    Weight.NOTE,
                )


def tiers_do_not_differ(reading: Reading) -> Concerns:
    """A bound at which nothing changes is mostly a price that was not updated."""
    for path, charge, tiers in _tiers(reading):
        for index, (tier, following) in enumerate(pairwise(tiers), start=1):
            if _price(following) == _price(tier) and not following.flat:
                yield charge_concern(
                    charge,
                    (*path, index),
                    f"nothing changes beyond {plain(tier.up_to or _NOTHING)}: the price stays"
                    f" {plain(_price(tier))}",
                    "leave one of the tiers out, or correct its price",
                )


def transaction_limit_hides_the_rate(reading: Reading) -> Concerns:
    """Where the fixed fee reaches the most that a transaction may cost, the rate never counts."""
    for path, charge in reading.charges_of(PercentageCharge):
        most, fixed = charge.max_per_transaction, charge.fixed_per_transaction
        if most is not None and fixed >= most:
            yield charge_concern(
                charge,
                (*path, "max_per_transaction"),
                f"a transaction costs at most {reading.money(most)}, and its fixed fee alone is"
                f" {reading.money(fixed)}",
                "raise the maximum, or charge the fixed fee per unit",
            )


def young_debt_is_free(reading: Reading) -> Concerns:
    """Below the lowest band nothing is earned: the provider has a reason to wait."""
    for path, charge in reading.charges_of(ContingencyCharge):
        first = min(band.over_days for band in charge.age_bands)
        if first > 0:
            yield charge_concern(
                charge,
                (*path, "age_bands", 0, "over_days"),
                f"debts not over {first} days earn no fee",
                "start with over_days: 0, unless they are collected by the client",
                Weight.NOTE,
            )


def old_debt_earns_less(reading: Reading) -> Concerns:
    """Older debts are harder to collect; a falling rate leaves them to age."""
    for path, charge in reading.charges_of(ContingencyCharge):
        for index, (band, older) in enumerate(pairwise(charge.age_bands), start=1):
            if older.rate < band.rate:
                yield charge_concern(
                    charge,
                    (*path, "age_bands", index, "rate"),
                    f"debts over {older.over_days} days earn {percent(older.rate)}, younger ones"
                    f" {percent(band.rate)}",
                    "check the order of the rates",
                    Weight.NOTE,
                )
            elif older.rate == band.rate:
                yield charge_concern(
                    charge,
                    (*path, "age_bands", index, "rate"),
                    f"nothing changes over {older.over_days} days: the rate stays"
                    f" {percent(older.rate)}",
                    "leave one of the bands out, or correct its rate",
                )


def recall_costs_more_than_success(reading: Reading) -> Concerns:
    """A fee on debts taken back above the fee on debts collected rewards the wrong thing."""
    for path, charge in reading.charges_of(ContingencyCharge):
        best = max(band.rate for band in charge.age_bands)
        if charge.recall_rate > best:
            yield charge_concern(
                charge,
                (*path, "recall_rate"),
                f"a debt taken back costs {percent(charge.recall_rate)}, a collected one"
                f" {percent(best)} at most",
                "lower recall_rate",
            )


def volume_never_matters(reading: Reading) -> Concerns:
    """A baseline without bands is a fixed fee, whatever the volume does."""
    for path, charge in reading.charges_of(BandedCharge):
        if not charge.additional and not charge.reduced:
            yield charge_concern(
                charge,
                path,
                "it has neither additional nor reduced units, so the volume never matters",
                "add the bands, or use a fixed charge",
            )


def fewer_units_never_lower_the_fee(reading: Reading) -> Concerns:
    """With additional units alone the client carries every fall in volume."""
    for path, charge in reading.charges_of(BandedCharge):
        if charge.additional and not charge.reduced:
            yield charge_concern(
                charge,
                path,
                "more units raise the fee, fewer never lower it",
                "agree on reduced, unless the fee is meant as a minimum",
                Weight.NOTE,
            )


def reduced_units_leave_a_floor(reading: Reading) -> Concerns:
    """What stays to be paid at no volume at all is the real minimum of the charge."""
    for path, charge in reading.charges_of(BandedCharge):
        if not charge.reduced:
            continue
        floor = charge.amount - _reduction(charge)
        if charge.minimum is not None:
            floor = max(floor, charge.minimum)
        share = (floor / charge.amount * 100).quantize(_ONE) if charge.amount else _NOTHING
        if floor >= 0:
            yield charge_concern(
                charge,
                (*path, "reduced"),
                f"its effective minimum is {reading.money(floor)}, {plain(share)} % of the fee:"
                " that much is due even at no volume",
                "nothing, if that is the minimum that both sides have in mind",
                Weight.NOTE,
            )
        else:
            yield charge_concern(
                charge,
                (*path, "reduced"),
                f"at no volume its fee falls to {reading.money(floor)}, so the provider would pay",
                "lower the prices of reduced units, or agree on minimum",
            )


def _reduction(charge: BandedCharge) -> Decimal:
    """What comes off the fee at no volume."""
    return _banded(charge.reduced, charge, charge.baseline)


def _banded(steps: Sequence[BandStep], charge: BandedCharge, distance: Decimal) -> Decimal:
    """Price of all units up to a distance from the baseline beyond the deadband."""
    edge = charge.baseline * charge.deadband_percent / 100
    lower = edge if charge.counted_from == "edge" else _NOTHING
    total = _NOTHING
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        upper = distance if last else min(distance, charge.baseline * step.up_to_percent / 100)
        if upper > lower:
            total += (upper - lower) * step.price
            lower = upper
    return total


def deadband_ends_in_a_jump(reading: Reading) -> Concerns:
    """Counted from the baseline, the first unit beyond the deadband brings in all units inside."""
    for path, charge in reading.charges_of(BandedCharge):
        edge = charge.baseline * charge.deadband_percent / 100
        if charge.counted_from != "baseline" or not edge or not charge.additional:
            continue
        jump = _banded(charge.additional, charge, edge + 1)
        at = charge.baseline + edge
        yield charge_concern(
            charge,
            (*path, "counted_from"),
            f"{plain(at)} units cost {reading.money(charge.amount)}, {plain(at + 1)} cost"
            f" {reading.money(charge.amount + jump)}",
            "count from the edge, unless the jump is meant",
            Weight.NOTE,
        )


def additional_units_are_dearer(reading: Reading) -> Concerns:
    """Additional units use what is there already, so they mostly cost less than the average."""
    for path, charge in reading.charges_of(BandedCharge):
        average = charge.amount / charge.baseline
        for index, step in enumerate(charge.additional):
            if step.price > average:
                yield charge_concern(
                    charge,
                    (*path, "additional", index, "price"),
                    f"an additional unit costs {plain(step.price)}, one of the baseline"
                    f" {reading.money(average)} on average",
                    "check the price",
                    Weight.NOTE,
                )
                break


def gain_without_limit(reading: Reading) -> Concerns:
    """A gain can come from the market alone; without a maximum the client shares it all."""
    for path, charge in reading.charges_of(GainShareCharge):
        if charge.maximum is None:
            yield charge_concern(
                charge,
                path,
                "its share of the gain has no limit",
                "agree on maximum",
                Weight.NOTE,
            )


def rebate_falls_with_volume(reading: Reading) -> Concerns:
    """A rebate rewards volume; where it falls with volume two tiers are mostly swapped."""
    for path, charge in reading.charges_of(VolumeRebateCharge):
        for index, (tier, following) in enumerate(pairwise(charge.tiers), start=1):
            if following.percent <= tier.percent:
                yield charge_concern(
                    charge,
                    (*path, "tiers", index, "percent"),
                    f"over {reading.money(following.over)} its rebate is"
                    f" {percent(following.percent)}, before {percent(tier.percent)}",
                    "check the order of the tiers",
                )


def rebate_makes_more_cheaper(reading: Reading) -> Concerns:
    """A retroactive rebate comes off everything at once, so just over a bound more costs less."""
    for path, charge in reading.charges_of(VolumeRebateCharge):
        if not charge.retroactive:
            continue
        before = _NOTHING
        for index, tier in enumerate(charge.tiers):
            cost = tier.over * (100 - before) / 100
            more = tier.over * (100 - tier.percent) / 100
            if tier.over and more < cost:
                yield charge_concern(
                    charge,
                    (*path, "tiers", index),
                    f"charges of {reading.money(tier.over)} cost {reading.money(cost)}, slightly"
                    f" more cost {reading.money(more)}",
                    "choose retroactive: false, unless the jump is meant",
                    Weight.NOTE,
                )
            before = tier.percent


def rebate_on_passed_on_cost(reading: Reading) -> Concerns:
    """A rebate on what others charge is paid out of the provider's own pocket."""
    passed_on = {charge.id for _, charge in reading.charges_of(PassThroughCharge)}
    for path, charge in reading.charges_of(VolumeRebateCharge):
        for index, name in enumerate(charge.of):
            if name in passed_on:
                yield charge_concern(
                    charge,
                    (*path, "of", index),
                    f"it gives a rebate on {name}, which passes on the cost of others",
                    "leave it out of the rebate, unless that is meant",
                    Weight.NOTE,
                )


RULES: tuple[Rule, ...] = (
    larger_volume_is_cheaper,
    price_rises_with_volume,
    tiers_do_not_differ,
    transaction_limit_hides_the_rate,
    young_debt_is_free,
    old_debt_earns_less,
    recall_costs_more_than_success,
    volume_never_matters,
    fewer_units_never_lower_the_fee,
    reduced_units_leave_a_floor,
    deadband_ends_in_a_jump,
    additional_units_are_dearer,
    gain_without_limit,
    rebate_falls_with_volume,
    rebate_makes_more_cheaper,
    rebate_on_passed_on_cost,
)
