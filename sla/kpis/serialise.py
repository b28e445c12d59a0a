"""KPI definitions, results and drill-downs as JSON with stable keys; decimals are strings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from governance.values import Period, plain, round_half_up
from sla.kpis.definitions import KpiDefinition
from sla.kpis.values import Cell, DrillDown, KpiResult

_LEAST_DECIMALS = 6
_MOST_DECIMALS = 12
_TERM_DECIMALS = 10


def unrounded_text(value: Decimal) -> str:
    """A value with all its decimals, at least six and at most twelve (the last rounded half up)."""
    text = format(round_half_up(value, _MOST_DECIMALS), "f").rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(_LEAST_DECIMALS, '0')}"


def term_text(value: Decimal | None) -> str | None:
    """A numerator or denominator, exact or with ten decimals where it doesn't terminate."""
    return None if value is None else plain(round_half_up(value, _TERM_DECIMALS))


def period_json(period: Period) -> dict[str, str]:
    """First and last day."""
    return {"start": period.start.isoformat(), "end": period.end.isoformat()}


def kpi_result_json(result: KpiResult) -> dict[str, Any]:
    """What `plumbline kpi run --json` answers."""
    answer: dict[str, Any] = {
        "kpi": result.kpi,
        "parameters": dict(result.parameters),
        "period": period_json(result.period),
        "value": None if result.value is None else unrounded_text(result.value),
        "unit": result.unit,
        "numerator": term_text(result.numerator),
        "denominator": term_text(result.denominator),
        "rows": result.rows,
        "status": result.status.value,
        "evidence": [digest.as_json() for digest in result.evidence],
        "definition_sha256": result.definition_sha256,
    }
    if result.values is not None:
        answer["values"] = {name: term_text(amount) for name, amount in result.values.items()}
    return answer


def definition_json(definition: KpiDefinition) -> dict[str, Any]:
    """What `plumbline kpi show --json` answers; `text` has the digest `definition_sha256`."""
    return {
        "name": definition.name,
        "title": definition.title,
        "unit": definition.unit,
        "direction": definition.direction.value,
        "datasets": {"required": [*definition.required], "optional": [*definition.optional]},
        "parameters": [
            {
                "name": name,
                "type": parameter.type,
                "default": parameter.default,
                "choices": [*parameter.choices],
                "allowed": parameter.allowed,
                "meaning": definition.meanings[name],
            }
            for name, parameter in definition.parameters.items()
        ],
        "definition": definition.definition,
        "source": definition.source,
        "drill_down": definition.drill_down,
        "function": definition.function.value,
        "own": definition.own,
        "sql": definition.sql,
        "drill_down_sql": definition.drill_down_sql,
        "text": definition.text,
        "definition_sha256": definition.sha256,
    }


def cell_text(cell: Cell) -> str | int | bool | None:
    """A cell as JSON: decimals plain, dates and timestamps ISO."""
    if isinstance(cell, Decimal):
        return plain(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def drill_down_json(page: DrillDown) -> dict[str, Any]:
    """One page of rows, each a mapping from column to value."""
    return {
        "total": page.total,
        "sums": {name: plain(amount) for name, amount in page.sums.items()},
        "rows": [
            {name: cell_text(cell) for name, cell in zip(page.columns, row, strict=True)}
            for row in page.rows
        ],
    }
