"""Charges and service credits of a contract in words, as the engagement's page shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from app.documents.formatting import day, money, number, percent, price, words
from app.documents.wording import SETTLED
from governance.contract.charges import (
    AgeBand,
    BandedCharge,
    Charge,
    ContingencyCharge,
    FixedCharge,
    FlatPricing,
    GainShareCharge,
    PackagePricing,
    PassThroughCharge,
    PercentageCharge,
    PerFteCharge,
    PerUnitCharge,
    PriceTier,
    Pricing,
    RateTier,
)
from governance.contract.document import Contract
from governance.contract.service_credits import (
    AtRiskPool,
    Interpolated,
    LinearCredit,
    PerEvent,
    ServiceCreditTerms,
    ServicePoints,
)

_EARN_BACK: Final = {
    "met": "met",
    "exceeded": "exceeded",
    "yearly_average": "met on the yearly average",
}


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
    return f"Share of {words(charge.meter)} by age at {charge.age_at}: {bands}."


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


_RULES: Final[Mapping[type[Any], Callable[[Any, str], str]]] = {
    FixedCharge: _fixed,
    PerUnitCharge: _per_unit,
    PercentageCharge: _percentage,
    ContingencyCharge: _contingency,
    PerFteCharge: _per_fte,
    BandedCharge: _banded,
    PassThroughCharge: _pass_through,
    GainShareCharge: _gain_share,
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


def credit_rules(contract: Contract) -> tuple[str, ...]:
    """How a miss turns into a service credit, a sentence a rule; empty where none is agreed."""
    terms = contract.service_credits
    if terms is None:
        return ()
    return (*_method(terms, contract.engagement.currency), *_limits(terms))


def _method(terms: ServiceCreditTerms, currency: str) -> Iterator[str]:
    if isinstance(terms, AtRiskPool):
        yield from _at_risk_pool(terms)
    elif isinstance(terms, ServicePoints):
        yield f"A miss scores points; each costs {percent(terms.point_percent)} of the base."
        yield f"A repeated miss scores {number(terms.repeat_multiplier)} times the points."
    elif isinstance(terms, LinearCredit):
        yield "Every point missed costs a percentage of the base."
    elif isinstance(terms, PerEvent):
        amount = "a fixed amount" if terms.amount is None else money(terms.amount, currency)
        yield f"Every miss costs {amount}."
    elif isinstance(terms, Interpolated):
        yield "The credit grows in proportion from the expected level to the minimum."
    else:
        yield "The worst tier that a service level falls into sets its credit."


def _at_risk_pool(terms: AtRiskPool) -> Iterator[str]:
    yield f"{percent(terms.at_risk_percent)} of the base is at risk each period."
    pools = ", ".join(f"{words(name)} {percent(share)}" for name, share in terms.categories.items())
    yield f"Shares of the pool: {pools}."
    yield "A value below the minimum counts at once."
    if terms.below_expected is not None:
        rule = terms.below_expected
        yield (
            f"A value below the expected level counts when it happens {rule.count} times"
            f" within {rule.within_months} months."
        )
    if terms.repeat is not None:
        yield (
            f"From miss {terms.repeat.consecutive} in a row the credit is multiplied"
            f" by {number(terms.repeat.multiplier)}."
        )
    if terms.earn_back is not None:
        rule_ = terms.earn_back
        yield (
            f"{percent(rule_.percent)} is earned back once the level was"
            f" {_EARN_BACK[rule_.form.value]} for {rule_.months} months."
        )


def _limits(terms: ServiceCreditTerms) -> Iterator[str]:
    if terms.cap_percent is not None:
        yield f"Never more than {percent(terms.cap_percent)} of the period's base."
    if terms.annual_cap_percent is not None:
        yield f"Never more than {percent(terms.annual_cap_percent)} of the last 12 months' base."
    yield f"Credits come off {SETTLED[terms.settle].removeprefix('on ')}."
    if terms.claim_within_days is not None:
        yield f"They lapse unless claimed within {terms.claim_within_days} days."
