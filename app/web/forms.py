"""What forms send, as values: days and choices, each with a message where it is neither."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from litestar.enums import RequestEncodingType
from litestar.params import Body

from governance.errors import BadInput, Problem

Chosen = TypeVar("Chosen", bound=StrEnum)
TextForm = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""A form without files as it came in; `text_of` and `texts_of` read it."""


def day_of_form(text: str, column: str) -> date | None:
    """A day as browsers send it, None where the field is empty; BadInput for anything else."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problem = Problem("this is not a day", column=column, found=text, allowed="2026-01-31")
        raise BadInput.one(problem) from None


def choice_of_form(kind: type[Chosen], text: str, column: str) -> Chosen:
    """One of an enum's values; BadInput for anything else."""
    try:
        return kind(text)
    except ValueError:
        allowed = ", ".join(one.value for one in kind)
        problem = Problem("this is none of the choices", column=column, found=text, allowed=allowed)
        raise BadInput.one(problem) from None


def text_of(form: Mapping[str, Any], name: str) -> str:
    """A text of the form without space around it; empty where it is absent or no single text."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def texts_of(form: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """All values of a field that may come several times, as boxes that are ticked do."""
    value = form.get(name)
    values = value if isinstance(value, list) else [value]
    return tuple(one for one in values if isinstance(one, str) and one)
