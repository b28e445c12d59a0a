"""What holds for persistent failures and critical milestones, held against plain references."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.service_credits.calculation import compute_credits
from sla.service_credits.values import LevelResult, PeriodResults, ServiceCredits
from tests.sla.service_credits.contracts import contract_with
from tests.sla.service_credits.strategies import total

_CENT = Decimal("0.01")
_BASE = Decimal("1234.56")
_HIGHER = {"A": Direction.HIGHER_IS_BETTER}

_marks = st.lists(st.sampled_from("xxo-"), min_size=1, max_size=18)
"""Month by month: a miss, one that was met, or no data."""
_rules = st.tuples(st.integers(2, 4), st.integers(2, 8), st.integers(1, 20))
"""Misses, within so many months, and the percentage of the fee."""


def _terms(rule: tuple[int, int, int], **keys: Any) -> dict[str, Any]:
    count, within, percent = rule
    further = {"count": count, "within_months": within, "percent": str(percent)}
    return {"method": "per_event", "amount": "0", "persistent_failure": [further], **keys}


def _months(marks: Sequence[str]) -> list[PeriodResults]:
    values = {"x": Decimal(50), "o": Decimal(90), "-": None}
    return [
        PeriodResults(
            Period.month(2026 + at // 12, at % 12 + 1), _BASE, {"A": LevelResult(values[mark])}
        )
        for at, mark in enumerate(marks)
    ]


def _computed(terms: dict[str, Any], months: Sequence[PeriodResults]) -> tuple[ServiceCredits, ...]:
    return compute_credits(contract_with(terms, [{"id": "A", "expected": "80"}]), _HIGHER, months)


def _by_hand(marks: Sequence[str], rule: tuple[int, int, int]) -> list[list[int]]:
    """The months whose misses each credit uses up: as soon as there are enough in the window."""
    count, within, _ = rule
    open_misses: list[int] = []
    found = []
    for at, mark in enumerate(marks):
        if mark == "x":
            open_misses = [miss for miss in open_misses if at - miss < within] + [at]
            if len(open_misses) == count:
                found.append(open_misses)
                open_misses = []
    return found


@given(marks=_marks, rule=_rules)
def test_persistent_failures_as_counted_by_hand(
    marks: list[str], rule: tuple[int, int, int]
) -> None:
    expected = _by_hand(marks, rule)
    given_credits = _computed(_terms(rule), _months(marks))
    found = [failure for month in given_credits for failure in month.persistent_failures]
    starts = [[miss.start for miss in failure.misses] for failure in found]
    months = [month.period.start for month in given_credits]
    assert starts == [[months[at] for at in misses] for misses in expected]
    for failure, misses in zip(found, expected, strict=True):
        fee = _BASE * min(misses[-1] + 1, 12)
        exact = fee * rule[2] / 100
        assert failure.credit == exact.quantize(_CENT, ROUND_HALF_UP)


@given(marks=_marks, rule=_rules, better=st.integers(0, 17))
def test_a_better_month_never_makes_more_persistent_failures(
    marks: list[str], rule: tuple[int, int, int], better: int
) -> None:
    improved = [mark if at != better else "o" for at, mark in enumerate(marks)]
    found = [
        sum(len(month.persistent_failures) for month in _computed(_terms(rule), _months(each)))
        for each in (improved, marks)
    ]
    assert found[0] <= found[1]
    last = [*marks[:-1], "o"]
    now = [_computed(_terms(rule), _months(each))[-1].credit for each in (last, marks)]
    assert now[0] == 0 <= now[1]


@given(marks=_marks, rule=_rules, caps=st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_persistent_failures_keep_both_caps(
    marks: list[str], rule: tuple[int, int, int], caps: tuple[int, int]
) -> None:
    terms = _terms(rule, cap_percent=str(caps[0]), annual_cap_percent=str(caps[1]))
    computed = _computed(terms, _months(marks))
    for at, month in enumerate(computed):
        assert month.credit <= _BASE * caps[0] / 100 + _CENT
        year = computed[max(0, at - 11) : at + 1]
        assert total([one.credit for one in year]) <= len(year) * _BASE * caps[1] / 100 + _CENT


_DUE = date(2026, 3, 10)
_milestones = st.fixed_dictionaries(
    {
        "amount": st.integers(0, 50_000).map(lambda cents: str(Decimal(cents) / 100)),
        "per_day": st.integers(1, 5_000).map(lambda cents: str(Decimal(cents) / 100)),
    },
    optional={"maximum": st.integers(50_000, 90_000).map(lambda cents: str(Decimal(cents) / 100))},
)
_reached = st.none() | st.integers(-60, 320)
"""Days after the due day; None is never."""


def _late(
    milestone: dict[str, str], days: int | None, **keys: Any
) -> tuple[tuple[ServiceCredits, ...], list[Decimal]]:
    """The twelve months of 2026, and what is credited up to each of them."""
    stated = {} if days is None else {"M": _DUE + timedelta(days=days)}
    months = [
        PeriodResults(Period.month(2026, number), _BASE, {}, milestones=stated)
        for number in range(1, 13)
    ]
    terms = {"method": "per_event", "milestones": [{"id": "M", "due": str(_DUE), **milestone}]}
    computed = compute_credits(contract_with({**terms, **keys}, []), {}, months)
    return computed, list(accumulate(month.credit for month in computed))


def _owed(milestone: dict[str, str], days: int | None, until: date) -> Decimal:
    late = (until - _DUE).days
    late = late if days is None else min(late, days)
    if late <= 0:
        return Decimal(0)
    owed = Decimal(milestone["amount"]) + Decimal(milestone["per_day"]) * late
    return min(owed, Decimal(milestone.get("maximum", owed)))


@given(milestone=_milestones, days=_reached)
def test_milestones_cost_by_every_month_what_is_owed_by_its_end(
    milestone: dict[str, str], days: int | None
) -> None:
    computed, so_far = _late(milestone, days)
    assert so_far == [_owed(milestone, days, month.period.end) for month in computed]


@given(milestone=_milestones, days=_reached, earlier=st.integers(0, 90))
def test_a_milestone_reached_earlier_never_costs_more(
    milestone: dict[str, str], days: int | None, earlier: int
) -> None:
    better = 300 - earlier if days is None else days - earlier
    found = [_late(milestone, each)[1] for each in (better, days)]
    assert all(less <= more for less, more in zip(*found, strict=True))


@given(milestone=_milestones, days=_reached, percent=st.integers(0, 30))
def test_milestones_keep_the_cap_and_what_it_cuts_off_is_lost(
    milestone: dict[str, str], days: int | None, percent: int
) -> None:
    computed, so_far = _late(milestone, days, cap_percent=str(percent))
    free, _ = _late(milestone, days)
    cap = (_BASE * percent / 100).quantize(_CENT, ROUND_HALF_UP)
    assert [month.credit for month in computed] == [min(cap, month.credit) for month in free]
    assert so_far[-1] <= cap * 12
