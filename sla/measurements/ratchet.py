"""Promises that rise by themselves on each anniversary of the engagement's start.

Source: the contract language, section "Service levels and their states", key `ratchet`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import Ratchet, ServiceLevel
from governance.values import EXACT, Period, plain, round_half_up

_MONTHS = 12
_DECIMALS_UNROUNDED = 6
"""A mean of unrounded values may not end, so six decimals stand in for unrounded."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a service level promises as far as its ratchet has risen."""

    stated: Decimal
    """What the contract states, from which it rose."""
    expected: Decimal
    since: date
    """The day up to which anniversaries have been looked at."""
    why: str = ""
    """How it rose the last time, in half a sentence; empty while it hasn't."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A service level in one period, by the version of the contract that governs it."""

    level: ServiceLevel
    direction: Direction
    period: Period
    """The days that it is judged over: its quarter or year, else the period."""


def next_promise(
    before: Promise | None, now: Judged, starts: date, values: Mapping[Period, Decimal]
) -> Promise:
    """The promise of a period, from that of the period before (None for the first).

    It rises on each anniversary of `starts`, and the new promise holds from the first period on
    that begins on the anniversary or later. A version of the contract that states another
    `expected` begins anew with it, and only later anniversaries count; one that leaves it as it
    is leaves the rises too. `values` are those that were judged, as they were compared, by
    period: without data, excused and learning periods are left out.
    """
    level, day = now.level, now.period.start
    if before is None:
        before = Promise(level.expected, level.expected, starts)
    elif before.stated != level.expected:
        return Promise(level.expected, level.expected, max(before.since, day))
    if level.ratchet is None:
        return Promise(level.expected, level.expected, max(before.since, day))
    promise = before
    for anniversary in _anniversaries(starts, before.since, day):
        promise = _risen(promise, level.ratchet, now, anniversary, values)
    return replace(promise, since=max(before.since, day))


def year_before(anniversary: date) -> Period:
    """The twelve calendar months that ended before an anniversary."""
    return Period.months_ending(anniversary.replace(day=1) - timedelta(days=1), _MONTHS)


def last_anniversary(starts: date, day: date) -> date | None:
    """The last one on or before a day; None within the first year."""
    return max(_anniversaries(starts, starts, day), default=None)


def _anniversaries(starts: date, after: date, until: date) -> Iterator[date]:
    for year in range(starts.year + 1, until.year + 1):
        anniversary = _in_year(starts, year)
        if after < anniversary <= until:
            yield anniversary


def _in_year(starts: date, year: int) -> date:
    """An engagement that starts on 29 February has its anniversary on the 28th in other years."""
    last = Period.month(year, starts.month).end
    return last.replace(day=min(starts.day, last.day))


def _risen(
    promise: Promise,
    ratchet: Ratchet,
    now: Judged,
    anniversary: date,
    values: Mapping[Period, Decimal],
) -> Promise:
    with localcontext(EXACT):
        goal = _goal(ratchet, now, anniversary, values)
        if goal is None or not _better(now.direction, goal, promise.expected):
            return promise
        expected = _towards(promise.expected, goal, ratchet, now)
    if not _better(now.direction, expected, promise.expected):
        return promise
    averaged = ratchet.form == "halfway_to_average"
    to = f"the average {_text(goal)} of {year_before(anniversary).label}" if averaged else goal
    why = (
        f"expected went from {_text(promise.expected)} to {_text(expected)} on {anniversary},"
        f" {plain(ratchet.percent)}% of the way to {to}"
    )
    at_most = ratchet.max_points
    if at_most is not None and abs(goal - promise.expected) * ratchet.percent > at_most * 100:
        why += f", at most {plain(at_most)} points a year"
    return replace(promise, expected=expected, why=why)


def _goal(
    ratchet: Ratchet, now: Judged, anniversary: date, values: Mapping[Period, Decimal]
) -> Decimal | None:
    """Where the promise moves to: the mean of the year before, or the best there can be."""
    if ratchet.form == "gap_to_100":
        return Decimal(100) if now.direction is Direction.HIGHER_IS_BETTER else Decimal(0)
    year = year_before(anniversary)
    found = [value for period, value in values.items() if year.contains(period.end)]
    return _rounded(sum(found, Decimal(0)) / len(found), now.level) if found else None


def _towards(expected: Decimal, goal: Decimal, ratchet: Ratchet, now: Judged) -> Decimal:
    """`percent` of the way, at most `max_points` even once it is rounded."""
    step = (goal - expected) * ratchet.percent / Decimal(100)
    if ratchet.max_points is None:
        return _rounded(expected + step, now.level)
    capped = min(abs(step), ratchet.max_points).copy_sign(step)
    rounded = _rounded(expected + capped, now.level)
    if abs(rounded - expected) <= ratchet.max_points:
        return rounded
    inward = ROUND_FLOOR if step > 0 else ROUND_CEILING
    return (expected + capped).quantize(Decimal(1).scaleb(-_places(now.level)), rounding=inward)


def _rounded(value: Decimal, level: ServiceLevel) -> Decimal:
    rounded = round_half_up(value, _places(level))
    return rounded if level.round_to is not None else Decimal(plain(rounded))


def _places(level: ServiceLevel) -> int:
    return _DECIMALS_UNROUNDED if level.round_to is None else level.round_to


def _better(direction: Direction, value: Decimal, than: Decimal) -> bool:
    return value > than if direction is Direction.HIGHER_IS_BETTER else value < than


def _text(value: Decimal) -> str:
    return format(value, "f")
