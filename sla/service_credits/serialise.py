"""Service credits as JSON, with the keys that the contract language fixes."""

from __future__ import annotations

from typing import Any

from governance.values import money_text, plain
from sla.service_credits.values import (
    BalanceMovement,
    Claim,
    LevelCredit,
    Mechanism,
    MilestoneLate,
    PersistentFailureCredit,
    ServiceCredits,
)
from sla.service_credits.wording import number_words


def service_credits_json(given: ServiceCredits) -> dict[str, Any]:
    """Stable keys for `--json`; amounts with the currency's decimals, all numbers as text.

    A value has the decimals that it was rounded to or, unrounded, was written with. `points` and
    `multiplier` stand where the method has them; `cap` is null where none is agreed. What a
    contract has besides its method adds keys of its own: `bonus`, `persistent_failures`,
    `milestones`, `balance`, and `claim` where something is known of it.
    """
    return {
        "period": given.period.label,
        "currency": given.currency,
        "base": money_text(given.base, given.currency),
        "cap": None if given.cap is None else money_text(given.cap, given.currency),
        "service_levels": [_level_json(level, given.currency) for level in given.service_levels],
        "before_cap": money_text(given.before_cap, given.currency),
        "credit": money_text(given.credit, given.currency),
        "earned_back": money_text(given.earned_back, given.currency),
        **_further_json(given),
        "net": money_text(given.net, given.currency),
    }


def _further_json(given: ServiceCredits) -> dict[str, Any]:
    """What the contract has besides its method; nothing for those that have no more."""
    currency = given.currency
    parts: dict[Mechanism, Any] = {
        Mechanism.BONUS: money_text(given.bonus, currency),
        Mechanism.PERSISTENT_FAILURES: [
            persistent_failure_json(each, currency) for each in given.persistent_failures
        ],
        Mechanism.MILESTONES: [milestone_json(each, currency) for each in given.milestones],
        Mechanism.BALANCE: [balance_json(each, currency) for each in given.balance],
    }
    found = {part.value: stated for part, stated in parts.items() if part in given.agreed}
    return found if given.claim is None else {**found, "claim": claim_json(given.claim)}


def persistent_failure_json(failure: PersistentFailureCredit, currency: str) -> dict[str, Any]:
    """A further credit with the periods whose misses it uses up."""
    return {
        "service_level": failure.service_level,
        "misses": [period.label for period in failure.misses],
        "before_cap": money_text(failure.before_cap, currency),
        "credit": money_text(failure.credit, currency),
        "why": failure.why,
    }


def milestone_json(late: MilestoneLate, currency: str) -> dict[str, Any]:
    """What a late critical milestone costs in the period."""
    return {
        "id": late.id,
        "title": late.title,
        "days_late": late.days_late,
        "before_cap": money_text(late.before_cap, currency),
        "credit": money_text(late.credit, currency),
        "why": late.why,
    }


def balance_json(moved: BalanceMovement, currency: str) -> dict[str, Any]:
    """A service level's balance: opening + added − used − lapsed = closing."""
    amounts = {
        "opening": moved.opening,
        "added": moved.added,
        "used": moved.used,
        "lapsed": moved.lapsed,
        "closing": moved.closing,
    }
    return {
        "service_level": moved.service_level,
        **{name: money_text(amount, currency) for name, amount in amounts.items()},
        "why": moved.why,
    }


def claim_json(claim: Claim) -> dict[str, Any]:
    """Where the claim stands, and the last day to make it."""
    return {
        "status": claim.state.value,
        "until": claim.until.isoformat(),
        "claimed_on": None if claim.claimed_on is None else claim.claimed_on.isoformat(),
    }


def _level_json(level: LevelCredit, currency: str) -> dict[str, Any]:
    counted = {"points": level.points, "multiplier": level.multiplier}
    return {
        "id": level.id,
        "value": None if level.value is None else number_words(level.value),
        "status": level.status.value,
        **({} if level.expected is None else {"expected": number_words(level.expected)}),
        **{key: plain(number) for key, number in counted.items() if number is not None},
        "credit": money_text(level.credit, currency),
        **({} if level.bonus is None else {"bonus": money_text(level.bonus, currency)}),
        "why": level.why,
    }
