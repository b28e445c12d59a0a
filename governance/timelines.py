"""How much time of a kind has run up to an instant: cumulative tables by year, and bisection.

Everything here counts in seconds since 1970 in UTC, and a timeline's sum in seconds since 2000,
so that differences of two sums are the time between two instants.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from governance.errors import BadInput, Problem
from governance.zones import DAY, EPOCH, offsets_around, year_bounds

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""No clock runs before or after these years: such dates stand for "never" in ledgers."""
_ZERO_YEAR = 2000
_MICRO = 1_000_000

Interval = tuple[int, int]
"""From an instant up to, but not including, a later one."""
Intervals = list[Interval]


def merged(intervals: Sequence[Interval]) -> Intervals:
    """The union of intervals, in order and disjoint; those that touch become one."""
    union: Intervals = []
    for begins, ends in sorted(each for each in intervals if each[0] < each[1]):
        if union and begins <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], ends))
        else:
            union.append((begins, ends))
    return union


def common(first: Intervals, second: Intervals) -> Intervals:
    """The intersection of two lists of disjoint intervals in order."""
    shared: Intervals = []
    one = two = 0
    while one < len(first) and two < len(second):
        begins = max(first[one][0], second[two][0])
        ends = min(first[one][1], second[two][1])
        if begins < ends:
            shared.append((begins, ends))
        if first[one][1] <= second[two][1]:
            one += 1
        else:
            two += 1
    return shared


