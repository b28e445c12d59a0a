"""Lint rules on the most that service credits can be: caps that never bind, credits without one."""

from __future__ import annotations

from decimal import Decimal

from governance.contract.charges import PassThroughCharge
from governance.contract.lint_values import Concern, Concerns, Reading, Rule, Weight, percent
from governance.contract.service_credits import (
    AtRiskPool,
    BonusMalusTerms,
    CreditBase,
    Interpolated,
    LinearCredit,
    PerEvent,
    ServiceCreditTerms,
    ServicePoints,
    Tiers,
)
from governance.contract.service_levels import ServiceLevel

_WHOLE = Decimal(100)
_ONE = Decimal(1)
_NOTHING = Decimal(0)


def most_of_a_period(reading: Reading) -> Decimal | None:
    """The most that all misses of one period can credit before caps, in % of its base.

    None where that is unknown or has no limit, and where persistent failures or milestones give
    credits beside it.
    """
    terms = reading.contract.service_credits
    if terms is None or terms.persistent_failure or terms.milestones:
        return None
    parts = [_most_of(level, terms) for _, level in reading.levels()]
    known = [part for part in parts if part is not None]
    return sum(known, _NOTHING) if known and len(known) == len(parts) else None


def _most_of(level: ServiceLevel, terms: ServiceCreditTerms) -> Decimal | None:
    match terms:
        case AtRiskPool():
            return _most_of_pool(level, terms)
        case ServicePoints():
            points = max((band.points for band in level.points), default=_NOTHING)
            return points * max(terms.repeat_multiplier, _ONE) * terms.point_percent
        case LinearCredit() | Interpolated():
            return _most_of_line(level, terms)
        case Tiers():
            return max((tier.percent for tier in level.tiers), default=_NOTHING)
    if isinstance(terms, BonusMalusTerms):
        return level.bonus_malus.max_malus_percent if level.bonus_malus else _NOTHING
    return None


def _most_of_pool(level: ServiceLevel, terms: AtRiskPool) -> Decimal:
    repeat = max(terms.repeat.multiplier, _ONE) if terms.repeat else _ONE
    pool = terms.categories.get(level.category or "", _NOTHING)
    return terms.at_risk_percent * pool * (level.allocation or _NOTHING) * repeat / 10_000


def _most_of_line(level: ServiceLevel, terms: LinearCredit | Interpolated) -> Decimal | None:
    most = terms.max_percent if level.max_percent is None else level.max_percent
    if isinstance(terms, LinearCredit):
        return most if level.linear is not None else _NOTHING
    return most or _NOTHING


def cap_never_binds(reading: Reading) -> Concerns:
    """A cap above everything that can be credited looks like protection, and is none."""
    terms, most = reading.contract.service_credits, most_of_a_period(reading)
    cap = terms.cap_percent if terms else None
    if cap is None:
        return
    pool = terms.at_risk_percent if isinstance(terms, AtRiskPool) else None
    if pool is not None and cap >= pool:
        why = f"the pool holds a period's credits to {percent(pool)} anyway"
    elif most is not None and cap >= most:
        why = f"all misses of a period together credit {percent(most)} at most"
    else:
        return
    yield Concern(
        ("service_credits", "cap_percent"),
        f"the cap of {percent(cap)} never binds: {why}",
        "lower the cap to what is meant, or leave it out",
    )


def pool_is_never_reached(reading: Reading) -> Concerns:
    """The amount at risk that one reads is more than all misses together can cost."""
    terms, most = reading.contract.service_credits, most_of_a_period(reading)
    if not isinstance(terms, AtRiskPool) or most is None or not 0 < most < terms.at_risk_percent:
        return
    yield Concern(
        ("service_credits", "at_risk_percent"),
        f"{percent(terms.at_risk_percent)} are at risk, and all misses of a period together credit"
        f" {percent(most)} at most",
        "let categories and allocations add up to 100 %, or lower at_risk_percent",
        weight=Weight.NOTE,
    )


