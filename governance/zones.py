"""Time zones as offsets in whole seconds: when the clocks change, and by how much."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400
"""Seconds of a day without a change of clocks."""
_MARGIN = 2 * DAY
"""More than any zone lies off UTC."""

Offsets = tuple[tuple[int, int], ...]
"""Pairs of an instant in epoch seconds and the offset in seconds that holds from there on."""


def local_day(zone: str, at: datetime) -> date:
    """The day that a clock of the zone shows at an instant."""
    return at.astimezone(ZoneInfo(zone)).date()


def seconds_of(day: date) -> int:
    """Midnight of a day on a clock without zone, in seconds since 1970."""
    return (day - EPOCH.date()).days * DAY


def year_bounds(year: int) -> tuple[int, int]:
    """The first second of a year in UTC, and that of the next."""
    return seconds_of(date(year, 1, 1)), seconds_of(date(year + 1, 1, 1))


@lru_cache(maxsize=4096)
def offsets_around(zone: str, year: int) -> Offsets:
    """The offsets of a zone from two days before a year (UTC) to two days after it."""
    info = ZoneInfo(zone)
    low, high = year_bounds(year)
    at, last = low - _MARGIN, high + _MARGIN
    found = [(at, _offset(info, at))]
    while at < last:
        following = min(at + DAY, last)
        if _offset(info, following) != found[-1][1]:
            following = _change(info, at, following)
            found.append((following, _offset(info, following)))
        at = following
    return tuple(found)


def _offset(info: ZoneInfo, at: int) -> int:
    offset = (EPOCH + timedelta(seconds=at)).astimezone(info).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _change(info: ZoneInfo, before: int, after: int) -> int:
    """The first second with another offset than `before`."""
    offset = _offset(info, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(info, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def first_instant(zone: str, local: int, year: int) -> int:
    """The first instant at which the zone's clocks show `local` or later, in epoch seconds.

    `local` is seconds since 1970 on the wall, and `year` the year that it lies in. A time that
    the clocks leave out is the moment at which they are put forward; one that they show twice
    is the first of the two.
    """
    offsets = offsets_around(zone, year)
    for number, (begins, offset) in enumerate(offsets):
        reached = max(begins, local - offset)
        if number + 1 == len(offsets) or reached < offsets[number + 1][0]:
            return reached
    raise AssertionError("a zone always has an offset")
