"""Instants of local times, the table of business time, and what is found of odd clock events."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from governance.calendars import Calendars
from governance.errors import BadInput
from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from tests.sla.kpis.ledgers import calendars_in

BERLIN = Calendars("Europe/Berlin")
OFFICE = calendars_in({"time_zone": "Europe/Berlin", "business_hours": {"country": "DE"}})
HEADING = "receipt_id,customer_id,received_at,posted_at,currency,amount\n"


def hand_in(folder: Path, **tables: str) -> tuple[EvidenceFile, ...]:
    """Evidence in Berlin's time from the text of CSV files."""
    source = folder / "evidence"
    source.mkdir(exist_ok=True)
    for name, text in tables.items():
        (source / f"{name}.csv").write_text(text)
    return require_clean(read_evidence(source, folder / "store", time_zone="Europe/Berlin")).files


def instants(files: tuple[EvidenceFile, ...], calendars: Calendars = BERLIN) -> list[str | None]:
    """The instants at which receipts were posted, by their id."""
    query = "SELECT posted_at_utc FROM receipts ORDER BY receipt_id"
    with open_ledger(files, calendars=calendars) as ledger:
        return [at and f"{at:%m-%d %H:%M}" for (at,) in ledger.execute(query, {}).rows]


def receipts(*posted: str) -> str:
    """A table of receipts posted then."""
    rows = [f"R{n},C1,2026-01-05,{at},EUR,1" for n, at in enumerate(posted)]
    return HEADING + "\n".join(rows) + "\n"


def test_an_offset_tells_the_two_hours_apart(tmp_path: Path) -> None:
    files = hand_in(
        tmp_path,
        receipts=receipts(
            "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "", "2026-07-01 12:00"
        ),
    )
    assert instants(files) == ["10-25 00:30", "10-25 01:30", None, "07-01 10:00"]
    with open_ledger(files, calendars=BERLIN) as ledger:
        local = ledger.execute(
            "SELECT DISTINCT posted_at FROM receipts WHERE month(posted_at) = 10", {}
        )
        assert local.rows == ((datetime(2026, 10, 25, 2, 30),),)  # noqa: DTZ001 (local time)
        assert ledger.warnings == ()


def test_times_without_offsets_are_stored_as_ever(tmp_path: Path) -> None:
    """A file without offsets keeps its name: the instants follow from the zone."""
    (file,) = hand_in(tmp_path, receipts=receipts("2026-10-25 02:30:00", "2026-03-29 02:30:00"))
    with duckdb.connect() as connection:
        stored = connection.execute(f"DESCRIBE FROM '{file.path}'").fetchall()
    assert [name for name, *_ in stored if name.endswith("_utc")] == []


def test_times_that_the_clocks_show_twice_or_never_are_found(tmp_path: Path) -> None:
    files = hand_in(
        tmp_path,
        receipts=receipts(
            "2026-10-25 02:30", "2026-10-25 02:59", "2026-03-29 02:30", "2026-03-29 03:00"
        ),
    )
    assert instants(files) == ["10-25 00:30", "10-25 00:59", "03-29 01:30", "03-29 01:00"]
    with open_ledger(files, calendars=BERLIN) as ledger:
        said = {finding.code: finding.message for finding in ledger.warnings}
    assert said["ambiguous_times"].startswith("2 times of receipts.posted_at happened twice")
    assert said["nonexistent_times"].startswith("1 time of receipts.posted_at never happened")
    assert instants(files, Calendars()) == [
        "10-25 02:30",
        "10-25 02:59",
        "03-29 02:30",
        "03-29 03:00",
    ]


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Asia/Kolkata", "2026-07-01 12:00", "07-01 06:30"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "04-04 14:45"),
        ("Australia/Lord_Howe", "2026-04-05 02:00", "04-04 15:30"),
        ("America/New_York", "2026-03-08 03:00", "03-08 07:00"),
        ("America/New_York", "2026-11-01 02:00", "11-01 07:00"),
    ],
)
def test_instants_of_other_zones(tmp_path: Path, zone: str, local: str, instant: str) -> None:
    files = hand_in(tmp_path, receipts=receipts(local, "2020-01-01"))
    assert instants(files, Calendars(zone))[0] == instant


