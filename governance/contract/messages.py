"""Error messages of contract documents: what is wrong with a value and what is allowed there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from governance.contract.base import Accepts
from governance.contract.shapes import Leaf, ListOf, Record, Shape, TableOf, Variants, fields_of
from governance.contract.yaml_nodes import Scalar

_TYPES = {
    Decimal: "a decimal number",
    int: "a whole number",
    date: "a date as 2026-01-31",
    str: "text",
    bool: "true or false",
}
_OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_MESSAGES = {
    "literal_error": "not one of the allowed values",
    "string_type": "not text",
    "string_pattern_mismatch": "not in the form expected here",
    "string_too_short": "empty text",
}


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that `word` is probably a slip of, None where none is near.

    `cutoff` is the least likeness, from 0 to 1.
    """
    by_folded = {each.casefold(): each for each in known}
    folded = word[:64].casefold()
    found = difflib.get_close_matches(folded, by_folded, n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ ", did you mean 'month'?", or nothing where no known word is near."""
    near = nearest(word, known)
    return f", did you mean '{near}'?" if near else ""


def allowed_text(shape: Shape) -> str:
    """What may stand at a place, in words."""
    match shape:
        case Leaf():
            return _leaf_words(shape.hint)
        case Record():
            return "a mapping with the keys " + ", ".join(fields_of(shape.model))
        case Variants():
            return f"a mapping with the key {shape.tag} ({', '.join(shape.models)}) and its terms"
        case ListOf():
            least = f" of at least {shape.at_least}" if shape.at_least else ""
            return f"a list{least}, each {allowed_text(shape.item)}"
        case TableOf():
            return f"a mapping of {allowed_text(shape.key)} to {allowed_text(shape.value)}"


def choices_of(hint: Any) -> tuple[str, ...]:
    """The words that an enumeration or literal allows; none for other types."""
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(base) is Literal:
        return tuple(str(choice) for choice in get_args(base))
    if isinstance(base, type) and issubclass(base, Enum):
        return tuple(str(member.value) for member in base)
    return ()


def leaf_problem(leaf: Leaf, error: ValidationError, node: Scalar) -> tuple[str, str]:
    """What is wrong with a single value, and what is allowed in its place."""
    first = error.errors(include_url=False)[0]
    kind, allowed = first["type"], allowed_text(leaf)
    choices = choices_of(_without_null(leaf.hint))
    if choices and not any(isinstance(each, Accepts) for each in _metadata(leaf.hint)):
        return f"not one of the allowed values{did_you_mean(node.text, choices)}", allowed
    if kind in _OUT_OF_RANGE:
        return "out of range", allowed
    if kind == "string_too_long":
        return "text too long", f"at most {first['ctx']['max_length']} characters"
    if kind == "value_error":
        what = str(first["ctx"]["error"])
        return what, allowed + _number_help(what, node.text)
    return _MESSAGES.get(kind, "not allowed here"), allowed


def _number_help(what: str, text: str) -> str:
    comma = what == "not a decimal number" and any(mark in text for mark in ",'’ ")
    return ", with a point before the decimals and nothing between the thousands" if comma else ""


def _without_null(hint: Any) -> Any:
    if get_origin(hint) in {Union, UnionType}:
        rest = tuple(arg for arg in get_args(hint) if arg is not NoneType)
        return rest[0] if len(rest) == 1 else hint
    return hint


def _metadata(hint: Any) -> Iterator[Any]:
    hint = _without_null(hint)
    for extra in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if isinstance(extra, FieldInfo):
            yield from extra.metadata
        else:
            yield extra


def _leaf_words(hint: Any) -> str:
    bare = _without_null(hint)
    for extra in _metadata(bare):
        if isinstance(extra, Accepts):
            return extra.words
    choices = choices_of(bare)
    if choices:
        return ", ".join(choices) if len(choices) < 2 else f"one of {', '.join(choices)}"
    if get_origin(bare) in {Union, UnionType}:
        return "a text, a number, true or false"
    base = get_args(bare)[0] if get_origin(bare) is Annotated else bare
    return _TYPES.get(base, "a value") + _range_words(list(_metadata(bare)))


def _range_words(constraints: list[Any]) -> str:
    least = next((each.ge for each in constraints if isinstance(each, Ge)), None)
    most = next((each.le for each in constraints if isinstance(each, Le)), None)
    if least is not None and most is not None:
        return f" from {least} to {most}"
    for each in constraints:
        match each:
            case Ge(ge=bound):
                return f" of at least {bound}"
            case Gt(gt=bound):
                return f" above {bound}"
            case Le(le=bound):
                return f" of at most {bound}"
            case Lt(lt=bound):
                return f" below {bound}"
    return ""
