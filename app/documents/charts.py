"""Charts of service levels and of an invoice, readable in black and white."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from markupsafe import Markup

from app.documents.formatting import amount, measured, money, short_period
from app.documents.svg import chart_svg
from app.documents.wording import STATUS
from governance.contract.kpi_signature import Direction
from governance.values import plain
from sla.measurements.values import MeasuredPeriod, Status

INK: Final = "#1c2733"
MISS: Final = "#a3262a"
QUIET: Final = "#5c6773"
BAND: Final = "#f4efe4"


@dataclass(frozen=True, slots=True)
class Sign:
    """How a point is drawn: a breach differs in shape, not in colour alone."""

    shape: str
    fill: str
    stroke: str
    size: int


_SIGNS: Final = {
    Status.MET: Sign("circle", INK, INK, 24),
    Status.EXCUSED: Sign("circle", "#ffffff", INK, 44),
    Status.BELOW_EXPECTED: Sign("triangle-down", "#ffffff", MISS, 78),
    Status.BELOW_MINIMUM: Sign("diamond", MISS, MISS, 92),
}


class Charted(Protocol):
    """What a trend draws of one period."""

    @property
    def value(self) -> Decimal | None:
        """None where there is no data."""
        ...

    @property
    def unit(self) -> str:
        """Of the value."""
        ...

    @property
    def status(self) -> Status:
        """By which the point has its shape."""
        ...

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        ...

    @property
    def expected(self) -> Decimal:
        """What was promised for the period."""
        ...

    @property
    def minimum(self) -> Decimal | None:
        """The least that was promised, if any."""
        ...


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One service level in one period, as the trend shows it."""

    label: str
    measurement: Charted
    follows: bool = True
    """Whether it is the period right after the point before; a first point always follows."""


def trend_points(periods: Sequence[MeasuredPeriod], service_level: str) -> tuple[TrendPoint, ...]:
    """The service level's measurements in `periods`, oldest first."""
    found = [
        (each.period, measurement)
        for each in periods
        for measurement in each.results
        if measurement.service_level == service_level
    ]
    earlier = [None, *(period for period, _ in found[:-1])]
    return tuple(
        TrendPoint(
            short_period(period), measurement, before is None or before.following() == period
        )
        for before, (period, measurement) in zip(earlier, found, strict=False)
    )


def trend_chart(
    points: Sequence[TrendPoint], title: str, currency: str, baseline: Decimal | None = None
) -> Markup:
    """The values over the periods, with the expected and the minimum level of the last one.

    Where the promise moved over the periods, its way is drawn too; `baseline` is what the service
    level stood at before hand-over.
    """
    layers = [
        *_promised_levels(points[-1].measurement, currency),
        *_ramp(points),
        *_baseline(points[-1].measurement, baseline, currency),
        *_gaps(points),
        *_line_and_signs(points, _axes(points), small=False),
    ]
    spec = {"width": 560, "height": 175, "layer": layers}
    return chart_svg(spec, title, _description(points, currency))


def sparkline(points: Sequence[TrendPoint], title: str, currency: str) -> Markup:
    """The same trend in the size of a word: line, breaches and the expected level."""
    layers = [
        _rule(points[-1].measurement.expected, [3, 2]),
        *_line_and_signs(points, _axes(points, hidden=True), small=True),
    ]
    spec = {"width": 130, "height": 26, "padding": 2, "layer": layers}
    return chart_svg(spec, title, _description(points, currency))


def _description(points: Sequence[TrendPoint], currency: str) -> str:
    return "; ".join(
        f"{point.label}: {measured(m.value, m.unit, currency)}, {STATUS[m.status].words.lower()}"
        for point in points
        for m in [point.measurement]
    )


def inline(rows: Sequence[Mapping[str, str | None]], *numbers: str) -> dict[str, Any]:
    """Inline data; figures stay text until Vega reads them as numbers."""
    parse = dict.fromkeys(numbers, "number")
    return {"values": list(rows), "format": {"parse": parse}}


