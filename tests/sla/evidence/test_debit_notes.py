"""A debit note raises what is open of its invoice, whenever it comes, and is no sale."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from governance.values import Period
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from sla.kpis.values import KpiResult
from tests.sla.evidence.handing_in import INVOICES_HEADING, stored_rows, table, write_files

FILES = {
    "invoices.csv": INVOICES_HEADING + "I1,C1,2013-01-02,2013-02-01,EUR,100.00\n"
    "I2,C1,2013-01-02,2013-02-01,EUR,50.00\n",
    "allocations.csv": "receipt_id,invoice_id,amount,applied_on\n"
    "R1,I1,100.00,2013-01-20\nR2,I1,20.00,2013-05-10\n",
    "adjustments.csv": "adjustment_id,invoice_id,kind,amount,effective_on\n"
    "A1,I1,debit_note,20.00,2013-03-15\nA2,I2,credit_note,10.00,2013-01-25\n",
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """One invoice that is paid, then raised, then paid again; and one that stays open."""
    evidence = require_clean(read_evidence(write_files(tmp_path / "in", FILES), tmp_path / "store"))
    kept = stored_rows(table(evidence, "adjustments"))
    assert [str(row["amount"]) for row in kept] == ["2E+1", "1E+1"]
    with open_ledger(evidence.files) as opened:
        yield opened


def measured(ledger: Ledger, kpi: str, month: str, **parameters: str) -> KpiResult:
    """A KPI of the catalogue over a month."""
    return run_kpi(load_catalogue()[kpi], ledger, Period.parse(month), parameters)


@pytest.mark.parametrize(
    ("month", "receivable"),
    [("2013-01", 40), ("2013-02", 40), ("2013-03", 60), ("2013-04", 60), ("2013-05", 40)],
)
def test_what_is_open(month: str, receivable: int, ledger: Ledger) -> None:
    result = measured(ledger, "share_past_due", month)
    assert result.denominator == Decimal(receivable)


def test_an_invoice_is_paid_again_once_the_debit_note_is(ledger: Ledger) -> None:
    assert measured(ledger, "cash_collected", "2013-05").value == 20
    sales = measured(ledger, "bad_debt_ratio", "2013-03")
    assert sales.value is None
    unapplied = ledger.execute("SELECT sum(amount) FROM adjustments", {}).rows
    assert unapplied == ((Decimal("-10.0000"),),)
