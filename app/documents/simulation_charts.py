"""Charts of a simulation: one contract beside another, readable in black and white."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup

from app.documents.charts import INK, MISS, QUIET, inline, labelled_bars
from app.documents.formatting import amount, measured, money
from app.documents.simulation_view import SimulationView, signed_percent
from app.documents.svg import chart_svg
from billing.simulation.values import LevelSensitivity, MonthSums, SimulatedContract
from governance.values import plain

_WIDTH: Final = 560
_MOST_BARS: Final = 24
"""Clauses in one chart; the table behind it has all."""


def cost_chart(view: SimulationView) -> Markup | None:
    """What each month costs, the old contract's bars outlined; None where no month was priced."""
    return _by_month(view, "Cost before tax by month", lambda sums: sums.cost, 160)


def credit_chart(view: SimulationView) -> Markup | None:
    """The service credit that each month earned; None where there never was one."""
    return _by_month(view, "Service credit by month", lambda sums: sums.credit, 100)


def change_chart(view: SimulationView) -> Markup | None:
    """What each clause changes, or comes to where there is one contract; None without any."""
    against = view.of.old is not None
    rows = [
        (f"{one.new_id or one.old_id} {one.title}", one.change if against else one.new_total)
        for one in view.of.differences
    ]
    rows = [row for row in rows if row[1]]
    rows = sorted(rows, key=lambda row: -abs(row[1]))[:_MOST_BARS]
    title = "Change of cost by clause" if against else "Cost by clause"
    return _bars(rows, title, view.currency) if rows else None


def volume_chart(view: SimulationView) -> Markup | None:
    """The invoice's total by volume; None where no month was priced."""
    rows = [
        {"percent": str(line.percent), "total": plain(step.total), "contract": name}
        for line in view.volume
        for name, step in (("old", line.old), ("new", line.new))
        if step is not None
    ]
    if not rows:
        return None
    x = {
        "field": "percent",
        "type": "quantitative",
        "axis": {"values": [line.percent for line in view.volume], "labelExpr": _SIGNED},
        "scale": {"nice": False, "padding": 12},
    }
    y = {
        "field": "total",
        "type": "quantitative",
        "scale": {"zero": False, "nice": True},
        "axis": {"domain": False, "ticks": False, "tickCount": 5, "format": ",.0f"},
    }
    layers = [_line(rows, name, x, y) for name in ("old", "new")]
    layers += [_end_label(rows, name, x, y, view) for name in ("old", "new")]
    spec = {
        "width": _WIDTH,
        "height": 190,
        "layer": [layer for layer in layers if layer],
    }
    return chart_svg(spec, "Invoice total by volume", _volume_words(view))


def credit_curve(level: LevelSensitivity, currency: str) -> Markup | None:
    """The month's credit over the values of one service level; None where it never moves."""
    ends = [
        (value, credit)
        for one in level.stretches
        for value, credit in (
            (one.better, one.credit_at_better),
            (one.worse, one.credit_at_worse),
        )
    ]
    if len({credit for _, credit in ends}) < 2:
        return None
    rows = [
        {"at": str(at), "value": plain(value), "credit": plain(credit)}
        for at, (value, credit) in enumerate(ends)
    ]
    descending = ends[0][0] > ends[-1][0]
    encoding = {
        "x": {
            "field": "value",
            "type": "quantitative",
            "scale": {"zero": False, "nice": False, "reverse": descending, "padding": 8},
            "axis": {"tickCount": 8},
        },
        "y": {
            "field": "credit",
            "type": "quantitative",
            "axis": {"domain": False, "ticks": False, "tickCount": 4, "format": ",.0f"},
        },
        "order": {"field": "at", "type": "quantitative"},
    }
    spec = {
        "width": _WIDTH,
        "height": 120,
        "data": inline(rows, "at", "value", "credit"),
        "mark": {"type": "line", "color": INK, "strokeWidth": 1.75},
        "encoding": encoding,
    }
    words = "; ".join(
        f"{measured(value, level.unit, currency, level.places)}: {money(credit, currency)}"
        for value, credit in ends
    )
    return chart_svg(spec, f"Service credit by {level.title}", words)


_SIGNED: Final = "(datum.value > 0 ? '+' : datum.value < 0 ? '−' : '') + abs(datum.value) + ' %'"


