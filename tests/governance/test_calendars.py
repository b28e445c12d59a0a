"""Calendars: counting and adding business time over weekends, holidays and changes of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.calendars import BUSINESS_HOURS, Calendars, Span, Unit, calendars_of
from governance.contract.engagement import Engagement
from governance.errors import BadInput
from governance.values import Period

ALWAYS = {
    "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "opens": "00:00",
    "closes": "24:00",
}


def calendars(zone: str = "Europe/Berlin", **terms: Any) -> Calendars:
    """Calendars of an engagement with these terms of time."""
    party = {"name": "A", "country": "DE"}
    frame = {"reference": "E", "title": "E", "model": "full", "client": party, "provider": party}
    return calendars_of(
        Engagement.model_validate(
            {**frame, "currency": "EUR", "starts": "2020-01-01", "time_zone": zone, **terms}
        )
    )


OFFICE = calendars(
    business_hours={"country": "DE", "subdivision": "HH"},
    calendars={
        "munich": {"country": "DE", "subdivision": "BY"},
        "manila": {"time_zone": "Asia/Manila", "country": "PH", "opens": "08:00"},
        "lord_howe": {"time_zone": "Australia/Lord_Howe", **ALWAYS},
        "always": ALWAYS,
        "night": {"opens": "22:00", "closes": "30:00", "closed_on": ["2026-03-25"]},
        "short_friday": {"hours": {"fri": {"opens": "09:00", "closes": "15:00"}}},
        "saturday": {"country": "DE", "open_on": ["2026-01-03", "2026-01-01"]},
        "both": {"all_of": [BUSINESS_HOURS, "manila"]},
        "either": {"any_of": [BUSINESS_HOURS, "manila"]},
        "nested": {"any_of": ["both", "munich"]},
    },
)
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """An instant from local time; the first of two that the clocks show."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def hours(amount: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=amount)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "counted"),
    [
        # Friday to Monday.
        (BUSINESS_HOURS, "2026-01-16 16:00", "2026-01-19 10:00", 2),
        # Good Friday and Easter Monday lie in between.
        (BUSINESS_HOURS, "2026-04-02 16:00", "2026-04-07 10:00", 2),
        # Epiphany is a holiday in Bavaria alone.
        (BUSINESS_HOURS, "2026-01-05 09:00", "2026-01-07 09:00", 16),
        ("munich", "2026-01-05 09:00", "2026-01-07 09:00", 8),
        ("always", "2026-03-29 00:00", "2026-03-30 00:00", 23),
        ("always", "2026-10-25 00:00", "2026-10-26 00:00", 25),
        # From 22:00 on Wednesday, which is closed, to 06:00 on Friday: only Thursday's night.
        ("night", "2026-03-25 12:00", "2026-03-27 12:00", 8),
        # Friday's night runs into Saturday, the change of the clocks is a night later.
        ("night", "2026-03-27 12:00", "2026-03-30 00:00", 8),
        ("short_friday", "2026-01-16 00:00", "2026-01-17 00:00", 6),
        ("short_friday", "2026-01-15 00:00", "2026-01-16 00:00", 8),
        # A Saturday and New Year's Day, both opened.
        ("saturday", "2026-01-01 00:00", "2026-01-04 00:00", 24),
        ("both", "2026-01-12 00:00", "2026-01-13 00:00", 1),
        ("either", "2026-01-12 00:00", "2026-01-13 00:00", 16),
        ("both", "2026-07-13 00:00", "2026-07-14 00:00", 2),
    ],
)
def test_business_hours(calendar: str, start: str, end: str, counted: float) -> None:
    found = OFFICE.between(at(start), at(end), Unit.BUSINESS_HOURS, calendar)
    assert found == hours(counted)


@pytest.mark.parametrize("unit", [Unit.CALENDAR_DAYS, Unit.BUSINESS_DAYS])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-14"])
def test_every_day_has_24_hours_on_the_wall(unit: Unit, day: str) -> None:
    start = date.fromisoformat(day)
    ends = [OFFICE.first_instant(each) for each in (start, start + timedelta(days=1))]
    assert OFFICE.between(ends[0], ends[1], unit, "always") == hours(24)


def test_the_hour_shown_twice_counts_once_on_the_wall() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = first + hours(1)
    assert OFFICE.between(first, second, Unit.CALENDAR_DAYS) == hours(0.5)
    assert OFFICE.between(first, second, Unit.HOURS) == hours(1)
    assert OFFICE.after(first, hours(0.75), Unit.CALENDAR_DAYS) == first + hours(1.75)


