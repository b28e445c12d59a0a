"""Patterns of document numbers: their fields, and whether two of them may print one number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NUMBER_FIELD: Final = re.compile(
    r"\{(?P<name>year|month|sequence)(?::0?(?P<width>\d{0,2})d?)?\}", re.ASCII
)
"""A field with the digits that it has at least: {sequence}, {sequence:05}."""
_DIGITS: Final = frozenset("0123456789")
_USUAL_DIGITS: Final = {"year": 4, "month": 2, "sequence": 1}


@dataclass(frozen=True, slots=True)
class _Place:
    """What may stand at one place of a number."""

    characters: frozenset[str]
    repeats: bool = False
    """Whether it may stand there any number of times, none included."""


def may_print_alike(one: str, other: str) -> bool:
    """Whether two patterns may give the same number at some time.

    They are compared place by place, as if the fields of each held any digits: what is told apart
    by nothing but the day of the issue counts as alike.
    """
    first, second = _places(one), _places(other)
    seen: set[tuple[int, int]] = set()
    reached = [(0, 0)]
    while reached:
        at = reached.pop()
        if at in seen:
            continue
        seen.add(at)
        if at == (len(first), len(second)):
            return True
        reached += _onward(first, second, *at)
    return False


def _onward(first: list[_Place], second: list[_Place], i: int, j: int) -> list[tuple[int, int]]:
    """Where both may be after one character, or after a place that is left out."""
    one = first[i] if i < len(first) else None
    other = second[j] if j < len(second) else None
    found = []
    if one is not None and one.repeats:
        found.append((i + 1, j))
    if other is not None and other.repeats:
        found.append((i, j + 1))
    if one is not None and other is not None and one.characters & other.characters:
        found.append((i + (not one.repeats), j + (not other.repeats)))
    return found


def _places(pattern: str) -> list[_Place]:
    places, end = [], 0
    for match in NUMBER_FIELD.finditer(pattern):
        places += [_Place(frozenset(each)) for each in pattern[end : match.start()]]
        places += _of_field(match["name"], int(match["width"] or 0))
        end = match.end()
    return places + [_Place(frozenset(each)) for each in pattern[end:]]


def _of_field(name: str, width: int) -> list[_Place]:
    digits = [_Place(_DIGITS)] * max(width, _USUAL_DIGITS[name])
    if name != "sequence":
        return digits
    # Counting starts at 1, so that one without leading zeros never starts with any.
    return [*([_Place(_DIGITS - {"0"})] if len(digits) == 1 else digits), _Place(_DIGITS, True)]
