"""Measured periods as JSON with stable keys; decimals are strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sla.kpis.serialise import period_json, term_text, unrounded_text
from sla.measurements.details import (
    computed_json,
    earlier_terms_json,
    promise_json,
    without_relief_json,
)
from sla.measurements.values import MeasuredPeriod, Measurement


def measured_period_json(measured: MeasuredPeriod) -> dict[str, Any]:
    """What `plumbline measure --json` answers."""
    return {
        "period": period_json(measured.period),
        "currency": measured.currency,
        "warnings": [finding.message for finding in measured.warnings],
        "results": [measurement_json(result) for result in measured.results],
    }


def measurement_json(measurement: Measurement) -> dict[str, Any]:
    """One service level: `value` with the contract's decimals, `unrounded` with six to twelve."""
    return {
        "service_level": measurement.service_level,
        "kpi": measurement.kpi,
        "parameters": dict(measurement.parameters),
        "window": period_json(measurement.window),
        "unrounded": _unrounded(measurement.unrounded),
        "value": value_text(measurement),
        "unit": measurement.unit,
        "direction": measurement.direction.value,
        "expected": format(measurement.expected, "f"),
        "minimum": None if measurement.minimum is None else format(measurement.minimum, "f"),
        "status": measurement.status.value,
        "consequential": measurement.consequential,
        "numerator": term_text(measurement.numerator),
        "denominator": term_text(measurement.denominator),
        "rows": measurement.rows,
        "evidence": [digest.as_json() for digest in measurement.evidence],
        "definition_sha256": measurement.definition_sha256,
        **_circumstances_json(measurement),
    }


def _circumstances_json(measurement: Measurement) -> dict[str, Any]:
    """The contract version, and what else the figure stands under, where there is any of it."""
    relief, computed = measurement.without_relief, measurement.computed
    found: dict[str, Any] = {
        "contract_version": measurement.contract_version,
        "contract_sha256": measurement.contract_sha256,
    }
    if measurement.promise is not None:
        found["promise"] = promise_json(measurement.promise)
    if measurement.no_consequence:
        found["no_consequence"] = measurement.no_consequence
    if relief is not None:
        found["without_relief"] = without_relief_json(relief)
    if computed is not None:
        found["decided"] = {"computed": computed_json(computed)}
    if measurement.earlier_terms:
        found["earlier_terms"] = [earlier_terms_json(one) for one in measurement.earlier_terms]
    return found


def value_text(measurement: Measurement) -> str | None:
    """The value that was compared, with exactly the decimals that the contract rounds to."""
    if measurement.value is None or measurement.round_to is None:
        return _unrounded(measurement.value)
    return format(measurement.value, "f")


def _unrounded(value: Decimal | None) -> str | None:
    return None if value is None else unrounded_text(value)
