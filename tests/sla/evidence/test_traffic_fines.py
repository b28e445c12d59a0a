"""The ledger of traffic fines rolls forward to the cent, beside a computation of its own.

The second computation is a plain loop over the file that shares no code with the product.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pytest

from governance.values import Period
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from tests.paths import SHARED_DATA

FINES = SHARED_DATA / "traffic_fines_events.csv.gz"
YEARS = range(2000, 2014)
MOVES = ("billed", "charged", "paid", "written_off")


@dataclass
class Year:
    """What moved receivables in a year, and what was open at its end; unapplied is overpaid."""

    moves: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(MOVES, Decimal(0)))
    closing: Decimal = Decimal(0)
    unapplied: Decimal = Decimal(0)


def cases() -> Iterator[list[dict[str, str]]]:
    """The events of each case, in the order of the file."""
    events: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(FINES, "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            events[row["case_id"]].append(row)
    yield from events.values()


def change_of(event: dict[str, str], fine: Decimal, still_open: Decimal) -> tuple[str, Decimal]:
    """What an event does to what is open: how it is called, and by how much, always positive."""
    match event["concept:name"]:
        case "Create Fine":
            change = "billed", fine
        case "Send Fine":
            change = "charged", Decimal(event["expense"])
        case "Add penalty":
            change = "charged", Decimal(event["amount"]) - fine
        case "Payment":
            change = "paid", Decimal(event["paymentAmount"])
        case "Send for Credit Collection":
            change = "written_off", max(still_open, Decimal(0))
        case _:
            change = "billed", Decimal(0)
    return change


def day_then_what_remains(event: dict[str, str]) -> tuple[str, bool]:
    """Order of events in which what takes the rest of a claim comes last on its day."""
    return event["time:timestamp"][:10], event["concept:name"].endswith("Collection")


def by_hand() -> dict[int, Year]:
    """The roll-forward by year, event by event."""
    years = {year: Year() for year in YEARS}
    for events in cases():
        fine, balance = Decimal(events[0]["amount"]), Decimal(0)
        last = {year: Decimal(0) for year in YEARS}
        for event in sorted(events, key=day_then_what_remains):
            year = int(event["time:timestamp"][:4])
            kind, amount = change_of(event, fine, balance)
            years[year].moves[kind] += amount
            balance += amount if kind in {"billed", "charged"} else -amount
            last |= {later: balance for later in YEARS if later >= year}
        for year, value in last.items():
            years[year].closing += max(value, Decimal(0))
            years[year].unapplied += max(-value, Decimal(0))
    return years


_MOVED = """
SELECT year, what, sum(amount) FROM (
  SELECT year(issue_date) AS year, 'billed' AS what, amount FROM invoices
  UNION ALL SELECT year(applied_on), 'paid', amount FROM allocations
  UNION ALL SELECT year(effective_on), CASE kind WHEN 'debit_note' THEN 'charged'
    WHEN 'write_off' THEN 'written_off' ELSE kind END, abs(amount) FROM adjustments
) GROUP BY year, what
"""


def receivables(ledger: Ledger, year: int) -> Decimal:
    """AR at the end of a year, as the catalogue computes it."""
    definition = load_catalogue()["share_past_due"]
    result = run_kpi(definition, ledger, Period(date(year, 12, 1), date(year, 12, 31)), {})
    return Decimal(str(result.denominator))


@pytest.fixture(scope="module")
def fines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """The ledger, in a time zone in which converted times would shift the day."""
    store = tmp_path_factory.mktemp("store")
    evidence = require_clean(read_evidence(FINES, store, time_zone="America/New_York"))
    assert evidence.profile == "traffic_fines_events"
    with open_ledger(evidence.files) as ledger:
        yield ledger


def test_each_year_rolls_forward_to_the_cent(fines: Ledger) -> None:
    expected = by_hand()
    moved = {(year, what): amount for year, what, amount in fines.execute(_MOVED, {}).rows}
    opening = unapplied = Decimal(0)
    for year in YEARS:
        closing, moves = receivables(fines, year), expected[year].moves
        found = {what: moved.get((year, what), Decimal(0)) for what in MOVES}
        assert found == moves, year
        assert closing == expected[year].closing, year
        overpaid = expected[year].unapplied - unapplied
        lowered = moves["paid"] + moves["written_off"]
        assert opening + moves["billed"] + moves["charged"] - lowered + overpaid == closing, year
        opening, unapplied = closing, expected[year].unapplied


def test_the_traps_of_the_file(fines: Ledger) -> None:
    def count(query: str) -> int:
        return int(fines.execute(query, {}).rows[0][0])

    assert count("SELECT count(*) FROM invoices WHERE amount = 0") == 36
    assert count("SELECT count(*) FROM allocations") == 77_601
    partly = (
        "SELECT count(*) FROM (FROM allocations SELECT invoice_id GROUP BY 1 HAVING count(*) > 1)"
    )
    assert count(partly) == 7_542
    assert count("SELECT count(*) FROM adjustments WHERE kind = 'write_off'") == 59_013
    assert count("SELECT count(*) FROM adjustments WHERE reason = 'penalty'") == 79_860
    assert count("SELECT count(*) FROM disputes") == 4_188 + 555
    assert count("SELECT count(*) FROM adjustments WHERE kind = 'credit_note'") == 0
    assert count("SELECT count(*) FROM disputes WHERE outcome = 'cancelled'") > 0
    late = "SELECT count(*) FROM receipts WHERE hour(received_at) <> 0"
    assert count(late) == 0


def test_a_penalty_states_the_new_amount(fines: Ledger) -> None:
    found = fines.execute(
        "SELECT kind, amount FROM adjustments WHERE invoice_id = 'A10009' ORDER BY effective_on", {}
    )
    assert [(kind, str(amount)) for kind, amount in found.rows] == [
        ("debit_note", "-13.0000"),
        ("debit_note", "-22.0000"),
    ]
