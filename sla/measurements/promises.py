"""Where a service level's ratchet has come to by a period, over the versions of its contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel
from governance.values import Period
from sla.measurements.full_periods import judged_over
from sla.measurements.ratchet import Judged, Promise, last_anniversary, next_promise
from sla.measurements.values import Measurement
from sla.measurements.versions import Version, version_on
from sla.measurements.windows import is_judged

Reached = Callable[[Period], Decimal | None]
"""The value of a month that counts, as it was compared; None where there is none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The service level whose promise is asked for, by the version that governs the period."""

    level: ServiceLevel
    direction: Direction
    starts: date
    """First day of the engagement."""
    ends: date | None


@dataclass(frozen=True, slots=True)
class Risen:
    """A promise, and the values of earlier months that it looked at."""

    promise: Promise
    values: tuple[tuple[Period, Decimal], ...]


def promise_of(
    wanted: Wanted, versions: Sequence[Version], period: Period, reached: Reached
) -> Risen:
    """The promise of a period, month by month from the engagement's start, and its values.

    `reached` is asked for the months before the last anniversary only, and not at all where the
    ratchet looks at no values.
    """
    promise: Promise | None = None
    values: dict[Period, Decimal] = {}
    for month in _months(wanted, period):
        level = _level_in(wanted, versions, month, period)
        if level is None:
            continue
        judged = Judged(level, wanted.direction, judged_over(level, month))
        promise = next_promise(promise, judged, wanted.starts, values)
        if _counts(wanted, level, month, period):
            value = reached(month)
            if value is not None:
                values[month] = value
    stated = wanted.level.expected
    return Risen(promise or Promise(stated, stated, wanted.starts), tuple(values.items()))


def reached_in(results: Iterable[Measurement]) -> dict[str, Mapping[Period, Decimal]]:
    """By service level, the values that its promise rose with, as measurements state them."""
    return {one.service_level: dict(one.promise.values) for one in results if one.promise}


def _months(wanted: Wanted, period: Period) -> list[Period]:
    """The months from the engagement's start, and the period itself as the last."""
    if period.start < wanted.starts:
        return [period]
    before = [one for one in Period(wanted.starts, period.end).months() if one.end < period.start]
    return [*before, period]


def _level_in(
    wanted: Wanted, versions: Sequence[Version], month: Period, period: Period
) -> ServiceLevel | None:
    if month == period:
        return wanted.level
    version = version_on(versions, month.end)
    return None if version is None else version.level(wanted.level.id)


def _counts(wanted: Wanted, level: ServiceLevel, month: Period, period: Period) -> bool:
    """Whether a later rise looks at the month's value."""
    ratchet = wanted.level.ratchet
    if ratchet is None or ratchet.form != "halfway_to_average" or month == period:
        return False
    last = last_anniversary(wanted.starts, judged_over(wanted.level, period).start)
    before = last is not None and month.end < last
    return before and is_judged(level.window, month, wanted.ends)
