"""Where a service level comes from, where it stands and where its month is heading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.measurements.values import Status


@dataclass(frozen=True, slots=True)
class TrendMonth:
    """One service level in one month."""

    period: Period
    value: Decimal | None
    """Rounded as the contract says; None where there is no data."""
    expected: Decimal
    minimum: Decimal | None
    status: Status
    settled: bool = False
    """Whether the figure is that of a settled period; else it comes from today's evidence."""
    before: bool = False
    """Whether the month lies before the engagement, where nothing was promised yet."""


@dataclass(frozen=True, slots=True)
class BaselineFigure:
    """What the service level stood at before hand-over."""

    value: Decimal
    """Stated, or the plain mean of its months, rounded as the contract says."""
    low: Decimal | None = None
    """Least value of its months; None where it is stated."""
    high: Decimal | None = None
    months: int = 0
    """Months with data; 0 where it is stated."""
    source: str = ""


class Verdict(StrEnum):
    """How a month will probably end."""

    LIKELY_MET = "likely_met"
    UNCERTAIN = "uncertain"
    LIKELY_MISSED = "likely_missed"
    TOO_FEW_MONTHS = "too_few_months"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Forecast:
    """How the running month will probably end, from its days so far.

    Every earlier month is looked at after as many days, and at its end: by what the value moved
    since, this month may move too.
    """

    period: Period
    as_of: date
    """Last day that counts."""
    so_far: Decimal | None
    middle: Decimal | None = None
    """So far, moved as the median month moved; rounded as the contract says."""
    low: Decimal | None = None
    high: Decimal | None = None
    misses: int = 0
    """Of the months compared, those whose movement would lead to a miss now."""
    months: int = 0
    """Months compared."""
    right_before: int = 0
    """Of those months, how many the same method would have called right on the same day."""
    verdict: Verdict = Verdict.TOO_FEW_MONTHS


@dataclass(frozen=True, slots=True)
class LevelTrend:
    """The trend of one service level."""

    service_level: str
    unit: str
    direction: Direction
    months: tuple[TrendMonth, ...]
    """Thirteen months, oldest first, so that the last stands beside the same month a year ago."""
    baseline: BaselineFigure | None
    forecast: Forecast | None
    """None where the evidence ends with a month, so that none is running."""

    @property
    def latest(self) -> TrendMonth | None:
        """The newest month with a value."""
        return next((one for one in reversed(self.months) if one.value is not None), None)

    @property
    def distance(self) -> Decimal | None:
        """How much better than expected the newest value is; negative where it is worse."""
        latest = self.latest
        if latest is None or latest.value is None:
            return None
        return better_by(latest.value, latest.expected, self.direction)

    @property
    def since_baseline(self) -> Decimal | None:
        """How much better than the baseline the newest value is; negative where it is worse."""
        latest = self.latest
        if latest is None or latest.value is None or self.baseline is None:
            return None
        return better_by(latest.value, self.baseline.value, self.direction)

    @property
    def since_last_year(self) -> Decimal | None:
        """How much better than twelve months before; None where either has no value."""
        first, last = self.months[0], self.months[-1]
        if len(self.months) < 13 or first.value is None or last.value is None:
            return None
        return better_by(last.value, first.value, self.direction)


def better_by(value: Decimal, than: Decimal, direction: Direction) -> Decimal:
    """How much better `value` is, in its unit; negative where it is worse."""
    difference = value - than
    return difference if direction is Direction.HIGHER_IS_BETTER else -difference


@dataclass(frozen=True, slots=True)
class Trends:
    """The trends of all service levels of a contract."""

    as_of: date
    """Last day that the evidence speaks of."""
    currency: str
    levels: tuple[LevelTrend, ...]
