"""What a contract must know of a KPI to be checked; the catalogue (sla.kpis) provides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from governance.values import plain

ParameterValue = bool | str | dict[str, str]
"""A KPI parameter as written: numbers stay text until the KPI's definition types them."""


class Direction(StrEnum):
    """Which way a KPI is better."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"


@dataclass(frozen=True, slots=True)
class ParameterSignature:
    """One parameter of a KPI."""

    name: str
    type: str
    """"integer", "decimal", "boolean", "text", "choice", or "choice_or_days" (a choice, or
    a number of days written as {days: 30})."""
    default: str | bool | None
    """None where the contract must give a value."""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    """Least number allowed, None where any is."""
    maximum: int | None = None
    """Greatest number allowed, None where any is."""

    @property
    def allowed(self) -> str:
        """What may be given, in words for a message."""
        kind = {
            "integer": "a whole number",
            "decimal": "a decimal number",
            "boolean": "true or false",
            "text": "a text",
        }.get(self.type, ", ".join(self.choices))
        if self.type == "choice_or_days":
            kind += " or {days: a whole number}"
        if self.minimum is not None:
            kind += f" of at least {self.minimum}"
        return kind if self.maximum is None else f"{kind}, at most {self.maximum}"


@dataclass(frozen=True, slots=True)
class KpiSignature:
    """Name, direction and parameters of a KPI."""

    name: str
    title: str
    unit: str
    direction: Direction
    parameters: Mapping[str, ParameterSignature] = field(default_factory=dict)


def normal_parameter(signature: ParameterSignature, value: ParameterValue) -> str:
    """A parameter value as the text that results print: "3", "true", "period_end", "days:30".

    Raises ValueError, saying what is allowed, where the value is none of it.
    """
    normal = _normal(signature, value)
    if normal is None:
        raise ValueError(signature.allowed)
    return normal


def _normal(signature: ParameterSignature, value: ParameterValue) -> str | None:
    if isinstance(value, dict):
        return _days(value) if signature.type == "choice_or_days" else None
    text = str(value).lower() if isinstance(value, bool) else value.strip()
    match signature.type:
        case "integer" | "decimal":
            return _number(signature, text)
        case "boolean":
            return text if text in {"true", "false"} else None
        case "text":
            return text or None
        case "choice_or_days" if text.startswith("days:"):
            return _days({"days": text.removeprefix("days:")})
        case _:
            return text if text in signature.choices else None


def _days(value: Mapping[str, str]) -> str | None:
    days = str(value.get("days", "")).strip()
    return f"days:{int(days)}" if set(value) == {"days"} and _whole(days) else None


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6


def _number(signature: ParameterSignature, text: str) -> str | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or (signature.type == "integer" and not _whole(text)):
        return None
    if signature.minimum is not None and number < signature.minimum:
        return None
    if signature.maximum is not None and number > signature.maximum:
        return None
    return plain(number)
