"""The table `business_time`: for each UTC day, when a clock runs and how much it had run.

Rows partition time for each calendar and unit. A query that names the table finds in it what its
parameters ask for: the calendar (`calendar`) and the unit (`time`, or else `clock`). It is built
only then, since most KPIs need none of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from governance.calendars import BUSINESS_HOURS, Calendars, Unit
from governance.errors import BadInput, Problem
from governance.zones import EPOCH
from sla.evidence.instants import Span

TABLE = "business_time"
COLUMNS: Mapping[str, str] = {
    "calendar": "VARCHAR",
    "unit": "VARCHAR",
    "day": "DATE",
    "starts_at": "TIMESTAMP",
    "ends_at": "TIMESTAMP",
    "running": "BOOLEAN",
    "seconds_before": "BIGINT",
}
"""In their order; `day` is that of `starts_at` in UTC, `ends_at` is excluded."""
PERIOD_BEFORE, PERIOD_LAST = "period_before_utc", "period_last_utc"
"""Parameters that a query may name: the last microsecond before the period, and of it."""
Row = tuple[str, str, date, datetime, datetime, bool, int]
_NAMED = re.compile(rf"\b{TABLE}\b")
_UNITS = frozenset(Unit)
_MARGIN = timedelta(days=2)
"""Local times and instants lie less apart."""
_LATEST = timedelta(days=1200)
"""What ends later than this after the days asked for has not ended as far as they go; such dates
often stand for "never"."""
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class BusinessTime:
    """What a ledger knows of calendars, and what of it is in its table already."""

    calendars: Calendars = field(default_factory=Calendars)
    span: Span | None = None
    """Local times that the evidence holds."""
    _built: dict[tuple[str, str], tuple[date, date]] = field(default_factory=dict, compare=False)
    """The days of each calendar and unit that the table has."""

    def prepare(
        self, query: str, bound: Mapping[str, Any], put: Callable[[Sequence[Row]], None]
    ) -> Mapping[str, Any]:
        """Have the rows that a query needs in the table; returns its parameters, completed.

        `put` makes rows the whole table. Raises BadInput where a clock needs a calendar that
        isn't there.
        """
        if _NAMED.search(query):
            self._fill(bound, put)
        start, end = bound.get("period_start"), bound.get("period_end")
        if not isinstance(start, date) or not isinstance(end, date):
            return bound
        after = _moved(end, timedelta(days=1))
        edges = {PERIOD_BEFORE: self._before(start), PERIOD_LAST: self._before(after)}
        return {**bound, **edges}

    def _before(self, day: date) -> datetime:
        """The last microsecond before a day begins in the engagement's zone, in UTC."""
        return (self.calendars.first_instant(day) - _MOMENT).replace(tzinfo=None)

    def _fill(self, bound: Mapping[str, Any], put: Callable[[Sequence[Row]], None]) -> None:
        calendar = str(bound.get("calendar", BUSINESS_HOURS))
        unit = next((bound[name] for name in ("time", "clock") if bound.get(name) in _UNITS), None)
        if unit is None:
            what = "the query counts business time, but no parameter says in which unit"
            raise BadInput.one(Problem(what, column="parameters.clock", allowed=", ".join(Unit)))
        self.calendars.timeline(Unit(unit), calendar)
        first, last = self._days(bound)
        built = self._built.get((calendar, unit))
        if built is not None and built[0] <= first and last <= built[1]:
            return
        low, high = built or (first, last)
        self._built[calendar, unit] = min(first, low), max(last, high)
        put([row for key, days in self._built.items() for row in self.rows(*key, *days)])

    def _days(self, bound: Mapping[str, Any]) -> tuple[date, date]:
        """The days of the evidence and of what the query asks for."""
        asked = [each for each in bound.values() if type(each) is date]
        held = [each.date() for each in self.span or ()]
        days = [*asked, *held] or [EPOCH.date()]
        last = max(days)
        if asked:
            last = min(last, _moved(max(asked), _LATEST))
        return _moved(min(days), -_MARGIN), _moved(last, _MARGIN)

    def rows(self, calendar: str, unit: str, first: date, last: date) -> Iterator[Row]:
        """The rows of one calendar and unit, from one day to another (UTC, included)."""
        line = self.calendars.timeline(Unit(unit), calendar)
        begins, ends = (datetime.combine(each, time(), UTC) for each in (first, last))
        for starts_at, ends_at, running, before in line.rows(begins, ends + timedelta(days=1)):
            yield calendar, unit, starts_at.date(), starts_at, ends_at, running, before


def _moved(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return day