def without(intervals: Intervals, closed: Intervals) -> Intervals:
    """What is left of disjoint intervals in order when others are taken out."""
    if not intervals:
        return []
    edges = [intervals[0][0], *(edge for span in closed for edge in span), intervals[-1][1]]
    between = [(edges[i], edges[i + 1]) for i in range(0, len(edges), 2) if edges[i] < edges[i + 1]]
    return common(intervals, between)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch on which a base clock goes at one pace."""

    begins: int
    running: bool
    jump: int = 0
    """Seconds that the clock leaps ahead at its beginning."""


def real_time(low: int, _high: int) -> list[Piece]:
    """A clock that always runs."""
    return [Piece(low, running=True)]


def wall_clock(zone: str) -> Callable[[int, int], list[Piece]]:
    """The clock on the wall: it leaps over an hour left out, and shows no hour twice.

    While the zone's clocks repeat an hour this one stands still, so that it never goes back and
    every day from midnight to midnight has 24 hours.
    """

    def pieces(low: int, _high: int) -> list[Piece]:
        year = (EPOCH + timedelta(seconds=low)).year
        shown, found = None, []
        offsets = offsets_around(zone, year)
        for number, (begins, offset) in enumerate(offsets):
            ends = offsets[number + 1][0] if number + 1 < len(offsets) else None
            shown = begins + offset if shown is None else shown
            jump = max(begins + offset - shown, 0)
            resumes = max(begins, shown - offset)
            if resumes > begins:
                found.append(Piece(begins, running=False))
            if ends is None or resumes < ends:
                found.append(Piece(resumes, running=True, jump=jump))
            if ends is not None:
                shown = max(shown, ends + offset)
        return _from(found, low)

    return pieces


def _from(pieces: list[Piece], low: int) -> list[Piece]:
    """The pieces from an instant on; what happened before it counts no more."""
    held = [each for each in pieces if each.begins <= low]
    rest = [each for each in pieces if each.begins > low]
    if held and held[-1].begins == low:
        return [held[-1], *rest]
    return [Piece(low, held[-1].running if held else True), *rest]


@dataclass(frozen=True, slots=True)
class _Year:
    """The table of one year: from each start, whether time runs, and how much had run."""

    starts: list[int]
    running: list[bool]
    before: list[int]
    total: int


@dataclass(frozen=True)
class Timeline:
    """Time that runs while it is open, as a base clock counts it."""

    pieces: Callable[[int, int], list[Piece]]
    """The base clock's pieces within a year."""
    opened: Callable[[int, int], Intervals]
    """When time runs within a year."""
    _years: dict[int, _Year] = field(default_factory=dict, compare=False, repr=False)
    _openings: dict[int, int] = field(
        default_factory=lambda: {_ZERO_YEAR: 0}, compare=False, repr=False
    )

    def run_until(self, at: datetime) -> int:
        """Microseconds that had run up to an instant, since 2000; negative before."""
        micros = _clipped(at)
        second, rest = divmod(micros, _MICRO)
        year = self._year_of(second)
        table = self._table(year)
        place = bisect_right(table.starts, second) - 1
        count = (self._opening(year) + table.before[place]) * _MICRO
        return count + ((second - table.starts[place]) * _MICRO + rest) * table.running[place]

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Time that runs from one instant to another; negative where the end comes first."""
        return timedelta(microseconds=self.run_until(end) - self.run_until(start))

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest instant from `start` on at which `amount` has run, in UTC.

        Raises BadInput where that never comes, or the amount is negative.
        """
        if amount < timedelta(0):
            raise BadInput.one(Problem("a negative time can't be added", found=str(amount)))
        if not amount:
            return start.astimezone(UTC)
        goal = self.run_until(start) + amount // timedelta(microseconds=1)
        year = self._year_of(_clipped(start) // _MICRO)
        while self._opening(year + 1) * _MICRO < goal:
            year += 1
            if year > LAST_YEAR:
                what = f"business time of {amount} never passes after {start.isoformat()}"
                raise BadInput.one(Problem(what, allowed="a calendar that is open at times"))
        return EPOCH + timedelta(microseconds=self._reached(year, goal))

    def _reached(self, year: int, goal: int) -> int:
        """The first microsecond of a year at which the sum is `goal`."""
        table = self._table(year)
        wanted = goal - self._opening(year) * _MICRO
        place = bisect_left(table.before, -(-wanted // _MICRO))
        ends = table.starts[place] * _MICRO if place < len(table.starts) else None
        if place == 0:
            return table.starts[0] * _MICRO
        begins = table.starts[place - 1] * _MICRO
        at = begins + wanted - table.before[place - 1] * _MICRO
        if table.running[place - 1] and (ends is None or at <= ends):
            return at
        return ends if ends is not None else year_bounds(year)[1] * _MICRO

    def rows(
        self, first: datetime, last: datetime
    ) -> Iterator[tuple[datetime, datetime, bool, int]]:
        """Rows that partition the time from `first` to `last`, split at midnight UTC.

        Each: begins, ends (excluded), whether time runs, seconds that had run before it. Both
        bounds are midnights in UTC; what lies outside the years that clocks run in is left out.
        """
        low, high = (_clipped(each) // _MICRO for each in (first, last))
        for year in range(self._year_of(low), self._year_of(high - 1) + 1):
            table, opening = self._table(year), self._opening(year)
            ends = [*table.starts[1:], year_bounds(year)[1]]
            for number, begins in enumerate(table.starts):
                runs, before = table.running[number], opening + table.before[number]
                at = max(begins, low)
                while at < min(ends[number], high):
                    until = min(ends[number], at - at % DAY + DAY, high)
                    yield _utc(at), _utc(until), runs, before + (at - begins) * runs
                    at = until

    def _year_of(self, second: int) -> int:
        return (EPOCH + timedelta(seconds=second)).year

    def _opening(self, year: int) -> int:
        """Seconds that had run when the year began."""
        year = min(max(year, FIRST_YEAR), LAST_YEAR + 1)
        if year not in self._openings:
            if year > _ZERO_YEAR:
                for each in range(max(self._openings), year):
                    self._openings[each + 1] = self._openings[each] + self._table(each).total
            else:
                for each in range(min(self._openings), year, -1):
                    self._openings[each - 1] = self._openings[each] - self._table(each - 1).total
        return self._openings[year]

    def _table(self, year: int) -> _Year:
        if year not in self._years:
            low, high = year_bounds(year)
            self._years[year] = _table(self.pieces(low, high), self.opened(low, high), low, high)
        return self._years[year]


def _table(pieces: list[Piece], opened: Intervals, low: int, high: int) -> _Year:
    """Lay a base clock over the intervals in which time runs."""
    base = {each.begins: each for each in pieces if low <= each.begins < high}
    edges = sorted({low, *base, *(edge for span in opened for edge in span if low <= edge < high)})
    starts: list[int] = []
    running: list[bool] = []
    before: list[int] = []
    count, number, piece = 0, 0, pieces[0]
    for at, following in zip(edges, [*edges[1:], high], strict=True):
        piece = base.get(at, piece)
        while number < len(opened) and opened[number][1] <= at:
            number += 1
        is_open = number < len(opened) and opened[number][0] <= at
        count += piece.jump if is_open and at in base else 0
        runs = is_open and piece.running
        starts.append(at)
        running.append(runs)
        before.append(count)
        count += (following - at) * runs
    return _Year(starts, running, before, count)


def _clipped(at: datetime) -> int:
    """Microseconds since 1970, within the years in which clocks run."""
    low, high = year_bounds(FIRST_YEAR)[0] * _MICRO, year_bounds(LAST_YEAR)[1] * _MICRO - 1
    return min(max((at - EPOCH) // timedelta(microseconds=1), low), high)


def _utc(second: int) -> datetime:
    return (EPOCH + timedelta(seconds=second)).replace(tzinfo=None)
