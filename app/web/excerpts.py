"""The lines of a document around its problems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from governance.errors import Problem

_CONTEXT = 3
_WHOLE = 30
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line as shown; number 0 stands for lines that are left out."""

    number: int
    text: str
    problems: tuple[Problem, ...] = ()


def excerpt(data: bytes, problems: Sequence[Problem]) -> tuple[Line, ...]:
    """The document's lines with their problems: all of a short one, else those near a problem.

    Bytes that aren't UTF-8 are shown as replacement characters.
    """
    lines = data.decode("utf-8", "replace").splitlines()
    shown = range(1, len(lines) + 1) if len(lines) <= _WHOLE else _near(problems, len(lines))
    found: list[Line] = []
    for number in shown:
        if number - (found[-1].number if found else 0) > 1:
            found.append(Line(0, "…"))
        here = tuple(problem for problem in problems if problem.line == number)
        found.append(Line(number, lines[number - 1][:_LONGEST_LINE], here))
    return tuple(found)


def _near(problems: Iterable[Problem], count: int) -> list[int]:
    lines = [problem.line for problem in problems if problem.line is not None]
    near = {line + step for line in lines for step in range(-_CONTEXT, _CONTEXT + 1)}
    return sorted(number for number in near if 1 <= number <= count)
