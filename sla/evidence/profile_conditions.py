"""Conditions of an import profile as SQL, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sla.evidence.profile_parts import Condition
from sla.evidence.sql import listed, literal

_SIGNS = {"less_than": "<", "greater_than": ">", "at_least": ">=", "at_most": "<="}
_WORDS = {
    "less_than": "is less than",
    "greater_than": "is greater than",
    "at_least": "is at least",
    "at_most": "is at most",
}


class Texts(Protocol):
    """What a source's columns hold, as SQL."""

    def text(self, column: str) -> str:
        """The column as trimmed text, NULL where it is empty."""

    def number(self, column: str) -> str:
        """The column as a decimal, NULL where it is none."""


def condition_sql(condition: Condition, texts: Texts) -> str:
    """SQL that is true for the rows meant; false or NULL for the others."""
    if condition.all is not None:
        return _joined(" AND ", condition.all, texts)
    if condition.any is not None:
        return _joined(" OR ", condition.any, texts)
    if condition.not_ is not None:
        return f"(NOT coalesce({condition_sql(condition.not_, texts)}, false))"
    return " AND ".join(_asked(condition, str(condition.column), texts))


def _joined(word: str, conditions: tuple[Condition, ...], texts: Texts) -> str:
    parts = [f"coalesce({condition_sql(each, texts)}, false)" for each in conditions]
    return f"({word.join(parts)})"


def _asked(condition: Condition, column: str, texts: Texts) -> Iterator[str]:
    fold = str.lower if condition.ignore_case else str
    text = texts.text(column)
    text = f"lower({text})" if condition.ignore_case else text
    if condition.equals is not None:
        yield f"{text} = {literal(fold(condition.equals))}"
    elif condition.one_of is not None:
        yield f"{text} IN ({listed(map(fold, condition.one_of))})"
    elif condition.starts_with is not None:
        yield f"starts_with({text}, {literal(fold(condition.starts_with))})"
    bounds = [(name, getattr(condition, name)) for name in _SIGNS]
    stated = [(name, bound) for name, bound in bounds if bound is not None]
    for name, bound in stated:
        yield f"{texts.number(column)} {_SIGNS[name]} {bound:f}"
    if not stated and not any(test is not None for test in condition.tests.values()):
        yield f"{text} IS NOT NULL"


def condition_words(condition: Condition) -> str:
    """Which rows are meant, as "rows whose State is open"."""
    if condition.column is not None and not _tested(condition):
        return f"rows with a {condition.column}"
    return f"rows whose {_words(condition)}"


def _tested(condition: Condition) -> bool:
    return any(test is not None for test in condition.tests.values())


def _words(condition: Condition) -> str:
    if condition.all is not None:
        return " and ".join(map(_words, condition.all))
    if condition.any is not None:
        return " or ".join(map(_words, condition.any))
    if condition.not_ is not None:
        inner = condition.not_
        if inner.column is not None and not _tested(inner):
            return f"{inner.column} is empty"
        return f"not {_words(inner)}"
    return f"{condition.column} {_test_words(condition)}"


def _test_words(condition: Condition) -> str:
    if condition.equals is not None:
        return f"is {condition.equals}"
    if condition.one_of is not None:
        return f"is one of {', '.join(condition.one_of)}"
    if condition.starts_with is not None:
        return f"starts with {condition.starts_with}"
    bounds = [
        f"{words} {getattr(condition, name):f}"
        for name, words in _WORDS.items()
        if getattr(condition, name) is not None
    ]
    return " and ".join(bounds) if bounds else "is filled"
