"""Where the credit jumps: a falling line of values cut into stretches that are even or constant.

A better result never earns a larger credit, so two values with the same credit have it between
them too, and halving finds every bound without looking at each value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from billing.simulation.values import Stretch

_MOST_LOOKS: Final = 400
"""How often the credit is computed at most; what isn't told apart then counts as even."""
_LEAST_SLOPE: Final = 8
"""Values that an even change goes over at least: fewer may be steps."""
_PARTS: Final = (Decimal("0.15"), Decimal("0.4"), Decimal("0.5"), Decimal("0.65"), Decimal("0.9"))


def stretches(
    net: Callable[[Decimal], Decimal],
    best: Decimal,
    worst: Decimal,
    grain: Decimal,
    cent: Decimal,
) -> tuple[Stretch, ...]:
    """From the best to the worst value, as far as each goes.

    `net` is the month's credit at a value; `grain` the smallest difference of values, `cent` that
    of money.
    """
    away = grain if worst > best else -grain
    last = int(abs(worst - best) / grain)
    line = _Line(lambda at: net(best + away * at), cent)
    found, parts = list(line.cut(0, last)), 0
    while len(found) != parts:
        parts, found = len(found), list(_merged(found, line))
    return tuple(
        Stretch(best + away * first, best + away * end, line.at(first), line.at(end))
        for first, end in found
    )


@dataclass(slots=True)
class _Line:
    of: Callable[[int], Decimal]
    cent: Decimal
    seen: dict[int, Decimal] = field(default_factory=dict)

    def at(self, position: int) -> Decimal:
        if position not in self.seen:
            self.seen[position] = self.of(position)
        return self.seen[position]

    def cut(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Stretches that are constant or even, in order; neighbours may belong together."""
        if self.is_constant(first, end) or self.is_even(first, end):
            yield first, end
        elif end - first == 1:
            yield first, first
            yield end, end
        else:
            middle = (first + end) // 2
            yield from self.cut(first, middle)
            yield from self.cut(middle + 1, end)

    def is_constant(self, first: int, end: int) -> bool:
        return self.at(first) == self.at(end)

    def is_even(self, first: int, end: int) -> bool:
        """Whether the credit changes by the same from value to value, but for rounding."""
        if len(self.seen) >= _MOST_LOOKS:
            return True
        length = end - first
        if length < _LEAST_SLOPE:
            return False
        start, slope = self.at(first), (self.at(end) - self.at(first)) / length
        inner = [first + 1, end - 1, *(first + int(length * part) for part in _PARTS)]
        return all(
            abs(self.at(each) - start - slope * (each - first)) <= 2 * self.cent for each in inner
        )


def _merged(parts: list[tuple[int, int]], line: _Line) -> Iterator[tuple[int, int]]:
    """Neighbours as one where they are constant or even together."""
    first, end = parts[0]
    for following, last in parts[1:]:
        if _together(line, (first, end), (following, last)):
            end = last
        else:
            yield first, end
            first, end = following, last
    yield first, end


def _together(line: _Line, one: tuple[int, int], other: tuple[int, int]) -> bool:
    (first, end), (following, last) = one, other
    if line.is_constant(first, last):
        return True
    # A constant stretch and a rising one meet in a bend, which is what people look for.
    if end > first and line.is_constant(first, end):
        return False
    if last > following and line.is_constant(following, last):
        return False
    return line.is_even(first, last)