def test_the_hour_left_out_counts_on_the_wall() -> None:
    before = at("2026-03-29 01:30")
    assert OFFICE.between(before, at("2026-03-29 03:30"), Unit.CALENDAR_DAYS) == hours(2)
    # Within the hour left out the sum jumps, at the instant of the change.
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert OFFICE.after(before, hours(1), Unit.CALENDAR_DAYS) == change


def test_half_hour_changes() -> None:
    """Lord Howe puts its clocks half an hour forward on 2026-10-04 and back on 2026-04-05."""
    zone = ZoneInfo("Australia/Lord_Howe")
    for day, length in (("2026-04-05", 24.5), ("2026-10-04", 23.5)):
        start = at(f"{day} 00:00", zone)
        end = at(f"{date.fromisoformat(day) + timedelta(days=1)} 00:00", zone)
        assert OFFICE.between(start, end, Unit.BUSINESS_HOURS, "lord_howe") == hours(length)
        assert OFFICE.between(start, end, Unit.BUSINESS_DAYS, "lord_howe") == hours(24)


def test_a_day_that_begins_after_midnight() -> None:
    """Beirut's clocks go from 00:00 to 01:00, so that the day begins at 01:00."""
    lebanon = calendars("Asia/Beirut", business_hours=ALWAYS)
    assert lebanon.first_instant(date(2026, 3, 29)) == datetime(2026, 3, 28, 22, tzinfo=UTC)
    ends = [lebanon.first_instant(date(2026, 3, day)) for day in (29, 30)]
    assert lebanon.between(ends[0], ends[1], Unit.BUSINESS_HOURS) == hours(23)


def test_opening() -> None:
    assert OFFICE.is_open(at("2026-04-02 09:00"))
    assert not OFFICE.is_open(at("2026-04-02 17:00"))


def test_working_days() -> None:
    thursday, tuesday = date(2026, 4, 2), date(2026, 4, 7)
    assert OFFICE.working_days(thursday, tuesday) == 1
    assert OFFICE.working_days(tuesday, thursday) == -1
    assert OFFICE.add_working_days(thursday, 1) == tuesday
    assert OFFICE.add_working_days(thursday, 0) == thursday
    assert OFFICE.working_days(date(2025, 12, 31), date(2026, 12, 31)) == 254
    # The Day of Valor is a holiday in Manila.
    assert [OFFICE.working(date(2026, 4, 9), name) for name in ("both", "either")] == [False, True]


def test_observed_days_are_holidays() -> None:
    """Independence Day 2026 is a Saturday, kept on the Friday before."""
    desk = calendars("America/New_York", business_hours={"country": "US"})
    assert not desk.working(date(2026, 7, 3))


def test_a_clock_that_needs_a_calendar_says_so() -> None:
    nothing = Calendars()
    start = at("2026-01-05 09:00")
    assert nothing.between(start, start + hours(1), Unit.HOURS) == hours(1)
    with pytest.raises(BadInput, match=r"'business_hours' .*engagement\.business_hours"):
        nothing.between(start, start, Unit.BUSINESS_DAYS)
    with pytest.raises(BadInput, match=r"'x' .*allowed: .*munich"):
        OFFICE.working(date(2026, 1, 5), "x")


def test_time_that_never_comes() -> None:
    shut = calendars(business_hours={"days": ["mon"]}).closed_in(
        [Span(at("1900-01-01 00:00"), at("2199-12-31 00:00"))]
    )
    with pytest.raises(BadInput, match="never passes"):
        shut.after(at("2026-01-05 09:00"), hours(1), Unit.BUSINESS_HOURS)
    with pytest.raises(BadInput, match="negative"):
        OFFICE.after(at("2026-01-05 09:00"), hours(-1), Unit.HOURS)
    with pytest.raises(BadInput, match="negative"):
        OFFICE.add_working_days(date(2026, 1, 5), -1)


def test_closed_spans_stop_every_clock() -> None:
    closed = OFFICE.closed_in([Span(at("2026-01-12 10:00"), at("2026-01-12 12:00"))])
    for unit, left in zip(Unit, (22, 22, 6, 22), strict=True):
        start, end = at("2026-01-12 00:00"), at("2026-01-13 00:00")
        assert closed.between(start, end, unit) == hours(left), unit


