"""A contract with every mechanism, months that use them all, and what always holds of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.service_credits.calculation import Judgement, compute_credits, judge
from sla.service_credits.values import Claims, ClaimState, LevelResult, PeriodResults
from tests.sla.service_credits.contracts import contract_with

BOTH_HIGHER = {"SL-01": Direction.HIGHER_IS_BETTER, "SL-02": Direction.HIGHER_IS_BETTER}
_BALANCED: dict[str, Any] = {
    "method": "bonus_malus",
    "claim_within_days": 30,
    "earn_back": {"form": "balance", "lapse_months": 2},
    "persistent_failure": [{"count": 2, "within_months": 6, "percent": 5}],
    "milestones": [{"id": "M-1", "due": "2026-01-10", "amount": "500", "per_day": "1.50"}],
}
_BONUS = {"percent_per_point": 1, "max_bonus_percent": 3, "max_malus_percent": 5}
MIXED_LEVELS: list[dict[str, Any]] = [
    {
        "id": "SL-01",
        "expected": "90.0",
        "round_to": 1,
        "bonus_malus": _BONUS,
        "ratchet": {"form": "gap_to_100"},
    },
    {"id": "SL-02", "expected": "90", "bonus_malus": _BONUS},
]
MIXED = contract_with(_BALANCED, MIXED_LEVELS)


def _results(month: int, first: str, second: str, claims: Claims) -> PeriodResults:
    return PeriodResults(
        Period.month(2026, month),
        Decimal("1000.01"),
        {"SL-01": LevelResult(Decimal(first)), "SL-02": LevelResult(Decimal(second))},
        claims=claims,
    )


MIXED_MONTHS = [
    _results(1, "88", "95", Claims(date(2026, 2, 20), date(2026, 2, 3))),
    _results(2, "91", "85", Claims(date(2026, 3, 5), date(2026, 3, 5))),
    _results(3, "88", "85", Claims(date(2026, 4, 30))),
    _results(4, "93", "95", Claims(date(2026, 6, 1))),
]


def test_the_months_hold_what_is_to_come_back() -> None:
    given = compute_credits(MIXED, BOTH_HIGHER, MIXED_MONTHS)
    assert [bool(month.bonus) for month in given] == [True, True, False, True]
    assert [len(month.persistent_failures) for month in given] == [0, 0, 2, 0]
    assert [len(month.milestones) for month in given] == [1, 1, 1, 1]
    assert [len(month.balance) for month in given] == [0, 1, 1, 2]
    assert {month.claim.state for month in given if month.claim} == {
        ClaimState.OPEN,
        ClaimState.CLAIMED,
        ClaimState.LAPSED,
    }


@pytest.mark.parametrize("sealed", range(5))
def test_sealed_months_are_the_history_of_the_later_ones(sealed: int) -> None:
    computed = compute_credits(MIXED, BOTH_HIGHER, MIXED_MONTHS)
    credits_of = [*computed[:sealed], *[None] * (len(computed) - sealed)]
    periods = [
        Judgement(MIXED, BOTH_HIGHER, results, credit)
        for results, credit in zip(MIXED_MONTHS, credits_of, strict=True)
    ]
    assert judge(periods) == computed


def test_what_a_balance_took_off_a_claimed_credit_stays_after_the_seal() -> None:
    computed = compute_credits(_BALANCE_OF_CLAIMED, BOTH_HIGHER, _CLAIMED)
    assert computed[-1].earned_back == 50
    periods = [
        Judgement(_BALANCE_OF_CLAIMED, BOTH_HIGHER, results, credit)
        for results, credit in zip(_CLAIMED, computed, strict=True)
    ]
    assert judge(periods) == computed


_BALANCE_OF_CLAIMED = contract_with(
    {
        "method": "per_event",
        "amount": 100,
        "claim_within_days": 30,
        "earn_back": {"form": "balance", "percent": 50},
    },
    MIXED_LEVELS[1:],
)
_CLAIMED = [
    PeriodResults(
        Period.month(2026, month),
        Decimal(1000),
        {"SL-02": LevelResult(Decimal(value))},
        claims=Claims(date(2026, 6, 1), date(2026, month, 28)),
    )
    for month, value in ((1, 80), (2, 95), (3, 80))
]


def test_a_claim_may_lapse_after_the_seal() -> None:
    contract = contract_with(
        {"method": "per_event", "amount": 10, "claim_within_days": 30}, MIXED_LEVELS
    )
    january = replace(MIXED_MONTHS[0], claims=Claims(date(2026, 2, 5)))
    sealed = compute_credits(contract, BOTH_HIGHER, [january])[0]
    assert sealed.net == sealed.credit == 10
    later = replace(january, claims=Claims(date(2026, 3, 3)))
    found = judge([Judgement(contract, BOTH_HIGHER, later, sealed)])[0]
    assert found.lapsed
    assert [found.credit, found.net] == [sealed.credit, Decimal(0)]
