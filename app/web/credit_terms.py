"""Service credits of a contract in words, as the engagement's page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.documents.formatting import day, money, number, percent, words
from app.documents.wording import SETTLED
from governance.contract.document import Contract
from governance.contract.service_credits import (
    AtRiskPool,
    BonusMalusTerms,
    EarnBack,
    EarnBackForm,
    Interpolated,
    LinearCredit,
    MilestoneCredit,
    PerEvent,
    PersistentFailure,
    ServiceCreditTerms,
    ServicePoints,
)
from governance.contract.service_levels import Ratchet, ServiceLevel

_EARN_BACK: Final = {
    EarnBackForm.MET: "met",
    EarnBackForm.EXCEEDED: "exceeded",
    EarnBackForm.YEARLY_AVERAGE: "met on the yearly average",
}


def credit_rules(contract: Contract) -> tuple[str, ...]:
    """How a miss turns into a service credit, a sentence a rule; empty where none is agreed.

    Promises that rise by themselves are named too, with or without service credits.
    """
    terms, currency = contract.service_credits, contract.engagement.currency
    rising = tuple(_ratchet(one, one.ratchet) for one in contract.service_levels if one.ratchet)
    if terms is None:
        return rising
    return (
        *_method(terms, currency),
        *(_persistent_failure(rule) for rule in terms.persistent_failure),
        *(_milestone(one, currency) for one in terms.milestones),
        *_earn_back(terms.earn_back),
        *_limits(terms),
        *rising,
    )


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
    elif isinstance(terms, BonusMalusTerms):
        yield from _bonus_malus(terms)
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


def _bonus_malus(terms: BonusMalusTerms) -> Iterator[str]:
    yield "Every point missed beyond a neutral zone costs a percentage of the base."
    yield "Every point surpassed beyond it earns the provider a bonus, where one is agreed."
    if terms.annual_bonus_cap_percent is not None:
        most = percent(terms.annual_bonus_cap_percent)
        yield f"Bonuses are never more than {most} of the last 12 months' base."


def _persistent_failure(rule: PersistentFailure) -> str:
    levels = f" of {', '.join(rule.service_levels)}" if rule.service_levels else ""
    return (
        f"Every {rule.count} misses{levels} within {rule.within_months} months cost"
        f" {percent(rule.percent)} of the last 12 months' base on top."
    )


def _milestone(one: MilestoneCredit, currency: str) -> str:
    costs = [money(one.amount, currency)] if one.amount else []
    costs += [f"{money(one.per_day, currency)} a day"] if one.per_day else []
    most = "" if one.maximum is None else f", at most {money(one.maximum, currency)}"
    return f"{one.title} after {day(one.due)} costs {' and '.join(costs)}{most}."


def _earn_back(terms: EarnBack | None) -> Iterator[str]:
    if terms is None:
        return
    if terms.form is EarnBackForm.BALANCE:
        lapses = ""
        if terms.lapse_months is not None:
            lapses = f"; it lapses after {terms.lapse_months} months"
        yield (
            f"A result better than expected adds {percent(terms.percent)} of the last credited miss"
            f" to a balance, which later credits are set off against{lapses}."
        )
    else:
        yield (
            f"{percent(terms.percent)} is earned back once the level was"
            f" {_EARN_BACK[terms.form]} for {terms.months} months."
        )


def _limits(terms: ServiceCreditTerms) -> Iterator[str]:
    if terms.incidents == "chosen":
        yield "Of several misses of one incident counts the one that the client chooses."
    if terms.cap_percent is not None:
        yield f"Never more than {percent(terms.cap_percent)} of the period's base."
    if terms.annual_cap_percent is not None:
        yield f"Never more than {percent(terms.annual_cap_percent)} of the last 12 months' base."
    yield f"Credits come off {SETTLED[terms.settle].removeprefix('on ')}."
    if terms.claim_within_days is not None:
        yield f"They lapse unless claimed within {terms.claim_within_days} days."


def _ratchet(level: ServiceLevel, ratchet: Ratchet) -> str:
    goal = "the average of the 12 months before"
    if ratchet.form == "gap_to_100":
        goal = "the best there can be"
    most = "" if ratchet.max_points is None else f", at most {number(ratchet.max_points)} points"
    return (
        f"The expected {level.title} moves {percent(ratchet.percent)} of the way to {goal} on each"
        f" anniversary of the start{most}."
    )