def annual_cap_never_binds(reading: Reading) -> Concerns:
    """Both caps are percentages: one of 10 % a period already holds a year to 10 % of its base."""
    terms = reading.contract.service_credits
    annual = terms.annual_cap_percent if terms else None
    if terms is None or annual is None or terms.persistent_failure or terms.milestones:
        return
    limits = [terms.cap_percent, most_of_a_period(reading)]
    if isinstance(terms, AtRiskPool):
        limits.append(terms.at_risk_percent)
    period = min((limit for limit in limits if limit is not None), default=None)
    if period is not None and annual >= period:
        yield Concern(
            ("service_credits", "annual_cap_percent"),
            f"the annual cap of {percent(annual)} never binds: credits are at most"
            f" {percent(period)} of the base in each period, and so in each year",
            f"choose an annual cap below {percent(period)}, or leave it out",
        )


def annual_bonus_cap_never_binds(reading: Reading) -> Concerns:
    """The client's budget for bonuses has no limit where the cap lies above all of them."""
    terms = reading.contract.service_credits
    if not isinstance(terms, BonusMalusTerms) or terms.annual_bonus_cap_percent is None:
        return
    agreed = [level.bonus_malus for _, level in reading.levels() if level.bonus_malus is not None]
    most = sum((each.max_bonus_percent for each in agreed), _NOTHING)
    if terms.annual_bonus_cap_percent >= most:
        yield Concern(
            ("service_credits", "annual_bonus_cap_percent"),
            f"the annual cap of {percent(terms.annual_bonus_cap_percent)} on bonuses never binds:"
            f" they are at most {percent(most)} of the base in each period",
            f"choose a cap below {percent(most)}, or leave it out",
        )


def credits_without_cap(reading: Reading) -> Concerns:
    """Without a cap one very bad month can cost a provider more than it earns."""
    terms = reading.contract.service_credits
    if terms is None or isinstance(terms, AtRiskPool) or terms.cap_percent is not None:
        return
    most = most_of_a_period(reading)
    linear = isinstance(terms, LinearCredit) and terms.max_percent is None
    unlimited = linear and any(
        level.linear is not None and level.max_percent is None for _, level in reading.levels()
    )
    if unlimited:
        what = "credits have no limit: neither cap_percent nor max_percent is agreed"
    elif most is not None and most > _WHOLE:
        what = f"all misses of a period together credit {percent(most)} of its base"
    else:
        return
    yield Concern(("service_credits",), what, "agree on cap_percent")


def credits_are_worth_nothing(reading: Reading) -> Concerns:
    """A percentage of 0 takes the consequence from every service level at once."""
    terms = reading.contract.service_credits
    if terms is None:
        return
    for key in ("at_risk_percent", "cap_percent", "annual_cap_percent"):
        if getattr(terms, key, None) == 0:
            yield Concern(
                ("service_credits", key),
                f"with {key} 0 no credit is ever given",
                "state the percentage that is meant",
            )


def credits_have_no_base(reading: Reading) -> Concerns:
    """A percentage of charges that don't count is nothing."""
    terms, charges = reading.contract.service_credits, reading.contract.charges
    if terms is None or isinstance(terms, PerEvent) or not charges:
        return
    passed_on = all(isinstance(charge, PassThroughCharge) for charge in charges)
    if passed_on and terms.base is CreditBase.CHARGES_WITHOUT_PASS_THROUGH:
        yield Concern(
            ("service_credits", "base"),
            "all charges are passed-on cost, which the base of the credits leaves out",
            "choose the base charges, or an amount a miss (per_event)",
        )


RULES: tuple[Rule, ...] = (
    cap_never_binds,
    pool_is_never_reached,
    annual_cap_never_binds,
    annual_bonus_cap_never_binds,
    credits_without_cap,
    credits_are_worth_nothing,
    credits_have_no_base,
)
