"""Thirteen months, baseline and forecast of every service level, from the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from statistics import mean

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel
from governance.values import Period, round_half_up
from sla.evidence.ledger import Ledger
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import run_kpi
from sla.kpis.values import KpiResult
from sla.measurements.calculation import status_of
from sla.measurements.promises import Wanted, promise_of
from sla.measurements.targets import Targets, targets_on
from sla.measurements.values import Measurement, Status
from sla.measurements.versions import Version
from sla.measurements.windows import window_of
from sla.trends.forecast import Course, Promise, forecast
from sla.trends.values import BaselineFigure, Forecast, LevelTrend, TrendMonth, Trends

MONTHS = 13
_COMPARED = 12
"""Earlier months that a forecast looks at."""

Settled = Mapping[Period, Mapping[str, Measurement]]
"""Settled periods by their days, with the measurements by service level."""


def trends(
    contract: Contract,
    ledger: Ledger,
    as_of: date,
    catalogue: Mapping[str, KpiDefinition],
    settled: Settled,
) -> Trends:
    """The trend of every service level up to `as_of`, the last day that the evidence speaks of.

    A settled month shows its settled figure; every other is measured from the ledger as it is,
    months before the engagement too. Raises BadInput as `run_kpi` does.
    """
    return Trends(
        as_of,
        ledger.currency,
        tuple(
            _Level(contract, level, ledger, catalogue[level.kpi], settled).trend(as_of)
            for level in contract.service_levels
        ),
    )


@dataclass(frozen=True, slots=True)
class _Level:
    contract: Contract
    level: ServiceLevel
    ledger: Ledger
    definition: KpiDefinition
    settled: Settled
    reached: dict[Period, Decimal | None] = field(default_factory=dict)
    """Values of earlier months that a promise rose with, each looked up once."""

    def trend(self, as_of: date) -> LevelTrend:
        running = _running_month(as_of)
        last = Period.month(as_of.year, as_of.month) if running is None else running.previous()
        months = tuple(self._month(one) for one in Period.months_ending(last.end, MONTHS).months())
        sample = self._run(last, last.end)
        return LevelTrend(
            service_level=self.level.id,
            unit=sample.unit,
            direction=sample.direction,
            months=months,
            baseline=self._baseline(),
            forecast=None if running is None else self._forecast(running, as_of),
        )

    def _run(self, month: Period, until: date) -> KpiResult:
        """The level's KPI on the days of its window up to `until`."""
        window = Period(window_of(self.level.window, month).start, until)
        return run_kpi(self.definition, self.ledger, window, self.level.parameters)

    def _month(self, month: Period) -> TrendMonth:
        stored = self.settled.get(month, {}).get(self.level.id)
        if stored is not None:
            return TrendMonth(
                month, stored.value, stored.expected, stored.minimum, stored.status, settled=True
            )
        result, targets = self._run(month, month.end), self._targets(month)
        value = self._rounded(result.value)
        return TrendMonth(
            period=month,
            value=value,
            expected=targets.expected,
            minimum=targets.minimum,
            status=status_of(value, targets.expected, targets.minimum, result.direction),
            before=month.end < self.contract.engagement.starts,
        )

    def _targets(self, month: Period) -> Targets:
        """What is promised for a month, with all that a ratchet has moved by then."""
        if self.level.ratchet is None:
            return targets_on(self.level, month)
        stated, engagement = self.level.parameters.get("direction"), self.contract.engagement
        direction = self.definition.signature.direction if stated is None else stated
        wanted = Wanted(self.level, Direction(str(direction)), engagement.starts, engagement.ends)
        versions = (Version(None, "", date.min, self.contract),)
        risen = promise_of(wanted, versions, month, self._reached)
        return targets_on(self.level, month, risen.promise)

    def _reached(self, month: Period) -> Decimal | None:
        if month not in self.reached:
            self.reached[month] = self._counting(month)
        return self.reached[month]

    def _counting(self, month: Period) -> Decimal | None:
        """A month's value, settled or as the ledger has it, unless nothing follows from it."""
        stored = self.settled.get(month, {}).get(self.level.id)
        if stored is not None:
            counts = stored.consequential and stored.status is not Status.EXCUSED
            return stored.value if counts else None
        if self.level.starts is not None and self.level.starts > month.start:
            return None
        return self._rounded(self._run(month, month.end).value)

    def _rounded(self, value: Decimal | None) -> Decimal | None:
        places = self.level.round_to
        return value if value is None or places is None else round_half_up(value, places)

    def _baseline(self) -> BaselineFigure | None:
        stated = self.level.baseline
        if stated is None:
            return None
        if stated.value is not None:
            return BaselineFigure(stated.value, source=stated.source or "")
        assert stated.from_ and stated.to  # noqa: S101, PT018 (the contract was checked)
        span = Period(Period.parse(stated.from_).start, Period.parse(stated.to).end)
        found = [self._run(month, month.end).value for month in span.months()]
        values = [value for value in found if value is not None]
        if not values:
            return None
        return BaselineFigure(
            value=self._shown(mean(values)),
            low=self._shown(min(values)),
            high=self._shown(max(values)),
            months=len(values),
            source=stated.source or "",
        )

    def _shown(self, value: Decimal) -> Decimal:
        """A mean of unrounded values may not end, so six decimals stand in for unrounded."""
        return round_half_up(value, 6 if self.level.round_to is None else self.level.round_to)

    def _forecast(self, running: Period, as_of: date) -> Forecast:
        result = self._run(running, as_of)
        return forecast(
            running,
            as_of,
            result.value,
            tuple(self._courses(running, Period(running.start, as_of).days)),
            Promise(
                targets_on(self.level, running),
                result.direction,
                self.level.round_to,
                result.unit,
            ),
        )

    def _courses(self, running: Period, days: int) -> Iterator[Course]:
        span = Period.months_ending(running.previous().end, _COMPARED)
        for month in span.months():
            until = min(month.start + timedelta(days=days - 1), month.end)
            so_far, final = self._run(month, until).value, self._run(month, month.end).value
            if so_far is not None and final is not None:
                yield Course(so_far, final)


def _running_month(as_of: date) -> Period | None:
    """The month that the day lies in, unless it is its last."""
    month = Period.month(as_of.year, as_of.month)
    return None if as_of == month.end else month