def _by_month(
    view: SimulationView, title: str, of: Callable[[MonthSums], Decimal], height: int
) -> Markup | None:
    rows = [row for each in _series(view) for row in _month_rows(view, *each, of)]
    if not any(row["amount"] != "0" for row in rows):
        return None
    order = [view.short(month) for month in view.of.months]
    kinds = list(dict.fromkeys(row["contract"] for row in rows))
    encoding = {
        "x": {
            "field": "month",
            "type": "ordinal",
            "sort": order,
            "scale": {"domain": order, "paddingInner": 0.25},
            "axis": {"labelAngle": 0, "labelOverlap": "greedy", "labelPadding": 6},
        },
        "xOffset": {"field": "contract", "type": "nominal", "sort": kinds},
        "y": {
            "field": "amount",
            "type": "quantitative",
            "axis": {"domain": False, "ticks": False, "tickCount": 5, "format": ",.0f"},
        },
        "fill": {"field": "fill", "type": "nominal", "scale": None},
    }
    spec = {
        "width": _WIDTH,
        "height": height,
        "data": inline(rows, "amount"),
        "mark": {"type": "bar", "stroke": INK, "strokeWidth": 1},
        "encoding": encoding,
    }
    words = "; ".join(f"{row['month']}, {row['contract']}: {row['text']}" for row in rows)
    return chart_svg(spec, title, words)


def _series(view: SimulationView) -> list[tuple[str, SimulatedContract, str]]:
    """Name in the legend, contract and filling; the outlined one is the old one."""
    new = ("new", view.of.new, INK)
    return [("old", view.of.old, "#ffffff"), new] if view.of.old else [new]


def _month_rows(
    view: SimulationView,
    name: str,
    contract: SimulatedContract,
    fill: str,
    of: Callable[[MonthSums], Decimal],
) -> Iterable[dict[str, str | None]]:
    sums: Mapping[str, MonthSums] = contract.priced
    for month in view.of.months:
        if month in sums:
            value = of(sums[month])
            yield {
                "month": view.short(month),
                "contract": name,
                "amount": plain(value),
                "text": money(value, view.currency),
                "fill": fill,
            }


def _bars(rows: Sequence[tuple[str, Decimal]], title: str, currency: str) -> Markup:
    data = [
        {
            "label": label,
            "amount": plain(value),
            "text": amount(value, currency),
            "right": plain(max(value, Decimal(0))),
            "fill": INK if value > 0 else "#ffffff",
            "stroke": INK if value > 0 else MISS,
        }
        for label, value in rows
    ]
    x = {"x": {"field": "amount", "type": "quantitative", "axis": None}}
    zero = {
        "data": inline([{"zero": "0"}], "zero"),
        "mark": {"type": "rule", "color": QUIET, "strokeWidth": 1},
        "encoding": {"x": {"field": "zero", "type": "quantitative"}},
    }
    spec = {
        "width": 360,
        "height": {"step": 21},
        "data": inline(data, "amount", "right"),
        "layer": [zero, *labelled_bars([label for label, _ in rows], x, most_label=230)],
    }
    words = "; ".join(f"{label}: {money(value, currency)}" for label, value in rows)
    return chart_svg(spec, title, words)


def _line(rows: Sequence[Mapping[str, str | None]], name: str, x: Any, y: Any) -> Any:
    own = [row for row in rows if row["contract"] == name]
    if not own:
        return None
    solid = name == "new"
    return {
        "data": inline(own, "percent", "total"),
        "mark": {
            "type": "line",
            "color": INK if solid else QUIET,
            "strokeDash": [1, 0] if solid else [6, 3],
            "strokeWidth": 1.75,
            "point": {"size": 22, "fill": INK if solid else "#ffffff", "stroke": INK},
        },
        "encoding": {"x": x, "y": y},
    }


def _end_label(
    rows: Sequence[Mapping[str, str | None]], name: str, x: Any, y: Any, view: SimulationView
) -> Any:
    own = [row for row in rows if row["contract"] == name]
    if not own or view.of.old is None:
        return None
    last = {row["contract"]: Decimal(row["total"] or 0) for row in rows}
    higher = last[name] >= max(last.values())
    mark = {
        "type": "text",
        "text": name,
        "align": "left",
        "baseline": "bottom" if higher else "top",
        "dx": 8,
        "color": INK,
        "fontSize": 10,
    }
    encoding = {"x": x, "y": y}
    return {"data": inline(own[-1:], "percent", "total"), "mark": mark, "encoding": encoding}


def _volume_words(view: SimulationView) -> str:
    said = []
    for line in view.volume:
        old = f"old {money(line.old.total, view.currency)}, " if line.old else ""
        new = f"new {money(line.new.total, view.currency)}" if line.new else "new none"
        said.append(f"{signed_percent(line.percent)}: {old}{new}")
    return "; ".join(said)
