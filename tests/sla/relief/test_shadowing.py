"""Relief as expressions in front of the ledger's views."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.calendars import Calendars, Unit
from governance.calendars import Span as ClosedSpan
from governance.errors import BadInput
from governance.values import Period
from sla.evidence.ledger import Ledger
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import drill_down, rows_taken_out, run_kpi
from sla.relief.shadowing import shadowed
from sla.relief.values import NO_RELIEF, Relief, Span
from tests.sla.kpis.ledgers import calendars_in, ledger_of, rows_of

JANUARY = Period.month(2026, 1)
TABLES = {
    "invoices": rows_of("""
        invoice_id, customer_id, issue_date, due_date, amount
        I1, C1, 2026-01-01, 2026-01-10, 100
        I2, C1, 2026-01-02, 2026-01-11, 200
        I3, C2, 2026-01-03, 2026-01-12, 300
    """),
    "allocations": rows_of("""
        receipt_id, invoice_id, amount, applied_on
        R1, I1, 100, 2026-01-09
        R2, I2, 200, 2026-01-20
        R3, I3, 300, 2026-01-08
    """),
    "disputes": rows_of("""
        dispute_id, invoice_id, opened_at, resolved_at
        D1, I1, 2026-01-05 09:00, 2026-01-09 09:00
        D2, I2, 2026-01-05 09:00, 2026-01-07 09:00
    """),
    "activities": rows_of("""
        activity_id, customer_id, invoice_id, at, due_at, channel, kind
        A1, C1, I1, 2026-01-05 09:00, 2026-01-06 09:00, mail, reminder
        A2, C1,, 2026-01-08 09:00, 2026-01-06 09:00, mail, reminder
    """),
}
KEYS = {
    "invoices": ["I1", "I2", "I3", "I-unknown"],
    "customers": ["C1", "C2"],
    "disputes": ["D1", "D2"],
    "receipts": ["R1", "R3"],
    "activities": ["A1", "A2"],
}
COUNTED = {
    "collected_within_terms": {"weight": "count"},
    "dispute_rate": {"weight": "count"},
    "reminders_on_time": {},
    "cash_collected": {},
}


def _relief(**rows: str) -> Relief:
    return Relief({name: frozenset(keys.split()) for name, keys in rows.items()})


def _value(ledger: Ledger, kpi: str, relief: Relief) -> Decimal | None:
    return run_kpi(load_catalogue()[kpi], ledger, JANUARY, COUNTED.get(kpi, {}), relief).value


@pytest.mark.parametrize(
    ("kpi", "relief", "value"),
    [
        ("collected_within_terms", NO_RELIEF, Decimal(200) / 3),
        ("collected_within_terms", _relief(invoices="I2"), Decimal(100)),
        ("collected_within_terms", _relief(customers="C1"), Decimal(100)),
        ("collected_within_terms", _relief(invoices="I1 I2 I3"), None),
        ("collected_within_terms", _relief(surveys="S1"), Decimal(200) / 3),
        ("dispute_rate", _relief(disputes="D1"), Decimal(100) / 3),
        ("dispute_rate", _relief(invoices="I3"), Decimal(100)),
        ("cash_collected", _relief(receipts="R2"), Decimal(400)),
        ("cash_collected", _relief(invoices="I1"), Decimal(500)),
        # A row that names no invoice stays, whatever invoices are taken out.
        ("reminders_on_time", _relief(invoices="I1"), Decimal(0)),
        ("reminders_on_time", _relief(activities="A2"), Decimal(100)),
    ],
)
def test_rows_that_are_taken_out_take_with_them_what_refers_to_them(
    kpi: str, relief: Relief, value: Decimal | None
) -> None:
    with ledger_of(TABLES) as ledger:
        found = _value(ledger, kpi, relief)
    assert (found is None) is (value is None)
    assert abs((found or Decimal(0)) - (value or Decimal(0))) < Decimal("1e-20")


def test_only_rows_that_have_a_key_can_be_taken_out() -> None:
    query = "WITH\na AS (SELECT 1)\nSELECT * FROM a"
    with pytest.raises(BadInput, match="rows of observations"):
        shadowed(query, _relief(observations="x"), ["observations"])
    with pytest.raises(BadInput, match="takes no relief"):
        shadowed("SELECT * FROM invoices", _relief(invoices="x"), ["invoices"])


def test_keys_pass_as_text_whatever_they_hold() -> None:
    relief = Relief({"invoices": frozenset({"I1", "'); DROP TABLE invoices; --", '"', "é"})})
    with ledger_of(TABLES) as ledger:
        assert _value(ledger, "cash_collected", relief) == Decimal(500)


@pytest.mark.parametrize("kpi", sorted(load_catalogue()))
def test_relief_from_nothing_is_the_very_same_text(kpi: str) -> None:
    definition = load_catalogue()[kpi]
    for nothing in (NO_RELIEF, Relief({"invoices": frozenset()})):
        assert shadowed(definition.sql, nothing, definition.datasets) == definition.sql


_RELIEF = st.fixed_dictionaries(
    {name: st.sets(st.sampled_from(keys)).map(frozenset) for name, keys in KEYS.items()}
).map(Relief)


@settings(max_examples=40, deadline=None)
@given(kpi=st.sampled_from(sorted(COUNTED)), relief=_RELIEF)
def test_what_counts_and_what_is_taken_out_are_all_rows(kpi: str, relief: Relief) -> None:
    definition, parameters = load_catalogue()[kpi], COUNTED[kpi]
    with ledger_of(TABLES) as ledger:
        whole = run_kpi(definition, ledger, JANUARY, parameters)
        counting = run_kpi(definition, ledger, JANUARY, parameters, relief)
        listed = drill_down(definition, ledger, JANUARY, parameters, relief=relief)
        out = rows_taken_out(definition, ledger, JANUARY, parameters, relief)
    assert counting.rows == listed.total
    if kpi != "dispute_rate":
        # A dispute is no row of the dispute rate's own, so taking one out leaves the invoice in.
        assert counting.rows + out.total == whole.rows


BERLIN = calendars_in(
    {
        "time_zone": "Europe/Berlin",
        "business_hours": {
            "country": "DE",
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "opens": "09:00",
            "closes": "17:00",
        },
    }
)
_HOUR = timedelta(hours=1)
_START = datetime(2026, 3, 27, tzinfo=UTC)
_SPANS = st.lists(
    st.tuples(st.integers(0, 120), st.integers(1, 60)).map(
        lambda each: Span(_START + each[0] * _HOUR, _START + (each[0] + each[1]) * _HOUR)
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(
    spans=_SPANS,
    unit=st.sampled_from(["business_hours", "business_days", "calendar_days", "hours"]),
)
def test_clocks_stand_still_as_calendars_that_are_closed_say(spans: list[Span], unit: str) -> None:
    """Over the weekend on which summer time begins, and some days after."""
    query = (
        "WITH\na AS (SELECT * FROM business_time WHERE unit = $clock)\n"
        "SELECT * FROM a ORDER BY starts_at"
    )
    bound = {
        "clock": unit,
        "calendar": "business_hours",
        "day": date(2026, 3, 27),
        "to": date(2026, 4, 6),
    }
    closed = BERLIN.closed_in([ClosedSpan(span.start, span.end) for span in spans])
    relief = Relief({}, tuple(spans))
    probes = [_START + hours * _HOUR for hours in range(0, 200, 7)]
    with ledger_of({}, calendars=BERLIN) as ledger:
        rows = ledger.execute(shadowed(query, relief, ()), bound).rows
    counted = [_counted(rows, at) for at in probes]
    expected = [_between(closed, _START, at, unit) for at in probes]
    assert [each - counted[0] for each in counted] == expected
    assert all(after[3] == before[4] for before, after in pairwise(rows))


def _counted(rows: tuple[tuple[object, ...], ...], at: datetime) -> int:
    moment = at.replace(tzinfo=None)
    for _, _, _, starts, ends, running, before in rows:
        assert isinstance(starts, datetime)
        assert isinstance(ends, datetime)
        assert isinstance(before, int)
        if starts <= moment < ends:
            return before + (int((moment - starts).total_seconds()) if running else 0)
    raise AssertionError(at)


def _between(calendars: Calendars, start: datetime, end: datetime, unit: str) -> int:
    return int(calendars.between(start, end, Unit(unit)).total_seconds())
