"""What was computed comes back as it was stored, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.measurements.queries import measured_period_of
from sla.measurements.service import store_measured_period
from sla.measurements.values import MeasuredPeriod
from sla.service_credits.calculation import Judgement, compute_credits, judge
from sla.service_credits.service import service_credits_of, store_service_credits
from sla.service_credits.values import (
    Claims,
    ClaimState,
    LevelResult,
    PeriodResults,
    ServiceCredits,
)
from tests.factories import make_actor, make_contract
from tests.sla.service_credits.contracts import contract_with

_HIGHER = {"SL-01": Direction.HIGHER_IS_BETTER, "SL-02": Direction.HIGHER_IS_BETTER}
_BALANCED: dict[str, Any] = {
    "method": "bonus_malus",
    "claim_within_days": 30,
    "earn_back": {"form": "balance", "lapse_months": 2},
    "persistent_failure": [{"count": 2, "within_months": 6, "percent": 5}],
    "milestones": [{"id": "M-1", "due": "2026-01-10", "amount": "500", "per_day": "1.50"}],
}
_BONUS = {"percent_per_point": 1, "max_bonus_percent": 3, "max_malus_percent": 5}
_LEVELS: list[dict[str, Any]] = [
    {
        "id": "SL-01",
        "expected": "90.0",
        "round_to": 1,
        "bonus_malus": _BONUS,
        "ratchet": {"form": "gap_to_100"},
    },
    {"id": "SL-02", "expected": "90", "bonus_malus": _BONUS},
]
_CONTRACT = contract_with(_BALANCED, _LEVELS)


def _results(month: int, first: str, second: str, claims: Claims) -> PeriodResults:
    return PeriodResults(
        Period.month(2026, month),
        Decimal("1000.01"),
        {"SL-01": LevelResult(Decimal(first)), "SL-02": LevelResult(Decimal(second))},
        claims=claims,
    )


_MONTHS = [
    _results(1, "88", "95", Claims(date(2026, 2, 20), date(2026, 2, 3))),
    _results(2, "91", "85", Claims(date(2026, 3, 5), date(2026, 3, 5))),
    _results(3, "88", "85", Claims(date(2026, 4, 30))),
    _results(4, "93", "95", Claims(date(2026, 6, 1))),
]


def _stored(session: Session, given: ServiceCredits) -> ServiceCredits | None:
    actor = make_actor(session)
    added = make_contract(session, actor, f"ENG-{given.period.label}")
    measured = MeasuredPeriod(given.period, "EUR", ())
    record = store_measured_period(session, actor, added.version, measured)
    store_service_credits(session, record, given)
    session.expire_all()
    assert measured_period_of(session, record) == measured
    return service_credits_of(session, record)


@pytest.mark.parametrize("month", range(4))
def test_every_mechanism_comes_back(session: Session, month: int) -> None:
    given = compute_credits(_CONTRACT, _HIGHER, _MONTHS)[month]
    assert _stored(session, given) == given


def test_the_months_hold_what_is_to_come_back() -> None:
    given = compute_credits(_CONTRACT, _HIGHER, _MONTHS)
    assert [bool(month.bonus) for month in given] == [True, True, False, True]
    assert [len(month.persistent_failures) for month in given] == [0, 0, 2, 0]
    assert [len(month.milestones) for month in given] == [1, 1, 1, 1]
    assert [len(month.balance) for month in given] == [0, 1, 1, 2]
    assert {month.claim.state for month in given if month.claim} == {
        ClaimState.OPEN,
        ClaimState.CLAIMED,
        ClaimState.LAPSED,
    }


def test_a_credit_without_them_stores_nothing_further(session: Session) -> None:
    contract = contract_with({"method": "per_event", "amount": 10}, _LEVELS)
    given = compute_credits(contract, _HIGHER, _MONTHS[:1])[0]
    assert given.agreed == ()
    assert _stored(session, given) == given


def test_stored_credits_are_the_history_of_later_months(session: Session) -> None:
    computed = compute_credits(_CONTRACT, _HIGHER, _MONTHS)
    sealed = [_stored(session, given) for given in computed[:-1]]
    periods = [
        Judgement(_CONTRACT, _HIGHER, results, credit)
        for results, credit in zip(_MONTHS, [*sealed, None], strict=True)
    ]
    assert judge(periods) == computed


def test_a_claim_may_lapse_after_the_seal() -> None:
    contract = contract_with(
        {"method": "per_event", "amount": 10, "claim_within_days": 30}, _LEVELS
    )
    january = replace(_MONTHS[0], claims=Claims(date(2026, 2, 5)))
    sealed = compute_credits(contract, _HIGHER, [january])[0]
    assert sealed.net == sealed.credit == 10
    later = replace(january, claims=Claims(date(2026, 3, 3)))
    found = judge([Judgement(contract, _HIGHER, later, sealed)])[0]
    assert found.lapsed
    assert [found.credit, found.net] == [sealed.credit, Decimal(0)]
