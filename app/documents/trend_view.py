"""The trend of a service level as its pages tell it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from app.documents.charts import TrendPoint, sparkline, trend_chart
from app.documents.formatting import day, measured, period, short_period
from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel
from sla.measurements.values import Status
from sla.trends.values import Forecast, LevelTrend, TrendMonth, Verdict

VERDICTS = {
    Verdict.LIKELY_MET: "Likely met",
    Verdict.UNCERTAIN: "Open",
    Verdict.LIKELY_MISSED: "Likely missed",
    Verdict.TOO_FEW_MONTHS: "Too few months to say",
    Verdict.NO_DATA: "No data yet",
}


@dataclass(frozen=True, slots=True)
class _Charted:
    """A month with the unit and direction of its service level, as charts take it."""

    month: TrendMonth
    unit: str
    direction: Direction

    @property
    def value(self) -> Decimal | None:
        return self.month.value

    @property
    def status(self) -> Status:
        """Before the engagement nothing was promised, so nothing was missed."""
        return Status.MET if self.month.before and self.month.value else self.month.status

    @property
    def expected(self) -> Decimal:
        return self.month.expected

    @property
    def minimum(self) -> Decimal | None:
        return self.month.minimum


@dataclass(frozen=True, slots=True)
class TrendView:
    """One service level with its trend."""

    terms: ServiceLevel
    trend: LevelTrend
    currency: str

    @property
    def places(self) -> int | None:
        """Decimals that the contract rounds to."""
        return self.terms.round_to

    @property
    def points(self) -> tuple[TrendPoint, ...]:
        """The months as the charts take them."""
        unit, direction = self.trend.unit, self.trend.direction
        return tuple(
            TrendPoint(short_period(month.period), _Charted(month, unit, direction))
            for month in self.trend.months
        )

    @property
    def sparkline(self) -> Markup:
        """The trend in the size of a word."""
        return sparkline(self.points, self._title, self.currency)

    @property
    def chart(self) -> Markup:
        """The trend with promise and baseline."""
        baseline = self.trend.baseline
        value = None if baseline is None else baseline.value
        return trend_chart(self.points, self._title, self.currency, value)

    @property
    def _title(self) -> str:
        return f"{self.terms.title}, {len(self.trend.months)} months"

    @property
    def verdict(self) -> str:
        """How the running month will probably end, in two words; empty where none is running."""
        forecast = self.trend.forecast
        return "" if forecast is None else VERDICTS[forecast.verdict]

    def apart(self, distance: Decimal | None) -> str:
        """A distance in words: "1.2 points better", "0.4 days worse", "the same"."""
        if distance is None:
            return ""
        if not distance:
            return "the same"
        unit = "points" if self.trend.unit == "%" else self.trend.unit
        size = measured(abs(distance), unit, self.currency, self.places)
        return f"{size} {'better' if distance > 0 else 'worse'}"

    @property
    def outlook(self) -> str:
        """The forecast as sentences that state what it rests on."""
        forecast = self.trend.forecast
        if forecast is None:
            return "The evidence ends with a month, so no month is running that could be forecast."
        return _outlook(forecast, self)

    def shown(self, value: Decimal | None) -> str:
        """A value with its unit."""
        return measured(value, self.trend.unit, self.currency, self.places)


def _outlook(forecast: Forecast, view: TrendView) -> str:
    days = f"After the days up to {day(forecast.as_of)}"
    if forecast.verdict is Verdict.NO_DATA:
        return f"{days}, {period(forecast.period)} has no data yet."
    stands = f"{days}, {period(forecast.period)} stands at {view.shown(forecast.so_far)}."
    if forecast.verdict is Verdict.TOO_FEW_MONTHS:
        found = "no earlier month is" if not forecast.months else f"only {forecast.months} are"
        return f"{stands} Six earlier months are needed to say how it may end; {found} there."
    return (
        f"{stands} If its remaining days go as those of the {forecast.months} months before did, it"
        f" ends between {view.shown(forecast.low)} and {view.shown(forecast.high)}, in the middle"
        f" at {view.shown(forecast.middle)}: {forecast.misses} of {forecast.months} would lead to a"
        f" miss. On the same day of those months this would have been right"
        f" {forecast.right_before} times of {forecast.months}."
    )
