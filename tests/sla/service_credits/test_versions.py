"""Credits over versions of a contract, sealed months and histories that begin in the middle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.service_credits.calculation import Judgement, compute_credits, judge
from sla.service_credits.claim import last_day_to_claim, with_claim
from sla.service_credits.values import (
    BalanceMovement,
    Claims,
    ClaimState,
    LevelResult,
    PeriodResults,
    ServiceCredits,
)
from tests.sla.service_credits.contracts import contract_with

_HIGHER = {"SL-01": Direction.HIGHER_IS_BETTER}
_LEVEL = {"id": "SL-01", "expected": "90"}


def _contract(level: Mapping[str, Any] = _LEVEL, **terms: Any) -> Contract:
    return contract_with({"method": "per_event", "amount": 1000} | terms, [level])


def _months(*values: str, first: int = 1, **keys: Any) -> list[PeriodResults]:
    return [
        PeriodResults(
            Period.month(2026 + (first + at - 1) // 12, (first + at - 1) % 12 + 1),
            Decimal(100000),
            {"SL-01": LevelResult(Decimal(value))},
            **keys,
        )
        for at, value in enumerate(values)
    ]


def _judged(
    months: Sequence[PeriodResults], *contracts: Contract, sealed: Sequence[ServiceCredits] = ()
) -> tuple[ServiceCredits, ...]:
    """Each month by its own contract, the last of them for all further months."""
    credits_of = [*sealed, *[None] * (len(months) - len(sealed))]
    versions = [*contracts, *[contracts[-1]] * (len(months) - len(contracts))]
    return judge(
        [
            Judgement(contract, _HIGHER, results, credit)
            for contract, results, credit in zip(versions, months, credits_of, strict=True)
        ]
    )


def _amounts(given: Sequence[ServiceCredits], name: str) -> list[Decimal]:
    return [getattr(month, name) for month in given]


def test_what_came_back_under_one_version_does_not_come_back_under_the_next() -> None:
    first = _contract(earn_back={"form": "met", "months": 1, "percent": 60})
    second = _contract(earn_back={"form": "met", "months": 2, "percent": 70})
    found = _judged(_months("80", "90", "90", "90"), first, first, second)
    # February returned 600 of 1,000; of the 700 that March would return 400 are left.
    assert _amounts(found, "earned_back") == [0, 600, 400, 0]


def test_what_came_back_in_full_under_one_version_does_not_come_back_at_all() -> None:
    first = _contract(earn_back={"form": "met", "months": 1, "percent": 100})
    second = _contract(earn_back={"form": "met", "months": 2, "percent": 70})
    found = _judged(_months("80", "90", "90", "90"), first, first, second)
    assert _amounts(found, "earned_back") == [0, 1000, 0, 0]


def test_a_milestone_whose_due_day_moves_is_not_credited_again() -> None:
    def due(day: str, amount: int = 500) -> Contract:
        return _contract(milestones=[{"id": "M-1", "due": day, "amount": amount}])

    months = _months("90", "90", "90", "90")
    moved = _judged(months, due("2026-01-10"), due("2026-01-10"), due("2026-03-10"))
    assert _amounts(moved, "credit") == [500, 0, 0, 0]
    dearer = _judged(months, due("2026-01-10"), due("2026-01-10"), due("2026-03-10", 800))
    assert _amounts(dearer, "credit") == [500, 0, 300, 0]


def test_a_milestone_that_was_reached_is_known_to_later_months() -> None:
    contract = _contract(milestones=[{"id": "M-1", "due": "2026-02-10", "amount": 500}])
    months = _months("90", "90")
    reached = replace(months[0], milestones={"M-1": date(2026, 1, 31)})
    assert _amounts(_judged([reached, months[1]], contract), "credit") == [0, 0]
    corrected = replace(months[1], milestones={"M-1": date(2026, 2, 11)})
    assert _amounts(_judged([reached, corrected], contract), "credit") == [0, 500]


def test_misses_used_up_in_sealed_months_stay_used_up() -> None:
    contract = _contract(persistent_failure=[{"count": 2, "within_months": 12, "percent": 1}])
    months = _months("80", "80", "80", "80")
    computed = _judged(months, contract)
    assert [len(month.persistent_failures) for month in computed] == [0, 1, 0, 1]
    assert _judged(months, contract, sealed=computed[:3]) == computed
    late = _judged(months[2:], contract)
    assert [len(month.persistent_failures) for month in late] == [0, 1]


def test_an_amended_promise_begins_anew_and_another_amendment_keeps_the_rise() -> None:
    level = _LEVEL | {"ratchet": {"form": "gap_to_100"}}
    first, cheaper = _contract(level), _contract(level, amount=10)
    higher = _contract(level | {"expected": "96"})
    months = _months("96", "96", "96", "96", first=11)
    kept = _judged(months, first, first, cheaper)
    assert [month.service_levels[0].expected for month in kept] == [90, 90, 95, 95]
    anew = _judged(months, first, first, first, higher)
    assert [month.service_levels[0].expected for month in anew] == [90, 90, 95, 96]


def test_a_balance_of_months_that_are_not_known_counts_as_of_the_first_that_is() -> None:
    contract = _contract(earn_back={"form": "balance", "lapse_months": 2})
    months = _months("80", "91", "90", "90", "80")
    movement = BalanceMovement(
        "SL-01", Decimal(300), Decimal(0), Decimal(0), Decimal(0), Decimal(300), ""
    )
    known = compute_credits(contract, _HIGHER, months[2:3])[0]
    sealed = replace(known, balance=(movement,))
    found = _judged(months[2:], contract, sealed=[sealed])
    assert _amounts(found, "earned_back") == [0, 0, 300]
    assert [moved.opening for month in found[1:] for moved in month.balance] == [300, 300]


def test_a_balance_takes_the_oldest_first() -> None:
    contract = contract_with(
        {"method": "linear", "earn_back": {"form": "balance", "lapse_months": 3, "percent": 10}},
        [_LEVEL | {"linear": {"percent_per_point": 1, "count": "pro_rata"}}],
    )
    # 10 points cost 10,000; three months add 1,000 each, half a point takes 500 of the first.
    months = _months("80", "91", "91", "91", "89.5", "90", "90", "90", "90")
    found = _judged(months, contract)
    lapsed = [sum(moved.lapsed for moved in month.balance) for month in found]
    assert lapsed == [0, 0, 0, 0, 0, 500, 1000, 1000, 0]
    assert [len(month.balance) for month in found] == [0, 1, 1, 1, 1, 1, 1, 1, 0]


def test_a_balance_never_grows_past_what_was_credited_and_not_set_off() -> None:
    contract = _contract(earn_back={"form": "balance", "percent": 60})
    found = _judged(_months("80", "91", "91", "91", "80", "91"), contract)
    added = [sum(moved.added for moved in month.balance) for month in found]
    # 600, then the 400 that are left; the credit of May is set off with 1,000, and adds 600 again.
    assert added == [0, 600, 400, 0, 0, 600]
    assert _amounts(found, "net") == [1000, 0, 0, 0, 0, 0]


def test_the_last_day_to_claim_is_counted_from_the_day_after_the_period() -> None:
    month = Period.month(2026, 1)
    terms = _contract(claim_within_days=1).service_credits
    assert last_day_to_claim(terms, month) == date(2026, 2, 1)
    assert last_day_to_claim(_contract().service_credits, month) is None
    assert last_day_to_claim(None, month) is None


def test_a_lapsed_credit_gives_back_what_a_balance_had_taken_off_it() -> None:
    contract = _contract(claim_within_days=10, earn_back={"form": "balance"})
    sealed = _judged(_months("80", "91", "80"), contract)
    assert _amounts(sealed, "earned_back") == [0, 0, 1000]
    lapsed = with_claim(sealed[2], contract.service_credits, Claims(date(2026, 5, 1)))
    assert lapsed.claim is not None
    assert lapsed.claim.state is ClaimState.LAPSED
    assert [lapsed.net, lapsed.earned_back, lapsed.counted] == [0, 0, 0]
    assert (lapsed.credit, lapsed.earn_backs) == (sealed[2].credit, ())


def test_nothing_that_was_credited_needs_no_claim() -> None:
    contract = _contract(claim_within_days=10)
    given = _judged(_months("90", claims=Claims(date(2030, 1, 1))), contract)
    assert [given[0].claim, given[0].net] == [None, 0]
