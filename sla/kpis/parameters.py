"""A KPI's parameters: checked, completed with their defaults, and bound for its SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from governance.contract.kpi_signature import ParameterSignature, ParameterValue, normal_parameter
from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.kpis.definitions import KpiDefinition

Bound = str | int | bool | Decimal | date | None


def resolve_parameters(
    definition: KpiDefinition, given: Mapping[str, ParameterValue]
) -> Mapping[str, str]:
    """All parameters of the KPI as text, in its order, defaults filled in.

    Raises BadInput with every unknown name, value that isn't allowed and missing value.
    """
    problems = [_unknown(definition, name) for name in given if name not in definition.parameters]
    resolved: dict[str, str] = {}
    for name, signature in definition.parameters.items():
        try:
            resolved[name] = _resolve(signature, given.get(name))
        except ValueError as error:
            problems.append(_unusable(definition, name, given.get(name), str(error)))
    if problems:
        raise BadInput(problems)
    return resolved


def _resolve(signature: ParameterSignature, given: ParameterValue | None) -> str:
    if given is not None:
        return normal_parameter(signature, given)
    if signature.default is None:
        raise ValueError(signature.allowed)
    return _written(signature.default)


def _unknown(definition: KpiDefinition, name: str) -> Problem:
    hint = did_you_mean(name, definition.parameters)
    return Problem(
        f"KPI {definition.name} has no parameter '{name}'{hint}",
        column=f"parameters.{name}",
        allowed=", ".join(definition.parameters) or "no parameters",
    )


def _unusable(
    definition: KpiDefinition, name: str, given: ParameterValue | None, allowed: str
) -> Problem:
    what = "needs a value for" if given is None else "can't use this value of"
    return Problem(
        f"KPI {definition.name} {what} '{name}'",
        column=f"parameters.{name}",
        found="" if given is None else _written(given),
        allowed=allowed,
    )


def _written(given: ParameterValue) -> str:
    if isinstance(given, dict):
        return "{" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}"
    return str(given).lower() if isinstance(given, bool) else given


def bind_parameters(
    definition: KpiDefinition,
    parameters: Mapping[str, str],
    period: Period,
    handed_in: Collection[str] = (),
) -> Mapping[str, Bound]:
    """What the KPI's SQL may name, typed: its own parameters and the standard ones.

    `handed_in` names the datasets that there is evidence of.
    """
    months = int(parameters["months"]) if "months" in parameters else None
    spanned = Period.months_ending(period.end, months) if months else period
    start = min(period.start, spanned.start) if definition.looks_back else period.start
    window = Period(start, period.end)
    own = {
        name: _typed(definition.parameters[name].type, text) for name, text in parameters.items()
    }
    return own | {
        "period_start": period.start,
        "period_end": period.end,
        "period_days": period.days,
        "period_months": len(list(period.months())),
        "period_label": period.label,
        "months_start": spanned.start,
        "months_days": spanned.days,
        "window_start": window.start,
        "window_months": len(list(window.months())),
        "current_days": _current_days(parameters.get("current", "not_due")),
        "handed_in": f",{','.join(sorted(handed_in))},",
    }


def _typed(kind: str, text: str) -> Bound:
    match kind:
        case "integer":
            return int(text)
        case "decimal":
            return Decimal(text)
        case "boolean":
            return text == "true"
        case _:
            return text


def _current_days(current: str) -> int | None:
    return int(current.removeprefix("days:")) if current.startswith("days:") else None