def test_business_time_is_laid_out_when_a_query_names_it(tmp_path: Path) -> None:
    files = hand_in(tmp_path, receipts=receipts("2026-01-09 12:00"))
    tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'business_time'"
    hours = """
      SELECT sum(date_diff('second', starts_at, ends_at)) FROM business_time
      WHERE running AND unit = $clock AND day BETWEEN $period_start AND $period_end
    """
    with open_ledger(files, calendars=OFFICE) as ledger:
        assert ledger.connection.execute(tables).fetchone() == (0,)
        for month, days in (("2026-01", 21), ("2026-02", 20), ("2025-12", 21)):
            period = Period.parse(month)
            bound = {"period_start": period.start, "period_end": period.end}
            for unit, seconds in (("business_hours", 8 * 3600), ("hours", None)):
                ((found,),) = ledger.execute(hours, {**bound, "clock": unit}).rows
                assert seconds is None or found == days * seconds
        rows = ledger.execute(
            "SELECT unit, starts_at = lag(ends_at) OVER same, seconds_before = lag(seconds_before "
            "+ CASE WHEN running THEN date_diff('second', starts_at, ends_at) ELSE 0 END) OVER same"
            ", day = CAST(starts_at AS DATE), CAST(ends_at - INTERVAL 1 SECOND AS DATE) = day "
            "FROM main.business_time WINDOW same AS (PARTITION BY unit ORDER BY starts_at)",
            {"clock": "hours"},
        ).rows
    assert {unit for unit, *_ in rows} == {"business_hours", "hours"}
    assert all(all(each is not False for each in held) for _, *held in rows)


def test_a_clock_without_its_calendar_is_no_guess(tmp_path: Path) -> None:
    files = hand_in(tmp_path, receipts=receipts("2026-01-09 12:00"))
    definition, period = load_catalogue()["time_to_cash_application"], Period.parse("2026-01")
    with open_ledger(files) as ledger:
        assert run_kpi(definition, ledger, period, {}).value is not None
        with pytest.raises(BadInput, match="no calendar 'business_hours'"):
            run_kpi(definition, ledger, period, {"clock": "business_days"})
        with pytest.raises(BadInput, match="no parameter says in which unit"):
            ledger.execute("SELECT count(*) FROM business_time", {})


def test_dates_that_stand_for_never(tmp_path: Path) -> None:
    """What was received in the year 1 or is resolved in 9999 makes the table no longer."""
    files = hand_in(
        tmp_path,
        receipts=HEADING
        + "R1,C1,2026-01-05,9999-12-31 23:59:59,EUR,1\nR2,C1,2026-01-05,2026-01-06,EUR,1\n",
    )
    with open_ledger(files, calendars=OFFICE) as ledger:
        definition = load_catalogue()["cash_applied_within"]
        parameters = {"cohort": "due", "clock": "business_hours", "limit": "24"}
        result = run_kpi(definition, ledger, Period.parse("2026-01"), parameters)
        query = "SELECT max(day) < DATE '2030-01-01' FROM business_time"
        short = ledger.connection.execute(query).fetchone()
    assert (result.rows, result.numerator) == (2, Decimal(1))
    assert short == (True,)


def test_odd_clock_events_are_found(tmp_path: Path) -> None:
    events = """\
subject_id,clock,at,event
S1,answer,2026-02-02 09:00,stop
S2,answer,2026-02-02 08:00,start
S2,answer,2026-02-02 09:00,pause
S2,answer,2026-02-02 10:00,pause
S2,answer,2026-02-02 11:00,resume
S2,answer,2026-02-02 12:00,resume
S2,answer,2026-02-02 13:00,start
S2,answer,2026-02-02 14:00,pause
S2,answer,2026-02-02 14:00,stop
S3,answer,2026-02-02 09:00,resume
S4,sound,2026-02-02 10:00,stop
S4,sound,2026-02-02 09:00,start
D1,dispute,2026-02-02 09:00,pause
"""
    disputes = "dispute_id,invoice_id,opened_at\nD1,I1,2026-01-05 09:00\n"
    files = hand_in(tmp_path, clock_events=events, disputes=disputes)
    with open_ledger(files, calendars=BERLIN) as ledger:
        said = [each.message for each in ledger.warnings if each.dataset == "clock_events"]
    nothing = "and changes nothing"
    assert [each.removeprefix("clock 'answer': the ") for each in said] == [
        f"pause of S2 at 2026-02-02 10:00:00 came while it was paused, {nothing}",
        (
            "start of S2 at 2026-02-02 13:00:00 came while it was started; it ends a pause "
            f"{nothing} else"
        ),
        (
            "stop of S2 at 2026-02-02 14:00:00 came at the same instant as another event; they are "
            "taken as start, pause, resume, stop"
        ),
        f"resume of S2 at 2026-02-02 12:00:00 came while it wasn't paused, {nothing}",
        (
            f"stop of S1 at 2026-02-02 09:00:00 came while it wasn't started, {nothing}, "
            "and 1 more like it"
        ),
    ]
