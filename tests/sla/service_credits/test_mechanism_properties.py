"""What holds for every method with every mechanism: sums, caps, earn-backs, better results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from governance.contract.service_credits import BonusMalusTerms
from governance.values import Period
from sla.service_credits.values import LevelResult, PeriodResults, ServiceCredits
from tests.sla.service_credits.contracts import contract_with
from tests.sla.service_credits.strategies import LEVELS, Scene, scenes, total

_CENT = Decimal("0.01")


@given(scene=scenes())
def test_every_credit_is_the_sum_of_its_parts(scene: Scene) -> None:
    for month in scene.computed():
        assert month.credit == total(month.shares)
        assert month.before_cap == total(
            [
                *(level.before_cap for level in month.service_levels),
                *(failure.before_cap for failure in month.persistent_failures),
                *(late.before_cap for late in month.milestones),
            ]
        )
        assert month.bonus == total([level.bonus or Decimal(0) for level in month.service_levels])
        assert month.earned_back == total([each.amount for each in month.earn_backs])
        assert month.net == month.counted - month.earned_back - month.bonus
        assert all(share >= 0 for share in month.shares)


@given(scene=scenes())
def test_no_method_exceeds_its_caps(scene: Scene) -> None:
    terms = scene.contract.service_credits
    assert terms is not None
    computed = scene.computed()
    for at, month in enumerate(computed):
        if month.cap is not None:
            assert month.credit == min(month.cap, month.before_cap)
        year = [one for one in computed[: at + 1] if _in_year(month, one)]
        bases = total([one.base for one in year])
        if terms.annual_cap_percent is not None and month.counted:
            given_in_year = total([one.counted for one in year])
            assert given_in_year <= bases * terms.annual_cap_percent / 100 + _CENT
        if isinstance(terms, BonusMalusTerms) and month.bonus:
            assert terms.annual_bonus_cap_percent is not None
            paid = total([one.bonus for one in year])
            assert paid <= bases * terms.annual_bonus_cap_percent / 100 + _CENT


def _in_year(month: ServiceCredits, one: ServiceCredits) -> bool:
    return Period.months_ending(month.period.end, 12).contains(one.period.end)


@given(scene=scenes())
def test_earn_back_never_exceeds_what_was_credited_in_total_and_by_level(scene: Scene) -> None:
    computed = scene.computed()
    for at in range(1, len(computed) + 1):
        so_far = computed[:at]
        back = [each for month in so_far for each in month.earn_backs]
        assert total([each.amount for each in back]) <= total([one.counted for one in so_far])
        for level in LEVELS:
            of_level = total([each.amount for each in back if each.service_level == level])
            assert of_level <= total([month.counted_of(level) for month in so_far])
    assert all(each.amount > 0 for month in computed for each in month.earn_backs)


@given(scene=scenes())
def test_a_balance_opens_where_it_closed_and_never_falls_below_nothing(scene: Scene) -> None:
    closing: dict[str, Decimal] = {}
    for month in scene.computed():
        for moved in month.balance:
            assert moved.opening == closing.get(moved.service_level, 0)
            left = moved.opening + moved.added - moved.used - moved.lapsed
            assert moved.closing == left >= 0
            assert moved.used <= month.counted_of(moved.service_level)
        named = {moved.service_level for moved in month.balance}
        assert {level for level, amount in closing.items() if amount} <= named
        closing = {moved.service_level: moved.closing for moved in month.balance}


@given(scene=scenes(), level=st.sampled_from(LEVELS), by=st.decimals(0, 40, places=1))
def test_a_better_result_never_earns_a_larger_credit(scene: Scene, level: str, by: Decimal) -> None:
    # A choice is left out: it binds while the chosen level is missed, and then the largest counts.
    # So is the net beside balances, which are a service level's own: what an incident or a cap then
    # leaves to another one has no balance to be set off against.
    last = scene.months[-1]
    value = last.results[level].value
    if value is None:
        return
    improved = LevelResult(value + by, incident=last.results[level].incident)
    better = replace(last, results={**last.results, level: improved}, chosen={})
    before = scene.computed([*scene.months[:-1], replace(last, chosen={})])[-1]
    after = scene.computed([*scene.months[:-1], better])[-1]
    assert after.credit <= before.credit
    assert scene.has_balances or after.net <= before.net


@given(scene=scenes())
def test_the_promise_never_gets_worse(scene: Scene) -> None:
    promised = [
        level.expected
        for month in scene.computed()
        for level in month.service_levels
        if level.id == "B" and level.expected is not None
    ]
    assert promised == sorted(promised)


@given(scene=scenes())
def test_misses_are_used_up_once(scene: Scene) -> None:
    used = [
        (failure.rule, failure.service_level, miss)
        for month in scene.computed()
        for failure in month.persistent_failures
        for miss in failure.misses
    ]
    assert len(used) == len(set(used))


_MONTHS_OF_YEAR = list(Period(date(2026, 1, 1), date(2026, 12, 31)).months())
_LATE = contract_with(
    {
        "method": "per_event",
        "milestones": [
            {"id": "M", "due": "2026-02-10", "amount": "500", "per_day": "33.33", "maximum": "3000"}
        ],
    },
    [],
)


@given(late=st.integers(-40, 300), cuts=st.sets(st.integers(1, 11)))
def test_a_milestone_costs_the_same_however_the_year_is_cut(late: int, cuts: set[int]) -> None:
    reached = date(2026, 2, 10) + timedelta(days=late)
    expected = min(Decimal(500) + Decimal("33.33") * late, Decimal(3000)) if late > 0 else 0
    found = Scene(_LATE, tuple(_spans(sorted(cuts), reached))).computed()
    assert total([month.credit for month in found]) == expected
    assert all(one.credit > 0 for month in found for one in month.milestones)


def _spans(cuts: Sequence[int], reached: date) -> list[PeriodResults]:
    bounds = [0, *cuts, 12]
    return [
        PeriodResults(
            Period(_MONTHS_OF_YEAR[first].start, _MONTHS_OF_YEAR[last - 1].end),
            Decimal(1000),
            {},
            milestones={"M": reached},
        )
        for first, last in pairwise(bounds)
    ]
