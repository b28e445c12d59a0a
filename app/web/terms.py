"""Charges of a contract in words, as the engagement's page shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from app.documents.formatting import day, money, number, percent, price, words
from governance.contract.charges import (
    AgeBand,
    BandedCharge,
    Charge,
    ContingencyCharge,
    EarlyTerminationCharge,
    FixedCharge,
    FlatPricing,
    GainShareCharge,
    MilestonesCharge,
    PackagePricing,
    PassThroughCharge,
    PercentageCharge,
    PerFteCharge,
    PerUnitCharge,
    PriceTier,
    Pricing,
    RateTier,
    TerminationStep,
    VolumeRebateCharge,
)


def charge_rule(charge: Charge, currency: str) -> tuple[str, ...]:
    """How a charge is computed, a sentence a rule, the main one first."""
    return (_RULES[type(charge)](charge, currency), *_conditions(charge, currency))


def _fixed(charge: FixedCharge, currency: str) -> str:
    often = "once" if charge.per == "once" else f"a {charge.per}"
    return f"{money(charge.amount, currency)} {often}."


def _per_unit(charge: PerUnitCharge, currency: str) -> str:
    return f"Counts {words(charge.meter)}: {_pricing(charge.pricing, currency)}"


def _pricing(pricing: Pricing, currency: str) -> str:
    free = f" The first {number(pricing.free_units)} are free." if pricing.free_units else ""
    if isinstance(pricing, FlatPricing):
        return f"{_each(pricing.price, currency)} each.{free}"
    if isinstance(pricing, PackagePricing):
        size = number(pricing.size)
        return f"{_each(pricing.price, currency)} for every started {size}.{free}"
    how = (
        "every tier at its own price"
        if pricing.scheme == "graduated"
        else "all units at the price of the tier reached"
    )
    return f"{_tiers(pricing.tiers, currency)}; {how}.{free}"


def _tiers(tiers: Sequence[PriceTier | RateTier], currency: str) -> str:
    return ", ".join(_tier(tier, currency) for tier in tiers)


def _tier(tier: PriceTier | RateTier, currency: str) -> str:
    rate = percent(tier.rate) if isinstance(tier, RateTier) else _each(tier.price, currency)
    entry = f" plus {money(tier.flat, currency)} once" if tier.flat else ""
    reach = "beyond" if tier.up_to is None else f"up to {number(tier.up_to)}"
    return f"{reach} {rate}{entry}"


def _each(value: Decimal, currency: str) -> str:
    return f"{currency} {price(value, currency)}"


def _percentage(charge: PercentageCharge, currency: str) -> str:
    rate = _tiers(charge.tiers, currency) if charge.rate is None else percent(charge.rate)
    extra = ""
    if charge.fixed_per_transaction:
        extra = f" plus {money(charge.fixed_per_transaction, currency)} a transaction"
    return f"{rate} of {words(charge.meter)}{extra}."


def _contingency(charge: ContingencyCharge, _currency: str) -> str:
    bands = ", ".join(_age_band(band) for band in charge.age_bands)
    recall = f" Recalled unpaid: {percent(charge.recall_rate)}." if charge.recall_rate else ""
    return f"Share of {words(charge.meter)} by age at {charge.age_at}: {bands}.{recall}"


def _age_band(band: AgeBand) -> str:
    """A first band over 0 days takes the debts that aren't past due yet as well."""
    since = f"over {band.over_days} days" if band.over_days else "from the start"
    return f"{percent(band.rate)} {since}"


def _per_fte(charge: PerFteCharge, currency: str) -> str:
    roles = ", ".join(
        f"{words(role)} {money(rate, currency)}" for role, rate in charge.roles.items()
    )
    return f"A month for every full-time equivalent: {roles}."


def _banded(charge: BandedCharge, currency: str) -> str:
    return (
        f"{money(charge.amount, currency)} for {number(charge.baseline)} {words(charge.meter)},"
        f" unchanged within {percent(charge.deadband_percent)} of it."
    )


def _pass_through(charge: PassThroughCharge, _currency: str) -> str:
    markup = f" plus {percent(charge.markup_percent)}" if charge.markup_percent else ""
    return f"{words(charge.meter).capitalize()} at cost{markup}, outside the credit base."


def _gain_share(charge: GainShareCharge, _currency: str) -> str:
    share = percent(charge.share_percent)
    return f"{share} of what {words(charge.meter)} gains over {number(charge.baseline)}."


def _volume_rebate(charge: VolumeRebateCharge, currency: str) -> str:
    tiers = ", ".join(
        f"{percent(tier.percent)} over {money(tier.over, currency)}" for tier in charge.tiers
    )
    part = "of all of it" if charge.retroactive else "of what is over"
    return f"Off {', '.join(charge.of)}, added up over the {charge.per}: {tiers}, {part}."


def _milestones(charge: MilestonesCharge, currency: str) -> str:
    listed = ", ".join(
        f"{one.title} {money(one.amount, currency)} (due {day(one.due)})"
        for one in charge.milestones
    )
    return f"Each once, when it is accepted: {listed}."


def _early_termination(charge: EarlyTerminationCharge, currency: str) -> str:
    steps = ", ".join(_termination_step(step, currency) for step in charge.schedule)
    return f"For ending early for convenience: {steps}."


def _termination_step(step: TerminationStep, currency: str) -> str:
    if step.months_of_charges is not None:
        cost = f"{number(step.months_of_charges)} average months of charges"
    else:
        cost = money(step.amount or Decimal(0), currency)
    return f"{cost} until {day(step.until)}" if step.until else f"{cost} later"


_RULES: Final[Mapping[type[Any], Callable[[Any, str], str]]] = {
    FixedCharge: _fixed,
    PerUnitCharge: _per_unit,
    PercentageCharge: _percentage,
    ContingencyCharge: _contingency,
    PerFteCharge: _per_fte,
    BandedCharge: _banded,
    PassThroughCharge: _pass_through,
    GainShareCharge: _gain_share,
    VolumeRebateCharge: _volume_rebate,
    MilestonesCharge: _milestones,
    EarlyTerminationCharge: _early_termination,
}


def _conditions(charge: Charge, currency: str) -> Iterator[str]:
    if charge.minimum is not None:
        yield f"At least {money(charge.minimum, currency)} a period."
    if charge.maximum is not None:
        yield f"At most {money(charge.maximum, currency)} a period."
    if charge.from_ is not None:
        yield f"From {day(charge.from_)}."
    if charge.to is not None:
        yield f"Until {day(charge.to)}."
    if charge.indexation is not None:
        yield f"Prices follow {charge.indexation.series}, base {number(charge.indexation.base)}."
    if charge.ramp:
        yield f"Other values in {', '.join(charge.ramp)}."
