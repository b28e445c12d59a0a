"""What a service credit has besides misses and earn-backs, as text to store and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from governance.tables import canonical_json
from governance.values import Period, round_money
from sla.measurements.details import exact_text
from sla.service_credits.values import (
    BalanceMovement,
    Claim,
    ClaimState,
    Mechanism,
    MilestoneLate,
    PersistentFailureCredit,
    ServiceCredits,
)

_MOVEMENTS = ("opening", "added", "used", "lapsed", "closing")


def further_text(given: ServiceCredits) -> str | None:
    """Persistent failures, late milestones, balances and the claim; None where there is nothing."""
    if not given.agreed and given.claim is None:
        return None
    parts = {
        "agreed": [each.value for each in given.agreed],
        "persistent_failures": [_failure_json(each) for each in given.persistent_failures],
        "milestones": [_milestone_json(each) for each in given.milestones],
        "balance": [_balance_json(each) for each in given.balance],
        "claim": None if given.claim is None else _claim_json(given.claim),
    }
    return canonical_json(parts).decode()


def with_further(given: ServiceCredits, text: str | None) -> ServiceCredits:
    """The service credit with what `further_text` was made from."""
    if text is None:
        return given
    parts, currency = json.loads(text), given.currency
    return replace(
        given,
        agreed=tuple(Mechanism(each) for each in parts["agreed"]),
        persistent_failures=tuple(
            _failure_of(each, currency) for each in parts["persistent_failures"]
        ),
        milestones=tuple(_milestone_of(each, currency) for each in parts["milestones"]),
        balance=tuple(_balance_of(each, currency) for each in parts["balance"]),
        claim=None if parts["claim"] is None else _claim_of(parts["claim"]),
    )


def _failure_json(failure: PersistentFailureCredit) -> dict[str, Any]:
    return {
        "rule": failure.rule,
        "service_level": failure.service_level,
        "misses": [
            {"start": miss.start.isoformat(), "end": miss.end.isoformat()}
            for miss in failure.misses
        ],
        **_costs_json(failure),
    }


def _failure_of(stored: Mapping[str, Any], currency: str) -> PersistentFailureCredit:
    return PersistentFailureCredit(
        rule=stored["rule"],
        service_level=stored["service_level"],
        misses=tuple(
            Period(date.fromisoformat(miss["start"]), date.fromisoformat(miss["end"]))
            for miss in stored["misses"]
        ),
        before_cap=_amount(stored["before_cap"], currency),
        credit=_amount(stored["credit"], currency),
        why=stored["why"],
    )


def _milestone_json(late: MilestoneLate) -> dict[str, Any]:
    return {
        "id": late.id,
        "title": late.title,
        "days_late": late.days_late,
        **_costs_json(late),
    }


def _milestone_of(stored: Mapping[str, Any], currency: str) -> MilestoneLate:
    return MilestoneLate(
        id=stored["id"],
        title=stored["title"],
        days_late=stored["days_late"],
        before_cap=_amount(stored["before_cap"], currency),
        credit=_amount(stored["credit"], currency),
        why=stored["why"],
    )


def _costs_json(cost: PersistentFailureCredit | MilestoneLate) -> dict[str, str | None]:
    return {
        "before_cap": exact_text(cost.before_cap),
        "credit": exact_text(cost.credit),
        "why": cost.why,
    }


def _balance_json(moved: BalanceMovement) -> dict[str, Any]:
    amounts = {name: exact_text(getattr(moved, name)) for name in _MOVEMENTS}
    return {"service_level": moved.service_level, **amounts, "why": moved.why}


def _balance_of(stored: Mapping[str, Any], currency: str) -> BalanceMovement:
    amounts = {name: _amount(stored[name], currency) for name in _MOVEMENTS}
    return BalanceMovement(stored["service_level"], **amounts, why=stored["why"])


def _claim_json(claim: Claim) -> dict[str, str | None]:
    claimed = None if claim.claimed_on is None else claim.claimed_on.isoformat()
    return {"state": claim.state.value, "until": claim.until.isoformat(), "claimed_on": claimed}


def _claim_of(stored: Mapping[str, Any]) -> Claim:
    claimed = stored["claimed_on"]
    return Claim(
        ClaimState(stored["state"]),
        date.fromisoformat(stored["until"]),
        None if claimed is None else date.fromisoformat(claimed),
    )


def _amount(text: str, currency: str) -> Decimal:
    return round_money(Decimal(text), currency)
