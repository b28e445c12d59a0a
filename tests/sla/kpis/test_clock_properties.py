"""The clock KPIs against a clock that is wound by hand, on any order of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.calendars import Unit
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from tests.sla.kpis.ledgers import calendars_in, ledger_of

PERIOD = Period.parse("2026-03")
CALENDARS = calendars_in(
    {
        "time_zone": "Europe/Berlin",
        "business_hours": {"country": "DE", "subdivision": "HH", "opens": "08:30"},
    }
)
BEGINS, ENDS = map(CALENDARS.first_instant, (PERIOD.start, date(2026, 4, 1)))
MOMENT = timedelta(microseconds=1)
RANK = {"start": 0, "pause": 1, "resume": 2, "stop": 3}


@dataclass(frozen=True)
class Event:
    """One row of clock events, at an instant."""

    subject: str
    at: datetime
    event: str


EVENTS = st.lists(
    st.builds(
        Event,
        st.sampled_from(["A", "B", "C"]),
        # Steps of half an hour around the change of the clocks on the 29th and the month's ends.
        st.integers(0, 48 * 40).map(
            lambda steps: datetime(2026, 2, 25, tzinfo=UTC) + timedelta(minutes=30 * steps)
        ),
        st.sampled_from(["start", "start", "pause", "resume", "stop"]),
    ),
    max_size=14,
)


@dataclass
class Clock:
    """What a subject's clock did, as far as the period is concerned."""

    spans: list[tuple[datetime, datetime | None]]
    """When it ran; without an end it still does."""
    stopped_at: datetime | None

    def ran(self, until: datetime, unit: Unit) -> timedelta:
        """What it has counted; a clock that was stopped is taken to run on."""
        spans = list(self.spans)
        if self.stopped_at is not None:
            spans.append((self.stopped_at, None))
        return sum(
            (
                CALENDARS.between(begins, min(ends or until, until), unit)
                for begins, ends in spans
                if begins < until
            ),
            timedelta(0),
        )

    def taken(self, unit: Unit) -> timedelta:
        """What it counted until it was stopped."""
        return sum(
            (CALENDARS.between(begins, ends, unit) for begins, ends in self.spans if ends),
            timedelta(0),
        )


def clocks(events: Sequence[Event]) -> Iterator[Clock]:
    """One clock a subject, wound event by event."""
    for subject in sorted({each.subject for each in events}):
        own = [each for each in events if each.subject == subject]
        clock = _wound(sorted(own, key=lambda each: (each.at, RANK[each.event])))
        if clock.spans:
            yield clock


def _wound(events: Sequence[Event]) -> Clock:
    spans: list[tuple[datetime, datetime | None]] = []
    on, stopped_at, running = False, None, None
    for each in events:
        goes_on = each.event in {"start", "resume"}
        if not on and each.event == "start" and each.at >= ENDS:
            break
        if not on and each.event != "start":
            continue
        if goes_on:
            running = running or each.at
        elif running is not None:
            spans.append((running, each.at))
            running = None
        on = each.event != "stop"
        stopped_at = None if on else each.at
    return Clock(spans if running is None else [*spans, (running, None)], stopped_at)


def _tables(events: Sequence[Event]) -> dict[str, list[dict[str, object]]]:
    return {
        "clock_events": [
            {
                "subject_id": each.subject,
                "clock": "answer",
                "at": each.at.replace(tzinfo=None),
                "at_utc": each.at.replace(tzinfo=None),
                "event": each.event,
            }
            for each in events
        ]
    }


@settings(max_examples=30)
@given(EVENTS, st.sampled_from(Unit), st.sampled_from([1, 3, 8]))
def test_attainment_is_that_of_clocks_wound_by_hand(
    events: list[Event], unit: Unit, target: int
) -> None:
    allowed = timedelta(**{"days" if unit.in_days else "hours": target})
    due = [
        clock
        for clock in clocks(events)
        if clock.ran(BEGINS - MOMENT, unit) < allowed <= clock.ran(ENDS - MOMENT, unit)
    ]
    kept = [each for each in due if each.stopped_at and each.taken(unit) <= allowed]
    parameters = {"clock": "answer", "time": unit.value, "target": str(target)}
    with ledger_of(_tables(events), calendars=CALENDARS) as ledger:
        result = run_kpi(load_catalogue()["clock_attainment"], ledger, PERIOD, parameters)
    assert (result.rows, result.numerator or 0) == (len(due), len(kept))


@settings(max_examples=20)
@given(EVENTS, st.sampled_from(Unit))
def test_time_is_that_of_clocks_wound_by_hand(events: list[Event], unit: Unit) -> None:
    stopped = [
        clock
        for clock in clocks(events)
        if clock.stopped_at is not None and BEGINS <= clock.stopped_at < ENDS
    ]
    total = sum((each.taken(unit) for each in stopped), timedelta(0))
    with ledger_of(_tables(events), calendars=CALENDARS) as ledger:
        parameters = {"clock": "answer", "time": unit.value}
        result = run_kpi(load_catalogue()["clock_time"], ledger, PERIOD, parameters)
    whole = timedelta(days=1) if unit.in_days else timedelta(hours=1)
    expected = Decimal(total // MOMENT) / Decimal(whole // MOMENT)
    assert result.rows == len(stopped)
    assert abs((result.numerator or Decimal(0)) - expected) < Decimal("1e-20")
