"""Calendars and clocks: the one service for everything that counts business time.

A calendar says on which days and at which hours work is done, in its time zone. Time is counted
in one of four units:

- `hours`: real elapsed time;
- `business_hours`: real elapsed time within opening hours;
- `calendar_days`: the time that the clocks on the wall went, in days of 24 hours, so that from
  10:00 to 10:00 the next day is one day also when the clocks change in between. An hour that is
  left out counts, an hour that is shown twice counts once;
- `business_days`: the same, where days on which no work is done take no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, reduce
from types import MappingProxyType
from typing import Any

from governance.calendar_values import (
    WEEKDAYS,
    Calendar,
    Opening,
    Span,
    Unit,
    calendar_from,
    calendar_json,
)
from governance.contract.engagement import BusinessHours, CalendarTerms, Engagement
from governance.errors import BadInput, Problem
from governance.holiday_dates import source
from governance.timelines import (
    FIRST_YEAR,
    LAST_YEAR,
    Intervals,
    Timeline,
    common,
    merged,
    real_time,
    wall_clock,
    without,
)
from governance.values import Period
from governance.zones import EPOCH, first_instant, seconds_of

__all__ = ["BUSINESS_HOURS", "Calendar", "Calendars", "Opening", "Span", "Unit", "calendars_of"]

BUSINESS_HOURS = "business_hours"
"""Name of the contract's own calendar, which clocks take by default."""
_DAY = timedelta(days=1)
_NEVER = LAST_YEAR + 1


