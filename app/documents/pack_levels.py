"""What the pack shows of one service level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from app.documents.charts import sparkline, trend_chart, trend_points
from app.documents.formatting import NOTHING, number
from app.documents.wording import STATUS, WINDOW, StatusWording
from billing.settlement.values import Settlement
from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel
from sla.kpis.definitions import KpiDefinition
from sla.measurements.values import Measurement, Status
from sla.service_credits.values import LevelCredit


@dataclass(frozen=True, slots=True)
class Change:
    """How a value moved since the period before."""

    arrow: str
    by: str
    words: str


@dataclass(frozen=True, slots=True)
class LevelView:
    """One service level in the period, with its trend."""

    terms: ServiceLevel
    measurement: Measurement
    status: StatusWording
    change: Change
    credit: LevelCredit | None
    definition: KpiDefinition | None
    """None where the catalogue no longer holds the text that was measured with."""
    window: str
    trend: Markup
    small_trend: Markup | None
    worsened: int
    """How many periods in a row the value has become worse, up to this one."""

    @property
    def is_met(self) -> bool:
        """Whether nobody needs to look at it."""
        return self.measurement.status is Status.MET


def level_views(
    settlement: Settlement, definitions: Mapping[str, KpiDefinition]
) -> tuple[LevelView, ...]:
    """All service levels of the period in the contract's order."""
    return tuple(
        _view(settlement, measurement, definitions) for measurement in settlement.measured.results
    )


def _view(
    settlement: Settlement, measurement: Measurement, definitions: Mapping[str, KpiDefinition]
) -> LevelView:
    terms = settlement.terms_of(measurement.service_level)
    points = trend_points((*settlement.history, settlement.measured), terms.id)
    values = [point.measurement.value for point in points]
    title = f"Trend of {terms.id}, {terms.title}"
    currency = settlement.measured.currency
    return LevelView(
        terms=terms,
        measurement=measurement,
        status=STATUS[measurement.status],
        change=_change(values, measurement.direction),
        credit=_credit(settlement, terms.id),
        definition=_definition(measurement, definitions),
        window=WINDOW[terms.window],
        trend=trend_chart(points, title, currency),
        small_trend=sparkline(points, title, currency) if len(points) > 1 else None,
        worsened=_worsened(values, measurement.direction),
    )


def _credit(settlement: Settlement, level_id: str) -> LevelCredit | None:
    if settlement.credits is None:
        return None
    return next((each for each in settlement.credits.service_levels if each.id == level_id), None)


def _definition(
    measurement: Measurement, definitions: Mapping[str, KpiDefinition]
) -> KpiDefinition | None:
    definition = definitions.get(measurement.kpi)
    if definition is None or definition.sha256 != measurement.definition_sha256:
        return None
    return definition


def _change(values: list[Decimal | None], direction: Direction) -> Change:
    if len(values) < 2 or values[-1] is None or values[-2] is None:
        return Change("", NOTHING, "")
    moved = values[-1] - values[-2]
    if not moved:
        return Change("→", "0", "unchanged")
    arrow = "↑" if moved > 0 else "↓"
    by = number(abs(moved), min(len(format(moved, "f").partition(".")[2]), 6))
    return Change(arrow, by, "better" if _gain(moved, direction) > 0 else "worse")


def _gain(moved: Decimal, direction: Direction) -> Decimal:
    return moved if direction is Direction.HIGHER_IS_BETTER else -moved


def _worsened(values: list[Decimal | None], direction: Direction) -> int:
    count = 0
    for before, after in zip(reversed(values[:-1]), reversed(values), strict=False):
        if before is None or after is None or _gain(after - before, direction) >= 0:
            break
        count += 1
    return count
