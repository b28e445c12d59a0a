"""Findings on the evidence as a whole: they fire on oddities and not on ordinary ledgers."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from sla.evidence.ledger import open_ledger
from sla.evidence.profiles import read_profile
from sla.evidence.reading import read_evidence, require_clean
from tests.paths import SHARED_DATA
from tests.sla.evidence.handing_in import INVOICES_HEADING, write_files

FIRST = date(2013, 1, 1)
DAYS = 400


def codes_of(folder: Path, files: dict[str, str]) -> list[str]:
    """Codes of the findings on a hand-in."""
    evidence = require_clean(read_evidence(write_files(folder / "in", files), folder / "store"))
    with open_ledger(evidence.files) as ledger:
        return [finding.code for finding in ledger.warnings]


def ledger_files(*, cut: date | None = None, skipped: int = 0, term: int = 30) -> dict[str, str]:
    """Three invoices a day, each paid ten to forty days after it is due.

    `cut` is a day by which everything open is paid, `skipped` a month of 2013 without
    invoices.
    """
    invoices, allocations = [INVOICES_HEADING], ["receipt_id,invoice_id,amount,applied_on\n"]
    for number in range(DAYS * 3):
        issued = FIRST + timedelta(days=number // 3)
        if issued.month == skipped and issued.year == 2013:
            continue
        due = issued + timedelta(days=term)
        paid = due + timedelta(days=10 + number % 30)
        if cut is not None and issued <= cut < paid:
            paid = cut
        invoices.append(f"I{number},C1,{issued},{due},EUR,10\n")
        allocations.append(f"R{number},I{number},10,{paid}\n")
    return {"invoices.csv": "".join(invoices), "allocations.csv": "".join(allocations)}


def test_an_ordinary_ledger_raises_no_question(tmp_path: Path) -> None:
    assert codes_of(tmp_path, ledger_files()) == []


def test_a_cut_through_the_open_items(tmp_path: Path) -> None:
    assert codes_of(tmp_path, ledger_files(cut=date(2013, 9, 30))) == ["no_open_items_cross"]


def test_a_month_without_invoices(tmp_path: Path) -> None:
    assert codes_of(tmp_path, ledger_files(skipped=6)) == ["month_out_of_line"]


def test_invoices_due_before_they_were_issued(tmp_path: Path) -> None:
    assert "due_before_issue" in codes_of(tmp_path, ledger_files(term=-5))


def test_nothing_allocated(tmp_path: Path) -> None:
    files = {"invoices.csv": ledger_files()["invoices.csv"]}
    assert codes_of(tmp_path, files) == ["no_allocations"]
    receipts = "receipt_id,customer_id,received_at,currency,amount\n" + "".join(
        f"R{number},C1,2013-01-02,EUR,1\n" for number in range(20)
    )
    allocations = "receipt_id,invoice_id,amount,applied_on\nR1,I1,1,2013-01-02\n"
    files |= {"receipts.csv": receipts, "allocations.csv": allocations}
    assert "receipts_without_allocations" in codes_of(tmp_path / "b", files)


@pytest.mark.parametrize(
    ("file", "codes"),
    [
        ("ibm_late_payments.csv", set()),
        ("highradius_closed.csv.gz", {"no_open_items_cross", "month_out_of_line"}),
    ],
)
def test_real_ledgers(file: str, codes: set[str], tmp_path: Path) -> None:
    evidence = require_clean(read_evidence(SHARED_DATA / file, tmp_path / "store"))
    with open_ledger(evidence.files) as ledger:
        assert {finding.code for finding in ledger.warnings} == codes
        seams = [each.message for each in ledger.warnings if each.code == "no_open_items_cross"]
        assert all("on 2019-12-31" in message for message in seams)


SWAPPED = """
name: swapped
title: A damaged copy of a ledger
source: {file: "messy*", columns: [doc_id, cust_number, posting_date, due_in_date, converted_usd]}
rows: {column: doc_id}
tables:
  invoices:
    distinct: true
    columns:
      invoice_id: {template: "{doc_id}/{posting_date}/{due_in_date}/{converted_usd}"}
      customer_id: cust_number
      issue_date: posting_date
      due_date: due_in_date
      currency: {value: USD}
      amount: {column: converted_usd, round: 2}
"""


def test_dates_with_day_and_month_swapped(tmp_path: Path) -> None:
    profile = read_profile(SWAPPED.encode(), "swapped.yaml")
    source = SHARED_DATA / "messy_day_month_swapped.csv.gz"
    evidence = read_evidence(source, tmp_path / "store", profile, accept_rejections=True)
    with open_ledger(evidence.files) as ledger:
        assert "day_and_month_swapped" in {finding.code for finding in ledger.warnings}
