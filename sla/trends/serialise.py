"""Trends as JSON with stable keys, and back; decimals are strings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.kpis.serialise import period_json
from sla.measurements.values import Status
from sla.service_credits.wording import number_words
from sla.trends.values import (
    BaselineFigure,
    Forecast,
    LevelTrend,
    TrendMonth,
    Trends,
    Verdict,
)


def trends_json(trends: Trends) -> dict[str, Any]:
    """What `plumbline trends --json` answers, and what the application keeps."""
    return {
        "as_of": trends.as_of.isoformat(),
        "currency": trends.currency,
        "levels": [_level_json(level) for level in trends.levels],
    }


def _level_json(level: LevelTrend) -> dict[str, Any]:
    return {
        "service_level": level.service_level,
        "unit": level.unit,
        "direction": level.direction.value,
        "months": [_month_json(month) for month in level.months],
        "distance": _text(level.distance),
        "since_baseline": _text(level.since_baseline),
        "since_last_year": _text(level.since_last_year),
        "baseline": None if level.baseline is None else _as_text(asdict(level.baseline)),
        "forecast": None if level.forecast is None else _forecast_json(level.forecast),
    }


def _month_json(month: TrendMonth) -> dict[str, Any]:
    return _as_text(asdict(month)) | {
        "period": period_json(month.period),
        "status": month.status.value,
    }


def _forecast_json(forecast: Forecast) -> dict[str, Any]:
    return _as_text(asdict(forecast)) | {
        "period": period_json(forecast.period),
        "as_of": forecast.as_of.isoformat(),
        "verdict": forecast.verdict.value,
    }


def _as_text(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _text(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


def _text(value: Decimal | None) -> str | None:
    """With the decimals that the contract rounds to; at most twelve where it doesn't round."""
    return None if value is None else number_words(value)


def trends_of(document: Mapping[str, Any]) -> Trends:
    """The trends that such a document was made from."""
    return Trends(
        date.fromisoformat(document["as_of"]),
        document["currency"],
        tuple(_level_of(level) for level in document["levels"]),
    )


def _level_of(level: Mapping[str, Any]) -> LevelTrend:
    baseline, forecast = level["baseline"], level["forecast"]
    return LevelTrend(
        service_level=level["service_level"],
        unit=level["unit"],
        direction=Direction(level["direction"]),
        months=tuple(_month_of(month) for month in level["months"]),
        baseline=None
        if baseline is None
        else BaselineFigure(**_exact(baseline, "value", "low", "high")),
        forecast=None if forecast is None else _forecast_of(forecast),
    )


def _month_of(month: Mapping[str, Any]) -> TrendMonth:
    values = _exact(month, "value", "expected", "minimum")
    return TrendMonth(
        **values | {"period": _period_of(month["period"]), "status": Status(month["status"])}
    )


def _forecast_of(forecast: Mapping[str, Any]) -> Forecast:
    values = _exact(forecast, "so_far", "middle", "low", "high")
    return Forecast(
        **values
        | {
            "period": _period_of(forecast["period"]),
            "as_of": date.fromisoformat(forecast["as_of"]),
            "verdict": Verdict(forecast["verdict"]),
        }
    )


def _period_of(period: Mapping[str, str]) -> Period:
    return Period(date.fromisoformat(period["start"]), date.fromisoformat(period["end"]))


def _exact(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return dict(values) | {
        name: None if values[name] is None else Decimal(values[name]) for name in names
    }