def _axes(points: Sequence[TrendPoint], *, hidden: bool = False) -> dict[str, Any]:
    x = {"labelAngle": 0, "labelOverlap": "greedy", "labelPadding": 6, "tickSize": 4}
    y = {"domain": False, "ticks": False, "tickCount": 5, "labelPadding": 6}
    return {
        "x": {
            "field": "period",
            "type": "ordinal",
            "sort": [point.label for point in points],
            "axis": None if hidden else x,
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "scale": {"zero": False, "nice": not hidden, "padding": 4},
            "axis": None if hidden else y,
        },
    }


def _line_and_signs(
    points: Sequence[TrendPoint], axes: Mapping[str, Any], *, small: bool
) -> Iterator[dict[str, Any]]:
    data = inline([_row(point) for point in points], "value")
    line = {
        "type": "line",
        "color": INK,
        "strokeWidth": 1 if small else 1.75,
        "invalid": "break-paths-show-path-domains",
    }
    yield {"data": data, "mark": line, "encoding": axes}
    for status, sign in _SIGNS.items():
        # A word-sized chart marks breaches and the latest value: more dots would hide them.
        signed = points[-1:] if small and status is Status.MET else points
        rows = [_row(point) for point in signed if point.measurement.status is status]
        rows = [row for row in rows if row["value"] is not None]
        if rows:
            yield {
                "data": inline(rows, "value"),
                "mark": _sign_mark(sign, small=small),
                "encoding": axes,
            }


def _row(point: TrendPoint) -> dict[str, str | None]:
    value = point.measurement.value
    return {"period": point.label, "value": None if value is None else plain(value)}


def _sign_mark(sign: Sign, *, small: bool) -> dict[str, Any]:
    return {
        "type": "point",
        "shape": sign.shape,
        "fill": sign.fill,
        "stroke": sign.stroke,
        "strokeWidth": 1 if small else 1.5,
        "size": sign.size // 3 if small else sign.size,
        "opacity": 1,
    }


def _gaps(points: Sequence[TrendPoint]) -> Iterator[dict[str, Any]]:
    """The words "no data" where a period has no value: a gap alone is easily overlooked."""
    rows = [_row(point) for point in points if point.measurement.value is None]
    if rows:
        mark = {"type": "text", "text": "no data", "angle": 270, "align": "left", "color": QUIET}
        x = {**_axes(points)["x"], "scale": {"domain": [point.label for point in points]}}
        yield {
            "data": inline(rows),
            "mark": {**mark, "y": 169, "fontSize": 9},
            "encoding": {"x": x},
        }


def _ramp(points: Sequence[TrendPoint]) -> Iterator[dict[str, Any]]:
    """What was expected, month by month, where that changed."""
    promised = [plain(point.measurement.expected) for point in points]
    if len(set(promised)) > 1:
        rows = [
            {"period": point.label, "value": value}
            for point, value in zip(points, promised, strict=True)
        ]
        yield {
            "data": inline(rows, "value"),
            "mark": {
                "type": "line",
                "interpolate": "step",
                "color": QUIET,
                "strokeDash": [6, 3],
                "strokeWidth": 1,
            },
            "encoding": _axes(points),
        }


def _baseline(last: Charted, baseline: Decimal | None, currency: str) -> Iterator[dict[str, Any]]:
    if baseline is not None:
        yield _rule(baseline, [1, 3])
        yield _rule_label("Baseline", last, baseline, currency, above=baseline > last.expected)


