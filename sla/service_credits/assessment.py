"""One service level held against its promise, and against its own past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import takewhile

from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel, Window
from governance.values import Period, round_half_up, round_money
from sla.measurements.full_periods import before_start
from sla.measurements.statuses import status_of
from sla.measurements.values import Status
from sla.measurements.windows import is_judged, months_between, window_of
from sla.service_credits.values import LevelResult, PeriodResults

_MISSES = frozenset({Status.BELOW_EXPECTED, Status.BELOW_MINIMUM})
_NO_RESULT = LevelResult(None)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Where one service level stood in one period."""

    period: Period
    value: Decimal | None
    """Rounded as the contract says."""
    status: Status
    consequential: bool
    """False in a learning period: the status is stated, nothing follows from it."""
    expected: Decimal
    """What was promised for the period, by the ramp or as usual."""
    why_not: str = ""
    """Why nothing follows from it, in half a sentence, where it isn't consequential."""
    incident: str | None = None
    judged: bool = True
    """False within the quarter or year that the service level is held against: to date only."""
    given: bool = True
    """Whether the results name the service level."""
    risen: str = ""
    """How a ratchet came to `expected`, in half a sentence, where it has risen."""

    @property
    def missed(self) -> bool:
        """Whether this is a miss that counts, for a credit and for the history."""
        return self.counts and self.status in _MISSES

    @property
    def counts(self) -> bool:
        """Whether something follows from the value: it is judged, neither excused nor learning."""
        has_value = self.value is not None and self.status is not Status.EXCUSED
        return self.judged and self.consequential and has_value

    @property
    def stated(self) -> bool:
        """Whether there is anything to say: results may leave a window out until it ends."""
        return self.judged or self.given


@dataclass(frozen=True, slots=True)
class Case:
    """One service level in one period with its history: all that a credit depends on."""

    level: ServiceLevel
    direction: Direction
    base: Decimal
    """What percentages are taken from, in the engagement's currency."""
    currency: str
    timeline: tuple[Assessment, ...]
    """Oldest first; the last is the period that the credit is computed for."""

    @property
    def now(self) -> Assessment:
        """The assessment of the period that the credit is computed for."""
        return self.timeline[-1]

    def money(self, amount: Decimal) -> Decimal:
        """Rounded to the currency, half up."""
        return round_money(amount, self.currency)

    def misses_in_a_row(self) -> int:
        """Misses up to and including this period, each in the period right before the next.

        Whatever else stands between ends the row: a period that was met, excused, without data,
        in the learning period, or missing from the results.
        """
        return sum(1 for _ in takewhile(lambda each: each.missed, self.consecutive()))

    def consecutive(self) -> Iterator[Assessment]:
        """The judged assessments from this period back, as far as no period is missing.

        A service level whose window is a quarter or a year is judged once in each, so the period
        before is the quarter or year before.
        """
        expected_end = self.now.period.end
        for assessment in reversed(self.timeline):
            if assessment.judged:
                if assessment.period.end != expected_end:
                    return
                yield assessment
                expected_end = _end_of_previous(self.level, assessment.period)

    def judgements_in(self, months: int) -> int:
        """How many judgements in a row it takes to cover so many months."""
        between = max(
            months_between_judgements(self.level.window), len(list(self.now.period.months()))
        )
        return -(-months // between)

    def times_below_expected(self, within_months: int) -> int:
        """How often it was `below_expected` in so many calendar months ending with this period."""
        window = Period.months_ending(self.now.period.end, within_months)
        return sum(
            assessment.missed
            and assessment.status is Status.BELOW_EXPECTED
            and window.contains(assessment.period.end)
            for assessment in self.timeline
        )

    def points_missed(self) -> Decimal:
        """Distance of the value from `expected`, in the KPI's unit; zero without a miss."""
        if self.now.value is None or not self.now.missed:
            return Decimal(0)
        return abs(self.level.expected - self.now.value)


def months_between_judgements(window: Window) -> int:
    """3 for a quarter and 12 for a year; every other window is judged every month."""
    return months_between(window)


def _end_of_previous(level: ServiceLevel, period: Period) -> date:
    """Last day of the period before, by the level's window or the period, whichever is longer."""
    start = period.start
    if months_between(level.window) > 1:
        start = min(start, window_of(level.window, period).start)
    return start - timedelta(days=1)


def assess(
    level: ServiceLevel,
    direction: Direction,
    results: PeriodResults,
    engagement_ends: date | None,
    risen: str,
) -> Assessment:
    """Round the value, compare it and say whether anything follows from it.

    `level` comes with the targets of the period (`sla.measurements.targets.promised_in`). A
    service level that the results don't name has no data. A period has consequences when none
    of its days lies before the service level's `starts` (the contract language, section "Service
    levels and their states"). A service level whose window is a calendar quarter or year is
    judged in the period that ends it, or the engagement; the first quarter or year is judged
    too where the engagement starts within it, on the part that there is.
    """
    result = results.results.get(level.id, _NO_RESULT)
    why_not = result.no_consequence or _learning(level, results.period)
    value = result.value
    if value is not None and level.round_to is not None:
        value = round_half_up(value, level.round_to)
    return Assessment(
        period=results.period,
        value=value,
        status=_status(level, direction, value, excused=result.excused),
        consequential=not why_not,
        why_not=why_not,
        expected=level.expected,
        incident=result.incident,
        judged=is_judged(level.window, results.period, engagement_ends),
        given=level.id in results.results,
        risen=risen,
    )


def _learning(level: ServiceLevel, period: Period) -> str:
    before = level.starts is not None and level.starts > period.start
    return before_start(level.starts) if level.starts is not None and before else ""


def better(direction: Direction, value: Decimal, than: Decimal) -> bool:
    """Whether `value` is strictly better."""
    return value > than if direction is Direction.HIGHER_IS_BETTER else value < than


def _status(
    level: ServiceLevel, direction: Direction, value: Decimal | None, *, excused: bool
) -> Status:
    if excused:
        return Status.EXCUSED
    if value is None:
        return Status.NO_DATA
    return status_of(value, level.expected, level.minimum, direction)
