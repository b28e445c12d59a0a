"""Rows are found again where amounts were converted to another currency."""

from __future__ import annotations

from pathlib import Path

from billing.metering.catalogue import load_meters
from billing.metering.engine import read_late
from billing.metering.rows import Row, rows_found
from billing.metering.values import LateRows
from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.reading import read_evidence
from tests.factories import write_evidence_folder

JANUARY = Period.month(2026, 1)
_INVOICES = """\
invoice_id,customer_id,issue_date,due_date,currency,amount
I-1,C-1,2026-01-05,2026-01-20,USD,100.00
"""
_RECEIPTS = """\
receipt_id,customer_id,received_at,currency,amount
R-1,C-1,2026-01-18,USD,100.00
"""
_ALLOCATIONS = """\
receipt_id,invoice_id,amount,applied_on
R-1,I-1,30.00,2026-01-18
R-1,I-1,10.00,2026-01-18
R-1,I-1,10.00,2026-01-18
"""
_RATES = "on,from,to,rate\n2026-01-05,USD,EUR,0.9\n2026-01-18,USD,EUR,0.8\n"


def test_a_row_is_known_by_its_amount_as_it_was_handed_in(tmp_path: Path) -> None:
    folder = write_evidence_folder(
        tmp_path / "evidence",
        invoices=_INVOICES,
        receipts=_RECEIPTS,
        allocations=_ALLOCATIONS,
        fx_rates=_RATES,
    )
    files = read_evidence(folder, tmp_path / "store", None, "UTC").files
    meter = load_meters()["cash_collected"]
    with open_ledger(files, mixed=True) as ledger:
        rows = [one.row for one in rows_found(meter, ledger, JANUARY)]
    names = ("R-1", "I-1", "2026-01-18")
    assert rows == [Row(names, ("10",), 1), Row(names, ("10",), 2), Row(names, ("30",), 3)]
    with open_ledger(files, "EUR") as ledger:
        amounts, reading = read_late(
            "cash_collected", ledger, LateRows(JANUARY, JANUARY, (rows[1], rows[2]))
        )
    assert isinstance(amounts, tuple)
    # An allocation is converted by the rate of its invoice's date.
    assert [str(one.amount.normalize()) for one in amounts] == ["9", "27"]
    assert reading.rows == 2
