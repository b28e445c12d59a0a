"""One service level held against its promise, and against its own past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel
from governance.values import Period, round_half_up, round_money
from sla.measurements.calculation import status_of
from sla.measurements.values import Status
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
    incident: str | None = None

    @property
    def missed(self) -> bool:
        """Whether this is a miss that counts, for a credit and for the history."""
        return self.consequential and self.status in _MISSES


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
        """Misses up to and including this period, back to the last time it was met.

        Periods are consecutive as they stand in the results. A period without data, or excused,
        counts as neither miss nor met: only a real met ends the row. Learning periods end it too,
        for nothing before them has consequences.
        """
        return sum(assessment.missed for assessment in self._back_to_last_met())

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

    def _back_to_last_met(self) -> Iterator[Assessment]:
        for assessment in reversed(self.timeline):
            if assessment.status is Status.MET or not assessment.consequential:
                return
            yield assessment


def assess(level: ServiceLevel, direction: Direction, results: PeriodResults) -> Assessment:
    """Round the value, compare it and say whether anything follows from it.

    A service level that the results don't name has no data. A period has consequences when none
    of its days lies before the service level's `starts` (the contract language, section "Service
    levels and their states").
    """
    result = results.results.get(level.id, _NO_RESULT)
    value = result.value
    if value is not None and level.round_to is not None:
        value = round_half_up(value, level.round_to)
    return Assessment(
        period=results.period,
        value=value,
        status=_status(level, direction, value, excused=result.excused),
        consequential=level.starts is None or level.starts <= results.period.start,
        incident=result.incident,
    )


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
