"""What every part of a contract document has in common: frozen, exact, no unknown keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)


class Terms(BaseModel):
    """Base of all parts of a contract document."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True
    )


@dataclass(frozen=True, slots=True)
class Accepts:
    """Annotates a type with what it accepts, in the words of an error message."""

    words: str


_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _decimal_of(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise ValueError("not a decimal number")


def _exact(value: Any) -> Decimal:
    number = _decimal_of(value)
    if not number.is_finite():
        raise ValueError("not a finite decimal number")
    digits = number.as_tuple()
    # Anything longer is a slip, and would outgrow the context in which products stay exact.
    if number.adjusted() >= 18 or int(digits.exponent) < -12:
        raise ValueError("more than 18 digits before the point or 12 after it")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise ValueError("not a whole number")


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        raise ValueError("not a date")
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("no such day in the calendar") from None


_DIGITS = r"\d+(\.\d+)?\s*$"


def _number_schema(sign: str = "", **bounds: int) -> WithJsonSchema:
    """A number, or text that is read as one; `sign` is the part of a pattern before the digits."""
    text = {"type": "string", "pattern": rf"^\s*{sign}{_DIGITS}"}
    return WithJsonSchema({"anyOf": [{"type": "number", **bounds}, text]})


_WHOLE_SCHEMA = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\s*[+-]?\d+\s*$"}]}

Exact = Annotated[Decimal, BeforeValidator(_exact), _number_schema("[+-]?")]
"""A decimal read from text or an integer, never through a float."""
NonNegative = Annotated[
    Decimal, BeforeValidator(_exact), Field(ge=0), _number_schema(r"\+?", minimum=0)
]
Positive = Annotated[
    Decimal, BeforeValidator(_exact), Field(gt=0), _number_schema(r"\+?", exclusiveMinimum=0)
]
Percent = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, le=100),
    _number_schema(r"\+?", minimum=0, maximum=100),
]
Whole = Annotated[int, BeforeValidator(_whole), WithJsonSchema(_WHOLE_SCHEMA)]
"""An integer read from text or an integer; 3.0 and true are none."""
Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day as 2026-01-31, never a timestamp."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""A name or title, short enough for a heading and the foot of a page."""
Identifier = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$"),
    Accepts("letters, digits and . _ / - (at most 64, a letter or digit first)"),
]


class Titled(Terms):
    """A part with an id that others refer to; where it has no title, the id serves as one."""

    id: Identifier
    title: Name = ""

    @model_validator(mode="before")
    @classmethod
    def _named_by_id(cls, values: Any) -> Any:
        if isinstance(values, dict) and "id" in values and not values.get("title"):
            return {**values, "title": values["id"]}
        return values


Month = Annotated[
    str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$"), Accepts("a month as 2026-01")
]
