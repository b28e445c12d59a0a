"""Whether the running month will miss, from its days so far and how earlier months went on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median

from governance.contract.kpi_signature import Direction
from governance.values import Period, round_half_up
from sla.measurements.calculation import status_of
from sla.measurements.targets import Targets
from sla.measurements.values import Status
from sla.trends.values import Forecast, Verdict

FEWEST_MONTHS = 6
"""With fewer earlier months to compare nothing is forecast."""
_WHOLE = Decimal(100)
_SURE = (1, 3)
"""A verdict is likely where at most a third of the months speaks against it."""


@dataclass(frozen=True, slots=True)
class Course:
    """One earlier month: where it stood after as many days, and where it ended."""

    so_far: Decimal
    final: Decimal

    @property
    def movement(self) -> Decimal:
        """What the rest of the month did."""
        return self.final - self.so_far


@dataclass(frozen=True, slots=True)
class Promise:
    """What the running month's value is held against."""

    targets: Targets
    direction: Direction
    round_to: int | None
    unit: str = ""

    def is_missed(self, value: Decimal) -> bool:
        """Whether a value, rounded as the contract says, misses what is expected."""
        found = self.rounded(value)
        expected, minimum = self.targets.expected, self.targets.minimum
        return status_of(found, expected, minimum, self.direction) is not Status.MET

    def rounded(self, value: Decimal) -> Decimal:
        """Rounded as the contract says."""
        return value if self.round_to is None else round_half_up(value, self.round_to)


def forecast(
    period: Period,
    as_of: date,
    so_far: Decimal | None,
    courses: Sequence[Course],
    promise: Promise,
) -> Forecast:
    """The probable end of `period` after the days up to `as_of`.

    `so_far` is the unrounded value of those days, `courses` are earlier months at the same point.
    The median movement gives the middle, the least and the greatest the span; the verdict is
    likely where at least two thirds of the movements agree. No probability is claimed: the
    counts are stated, also how often the method would have been right before. A percentage that
    lay between 0 and 100 in every month is forecast there, too.
    """
    if so_far is None:
        return Forecast(period, as_of, None, verdict=Verdict.NO_DATA)
    stands = promise.rounded(so_far)
    if len(courses) < FEWEST_MONTHS:
        return Forecast(period, as_of, stands, months=len(courses))
    movements = [course.movement for course in courses]
    misses = _misses(so_far, movements, promise)
    ends = [_held(so_far + one, courses, promise) for one in movements]
    return Forecast(
        period=period,
        as_of=as_of,
        so_far=stands,
        middle=promise.rounded(median(ends)),
        low=promise.rounded(min(ends)),
        high=promise.rounded(max(ends)),
        misses=misses,
        months=len(courses),
        right_before=_right_before(courses, promise),
        verdict=_verdict(misses, len(courses)),
    )


def _held(end: Decimal, courses: Sequence[Course], promise: Promise) -> Decimal:
    """The end, within 0 and 100 where a percentage never left them; some KPIs may."""
    known = [value for course in courses for value in (course.so_far, course.final)]
    if promise.unit != "%" or min(known) < 0 or max(known) > _WHOLE:
        return end
    return min(max(end, Decimal(0)), _WHOLE)


def _misses(so_far: Decimal, movements: Sequence[Decimal], promise: Promise) -> int:
    return sum(promise.is_missed(so_far + movement) for movement in movements)


def _verdict(misses: int, months: int) -> Verdict:
    above, below = _SURE
    if misses * below <= months * above:
        return Verdict.LIKELY_MET
    if (months - misses) * below <= months * above:
        return Verdict.LIKELY_MISSED
    return Verdict.UNCERTAIN


def _right_before(courses: Sequence[Course], promise: Promise) -> int:
    """How many months the other months would have called right; uncertain ones are not right."""
    right = 0
    for index, course in enumerate(courses):
        others = [one.movement for place, one in enumerate(courses) if place != index]
        verdict = _verdict(_misses(course.so_far, others, promise), len(others))
        missed = promise.is_missed(course.final)
        right += verdict is (Verdict.LIKELY_MISSED if missed else Verdict.LIKELY_MET)
    return right