def _promised_levels(last: Charted, currency: str) -> Iterator[dict[str, Any]]:
    upper = last.direction is Direction.HIGHER_IS_BETTER
    if last.minimum is not None:
        row = {"from": plain(last.minimum), "to": plain(last.expected)}
        yield {
            "data": inline([row], "from", "to"),
            "mark": {"type": "rect", "color": BAND, "opacity": 1},
            "encoding": {
                "y": {"field": "from", "type": "quantitative"},
                "y2": {"field": "to"},
            },
        }
        yield _rule(last.minimum, [2, 3])
        yield _rule_label("Minimum", last, last.minimum, currency, above=not upper)
    yield _rule(last.expected, [6, 3])
    yield _rule_label("Expected", last, last.expected, currency, above=upper)


def _rule(value: Decimal, dash: Sequence[int]) -> dict[str, Any]:
    return {
        "data": inline([{"value": plain(value)}], "value"),
        "mark": {"type": "rule", "color": QUIET, "strokeDash": list(dash), "strokeWidth": 1},
        "encoding": {"y": {"field": "value", "type": "quantitative"}},
    }


def _rule_label(
    name: str, last: Charted, value: Decimal, currency: str, *, above: bool
) -> dict[str, Any]:
    mark = {
        "type": "text",
        "text": f"{name} {measured(value, last.unit, currency)}",
        "x": 566,
        "align": "left",
        "baseline": "bottom" if above else "top",
        "color": INK,
        "fontSize": 10,
    }
    return {
        "data": inline([{"value": plain(value)}], "value"),
        "mark": mark,
        "encoding": {"y": {"field": "value", "type": "quantitative"}},
    }


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """One bar of the way from the charges to the amount payable."""

    label: str
    amount: Decimal
    is_total: bool = False
    """A total starts at zero; other steps start where the one before ended."""


def waterfall_chart(steps: Sequence[WaterfallStep], title: str, currency: str) -> Markup:
    """From the charges to the amount payable, one bar a step, deductions outlined only."""
    rows = list(_bars(steps, currency))
    x = {"x": {"field": "from", "type": "quantitative", "axis": None}, "x2": {"field": "to"}}
    spec = {
        "width": 430,
        "height": {"step": 21},
        "data": inline(rows, "from", "to", "right"),
        "layer": labelled_bars([row["label"] for row in rows], x, most_label=190),
    }
    description = "; ".join(f"{step.label}: {money(step.amount, currency)}" for step in steps)
    return chart_svg(spec, title, description)


def labelled_bars(
    labels: Sequence[str | None], x: Mapping[str, Any], most_label: int
) -> list[dict[str, Any]]:
    """One bar a label, in the labels' order, with its amount in words at the bar's right end.

    Rows state `label`, `fill`, `stroke`, `right` and `text`; `x` says where a bar starts and ends,
    `most_label` how wide a label gets, in pixels.
    """
    y = {
        "field": "label",
        "type": "ordinal",
        "sort": list(labels),
        "axis": {"domain": False, "ticks": False, "labelLimit": most_label, "labelPadding": 8},
    }
    bars = {
        "mark": {"type": "bar", "height": 14, "strokeWidth": 1.2},
        "encoding": {
            "y": y,
            **x,
            "fill": {"field": "fill", "scale": None},
            "stroke": {"field": "stroke", "scale": None},
        },
    }
    words = {
        "mark": {"type": "text", "align": "left", "dx": 6, "color": INK, "fontSize": 10},
        "encoding": {
            "y": y,
            "x": {"field": "right", "type": "quantitative"},
            "text": {"field": "text"},
        },
    }
    return [bars, words]


def _bars(steps: Sequence[WaterfallStep], currency: str) -> Iterator[dict[str, str | None]]:
    reached = Decimal(0)
    for step in steps:
        start = Decimal(0) if step.is_total else reached
        reached = start + step.amount
        less = step.amount < 0 and not step.is_total
        stroke = MISS if less else INK if step.is_total else QUIET
        yield {
            "label": step.label,
            "from": plain(start),
            "to": plain(reached),
            "right": plain(max(start, reached)),
            "text": amount(step.amount, currency),
            "fill": "#ffffff" if less else stroke,
            "stroke": stroke,
        }