@dataclass(frozen=True)
class Calendars:
    """The calendars of an engagement. Frozen: what is counted once is counted the same again."""

    time_zone: str = "UTC"
    """Of the engagement: calendar days begin and end by it."""
    by_name: Mapping[str, Calendar] = field(default_factory=dict)
    closed: tuple[Span, ...] = ()
    """Spans in which no clock runs."""

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    @cached_property
    def _timelines(self) -> dict[tuple[Unit, str], Timeline]:
        return {}

    @cached_property
    def _closed(self) -> Intervals:
        return merged([(_second(each.starts_at), _second(each.ends_at)) for each in self.closed])

    def get(self, name: str) -> Calendar:
        """The calendar called `name`; BadInput naming those there are where there is none."""
        if name in self.by_name:
            return self.by_name[name]
        raise BadInput.one(
            Problem(
                f"there is no calendar '{name}' to count business time by",
                column="parameters.calendar",
                allowed=", ".join(self.by_name) or "a contract that has engagement.business_hours",
            )
        )

    def timeline(self, unit: Unit, calendar: str = BUSINESS_HOURS) -> Timeline:
        """How time runs in a unit; raises BadInput where it needs a calendar that isn't there."""
        key = (unit, calendar if unit.needs_calendar else "")
        if key not in self._timelines:
            self._timelines[key] = self._timeline(unit, calendar)
        return self._timelines[key]

    def _timeline(self, unit: Unit, name: str) -> Timeline:
        if not unit.needs_calendar:
            base = real_time if unit is Unit.HOURS else wall_clock(self.time_zone)
            return Timeline(base, lambda low, high: without([(low, high)], self._closed))
        calendar = self.get(name)
        whole_days = unit is Unit.BUSINESS_DAYS

        def opened(low: int, high: int) -> Intervals:
            intervals = self._opened(calendar, low, high, whole_days=whole_days)
            return without(common(intervals, [(low, high)]), self._closed)

        return Timeline(wall_clock(calendar.time_zone) if whole_days else real_time, opened)

    def _opened(self, calendar: Calendar, low: int, high: int, *, whole_days: bool) -> Intervals:
        """When a calendar is open, or its days of work are on, at least from `low` to `high`."""
        parts = [
            self._opened(self.get(name), low, high, whole_days=whole_days)
            for name in calendar.parts
        ]
        if calendar.all_of:
            return reduce(common, parts)
        if calendar.any_of:
            return merged([interval for part in parts for interval in part])
        return merged(list(_intervals(calendar, low, high, whole_days=whole_days)))

    def between(
        self, start: datetime, end: datetime, unit: Unit, calendar: str = BUSINESS_HOURS
    ) -> timedelta:
        """Time that a clock counts from one instant to another; negative where `end` is first."""
        return self.timeline(unit, calendar).between(start, end)

    def after(
        self, start: datetime, amount: timedelta, unit: Unit, calendar: str = BUSINESS_HOURS
    ) -> datetime:
        """The earliest instant (UTC) at which a clock started at `start` has counted `amount`.

        Raises BadInput where that never comes.
        """
        return self.timeline(unit, calendar).after(start, amount)

    def is_open(self, at: datetime, calendar: str = BUSINESS_HOURS) -> bool:
        """Whether work is done at an instant."""
        line = self.timeline(Unit.BUSINESS_HOURS, calendar)
        # Opening hours begin and end on whole seconds, so the next microsecond tells.
        return line.between(at, at + timedelta(microseconds=1)) > timedelta(0)

    def working(self, day: date, calendar: str = BUSINESS_HOURS) -> bool:
        """Whether work is done on a day: in all or any of its parts for one made of several."""
        found = self.get(calendar)
        if found.all_of:
            return all(self.working(day, name) for name in found.all_of)
        if found.any_of:
            return any(self.working(day, name) for name in found.any_of)
        return found.opening(day) is not None

    def working_days(self, after: date, until: date, calendar: str = BUSINESS_HOURS) -> int:
        """Number of working days after one day up to and including another.

        Negative where `until` comes first, so that sums over any split agree.
        """
        if until < after:
            return -self.working_days(until, after, calendar)
        if until.year == after.year:
            return sum(self.working(day, calendar) for day in _days(after + _DAY, until))
        years = range(after.year + 1, until.year)
        ends, begins = date(after.year, 12, 31), date(until.year - 1, 12, 31)
        first = self.working_days(after, ends, calendar)
        whole = sum(self._working_in(year, calendar) for year in years)
        return first + whole + self._working_from(begins, until, calendar)

    def _working_from(self, after: date, until: date, calendar: str) -> int:
        return sum(self.working(day, calendar) for day in _days(after + _DAY, until))

    def _working_in(self, year: int, calendar: str) -> int:
        key = (calendar, year)
        if key not in self._year_counts:
            days = _days(date(year, 1, 1), date(year, 12, 31))
            self._year_counts[key] = sum(self.working(day, calendar) for day in days)
        return self._year_counts[key]

    @cached_property
    def _year_counts(self) -> dict[tuple[str, int], int]:
        return {}

    def add_working_days(self, day: date, days: int, calendar: str = BUSINESS_HOURS) -> date:
        """The day by which so many working days have passed after `day`; 0 is `day` itself.

        Raises BadInput where that never comes, or the number is negative.
        """
        if days < 0:
            raise BadInput.one(Problem("a negative number of days can't be added", found=str(days)))
        while days:
            day += _DAY
            if day.year >= _NEVER:
                raise BadInput.one(Problem(f"calendar '{calendar}' has no further working days"))
            days -= self.working(day, calendar)
        return day

    def closed_in(self, spans: Iterable[Span]) -> Calendars:
        """The same calendars with spans of time in which no clock runs."""
        return replace(self, closed=(*self.closed, *spans))

    def first_instant(self, day: date) -> datetime:
        """When a day begins in the engagement's zone, in UTC."""
        at = first_instant(self.time_zone, seconds_of(day), day.year)
        return EPOCH + timedelta(seconds=at)

    def frozen(self, span: Period) -> dict[str, Any]:
        """What was used, as JSON: holidays are written down as dates for the years of a span."""
        years = range(max(span.start.year, FIRST_YEAR), min(span.end.year, LAST_YEAR) + 1)
        return {
            "time_zone": self.time_zone,
            "holidays_from": source(),
            "calendars": {name: calendar_json(each, years) for name, each in self.by_name.items()},
            "closed": [
                [each.astimezone(UTC).isoformat() for each in (span.starts_at, span.ends_at)]
                for span in self.closed
            ],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Calendars:
        """What `frozen` wrote down; in its years the holidays are those of then."""
        return cls(
            content["time_zone"],
            MappingProxyType(
                {name: calendar_from(name, each) for name, each in content["calendars"].items()}
            ),
            tuple(Span(*map(datetime.fromisoformat, each)) for each in content.get("closed", ())),
        )


def calendars_of(engagement: Engagement) -> Calendars:
    """The calendars that a contract defines, by name; its `business_hours` is one of them."""
    terms: dict[str, BusinessHours | CalendarTerms] = dict(engagement.calendars)
    if engagement.business_hours is not None:
        terms = {BUSINESS_HOURS: engagement.business_hours, **terms}
    zone = engagement.time_zone
    return Calendars(
        zone, MappingProxyType({name: _calendar(name, each, zone) for name, each in terms.items()})
    )


def _calendar(name: str, terms: BusinessHours | CalendarTerms, zone: str) -> Calendar:
    if isinstance(terms, CalendarTerms) and (terms.all_of or terms.any_of):
        return Calendar(name, zone, all_of=terms.all_of, any_of=terms.any_of)
    usual = Opening.parse(terms.opens, terms.closes)
    own = {day: Opening.parse(each.opens, each.closes) for day, each in terms.hours.items()}
    return Calendar(
        name=name,
        time_zone=terms.time_zone or zone,
        hours=tuple(own.get(day, usual) if day in terms.days else None for day in WEEKDAYS),
        usual=usual,
        country=terms.country or "",
        subdivision=terms.subdivision or "",
        closed_on=frozenset(terms.closed_on),
        open_on=frozenset(terms.open_on),
    )


def _intervals(
    calendar: Calendar, low: int, high: int, *, whole_days: bool
) -> Iterator[tuple[int, int]]:
    zone = calendar.time_zone
    # An opening may reach two days on, and a zone lies up to a day off UTC.
    day, last = ((EPOCH + timedelta(seconds=each)).date() for each in (low, high))
    day -= 3 * _DAY
    while day <= last + _DAY:
        opening = calendar.opening(day)
        if opening is not None:
            midnight, year = seconds_of(day), day.year
            if whole_days:
                opening = Opening(0, 24 * 60)
            yield (
                first_instant(zone, midnight + opening.opens * 60, year),
                first_instant(zone, midnight + opening.closes * 60, year),
            )
        day += _DAY


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=each) for each in range((last - first).days + 1))


def _second(at: datetime) -> int:
    return int((at - EPOCH) // timedelta(seconds=1))
