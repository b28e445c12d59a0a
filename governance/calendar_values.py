"""A calendar as a value: hours by weekday, holidays, days closed or open; and what clocks count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from governance.holiday_dates import holidays_of

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Unit(StrEnum):
    """What a clock counts."""

    CALENDAR_DAYS = "calendar_days"
    BUSINESS_DAYS = "business_days"
    BUSINESS_HOURS = "business_hours"
    HOURS = "hours"

    @property
    def in_days(self) -> bool:
        """Whether it is stated in days of 24 hours, otherwise in hours."""
        return self in {Unit.CALENDAR_DAYS, Unit.BUSINESS_DAYS}

    @property
    def needs_calendar(self) -> bool:
        """Whether it depends on when work is done."""
        return self in {Unit.BUSINESS_DAYS, Unit.BUSINESS_HOURS}


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, its end excluded; both instants have a time zone."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """Opening hours of one day, in minutes after its midnight on the wall."""

    opens: int
    closes: int
    """Up to 48 hours: what is open over midnight belongs to the day on which it opened."""

    @classmethod
    def parse(cls, opens: str, closes: str) -> Opening:
        """From times as a contract writes them, such as 09:00, 24:00 and 30:00."""
        return cls(_minutes(opens), _minutes(closes))

    @property
    def written(self) -> list[str]:
        """As a contract writes it."""
        return [f"{each // 60:02}:{each % 60:02}" for each in (self.opens, self.closes)]


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


@dataclass(frozen=True)
class Calendar:
    """When work is done in one place, or when it is in all or any of several."""

    name: str
    time_zone: str
    hours: tuple[Opening | None, ...] = (None,) * 7
    """By weekday from Monday; None on a day without work."""
    usual: Opening = Opening(9 * 60, 17 * 60)
    """Hours of extra open days whose weekday has none."""
    country: str = ""
    """Whose public holidays are without work; empty for none."""
    subdivision: str = ""
    closed_on: frozenset[date] = frozenset()
    open_on: frozenset[date] = frozenset()
    """Days of work although their weekday or a holiday says otherwise."""
    known_holidays: Mapping[int, frozenset[date]] = field(default_factory=dict, hash=False)
    """Public holidays by year where they were written down; other years follow the package."""
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The calendars that it is made of; empty for one that has hours of its own."""
        return self.all_of or self.any_of

    def holidays(self, year: int) -> frozenset[date]:
        """The public holidays of a year."""
        if not self.country:
            return frozenset()
        known = self.known_holidays.get(year)
        return holidays_of(self.country, self.subdivision, year) if known is None else known

    def opening(self, day: date) -> Opening | None:
        """The opening hours of a day; None where no work is done on it."""
        usual = self.hours[day.weekday()]
        if day in self.open_on:
            return usual or self.usual
        if usual is None or day in self.closed_on or day in self.holidays(day.year):
            return None
        return usual


def calendar_json(calendar: Calendar, years: range) -> dict[str, Any]:
    """A calendar as JSON, with the public holidays of those years as dates."""
    if calendar.parts:
        kind = "all_of" if calendar.all_of else "any_of"
        return {kind: list(calendar.parts), "time_zone": calendar.time_zone}
    hours = zip(WEEKDAYS, calendar.hours, strict=True)
    return {
        "time_zone": calendar.time_zone,
        "hours": {day: each.written for day, each in hours if each is not None},
        "usual": calendar.usual.written,
        "country": calendar.country,
        "subdivision": calendar.subdivision,
        "closed_on": _dates(calendar.closed_on),
        "open_on": _dates(calendar.open_on),
        "holidays": {str(year): _dates(calendar.holidays(year)) for year in years},
    }


def _dates(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in sorted(days)]


def calendar_from(name: str, content: Mapping[str, Any]) -> Calendar:
    """What `calendar_json` wrote down."""
    zone = content["time_zone"]
    if "hours" not in content:
        all_of, any_of = (tuple(content.get(kind, ())) for kind in ("all_of", "any_of"))
        return Calendar(name, zone, all_of=all_of, any_of=any_of)
    hours = {day: Opening.parse(*each) for day, each in content["hours"].items()}
    return Calendar(
        name=name,
        time_zone=zone,
        hours=tuple(hours.get(day) for day in WEEKDAYS),
        usual=Opening.parse(*content["usual"]),
        country=content["country"],
        subdivision=content["subdivision"],
        closed_on=frozenset(map(date.fromisoformat, content["closed_on"])),
        open_on=frozenset(map(date.fromisoformat, content["open_on"])),
        known_holidays={
            int(year): frozenset(map(date.fromisoformat, days))
            for year, days in content["holidays"].items()
        },
    )