def test_frozen_calendars_keep_their_holidays() -> None:
    written = OFFICE.closed_in([Span(at("2026-01-12 10:00"), at("2026-01-12 12:00"))]).frozen(
        Period.parse("2026")
    )
    again = Calendars.from_json(written)
    assert again.frozen(Period.parse("2026")) == written
    written["calendars"][BUSINESS_HOURS]["holidays"]["2026"] = ["2026-01-05"]
    changed = Calendars.from_json(written)
    assert [changed.working(date(2026, 1, day)) for day in (1, 5)] == [True, False]
    assert not changed.working(date(2027, 1, 1))


_NOON = datetime(2026, 6, 14, 12, tzinfo=UTC)
INSTANTS = st.one_of(
    st.timedeltas(timedelta(days=-200), timedelta(days=200)),
    st.timedeltas(timedelta(days=-9000), timedelta(days=3000)),
).map(lambda distance: _NOON + distance)
NAMES = st.sampled_from(list(OFFICE.by_name))
UNITS = st.sampled_from(Unit)
AMOUNTS = st.timedeltas(timedelta(0), timedelta(days=40))


@given(INSTANTS, INSTANTS, INSTANTS, UNITS, NAMES)
def test_counting_is_additive(
    first: datetime, second: datetime, third: datetime, unit: Unit, name: str
) -> None:
    parts = OFFICE.between(first, second, unit, name) + OFFICE.between(second, third, unit, name)
    assert parts == OFFICE.between(first, third, unit, name)


@given(INSTANTS, INSTANTS, NAMES)
def test_counting_is_never_negative_nor_more_than_real_time(
    one: datetime, other: datetime, name: str
) -> None:
    start, end = sorted([one, other])
    assert timedelta(0) <= OFFICE.between(start, end, Unit.BUSINESS_HOURS, name) <= end - start
    days = OFFICE.between(start, end, Unit.BUSINESS_DAYS, name)
    assert timedelta(0) <= days <= end - start + hours(1)
    assert OFFICE.between(start, end, Unit.HOURS, name) == end - start


@settings(max_examples=60)
@given(INSTANTS, AMOUNTS, UNITS, NAMES)
def test_adding_is_the_inverse_of_counting(
    start: datetime, amount: timedelta, unit: Unit, name: str
) -> None:
    end = OFFICE.after(start, amount, unit, name)
    counted = OFFICE.between(start, end, unit, name)
    # On the wall an hour is left out at once, so a day's clock may leap over the amount.
    assert amount <= counted <= amount + (hours(1) if unit.in_days else timedelta(0))
    if amount:
        moment = timedelta(microseconds=1)
        assert OFFICE.between(start, end - moment, unit, name) < amount


@settings(max_examples=60)
@given(INSTANTS, INSTANTS, AMOUNTS, AMOUNTS, UNITS, NAMES)
def test_adding_is_monotone(
    one: datetime, other: datetime, less: timedelta, more: timedelta, unit: Unit, name: str
) -> None:
    less, more = sorted([less, more])
    early, late = sorted([one, other])
    assert OFFICE.after(early, less, unit, name) <= OFFICE.after(early, more, unit, name)
    assert OFFICE.after(early, less, unit, name) <= OFFICE.after(late, less, unit, name)


@given(INSTANTS, INSTANTS)
def test_together_is_less_than_each_and_either_is_more(one: datetime, other: datetime) -> None:
    start, end = sorted([one, other])
    both, office, manila, either = (
        OFFICE.between(start, end, Unit.BUSINESS_HOURS, name)
        for name in ("both", BUSINESS_HOURS, "manila", "either")
    )
    assert both <= min(office, manila) <= max(office, manila) <= either
    assert both + either == office + manila


DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@settings(max_examples=60)
@given(DAYS, DAYS, DAYS, NAMES)
def test_working_days_add_up(first: date, second: date, third: date, name: str) -> None:
    parts = OFFICE.working_days(first, second, name) + OFFICE.working_days(second, third, name)
    assert parts == OFFICE.working_days(first, third, name)


@settings(max_examples=40)
@given(DAYS, st.integers(1, 30), NAMES)
def test_adding_working_days_is_the_inverse_of_counting(day: date, days: int, name: str) -> None:
    reached = OFFICE.add_working_days(day, days, name)
    assert OFFICE.working(reached, name)
    assert OFFICE.working_days(day, reached, name) == days
