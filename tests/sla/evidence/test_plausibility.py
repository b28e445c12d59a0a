"""Findings on the evidence as a whole: they fire on oddities and not on ordinary ledgers."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import pytest

from sla.evidence.ledger import open_ledger
from sla.evidence.profiles import read_profile
from sla.evidence.reading import read_evidence, require_clean
from sla.evidence.values import Finding
from tests.paths import SHARED_DATA
from tests.sla.evidence.handing_in import INVOICE, INVOICES_HEADING, write_files

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
        seams = [each for each in ledger.warnings if each.code == "no_open_items_cross"]
        assert all("on 2019-12-31" in each.message for each in seams)
        assert all(len(each.examples) == 5 and len(each.evidence) == 4 for each in seams)


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
        (found,) = [each for each in ledger.warnings if each.code == "day_and_month_swapped"]
    assert (
        "issue dates agree with the invoice's other date only with day and month" in found.message
    )
    example = found.examples[0]
    assert example.text.startswith("issue date 2020-02-03 gives a term of 43 days, 2020-03-02 of")
    assert Finding(**json.loads(json.dumps(asdict(found)))) == found


def test_due_dates_swapped_are_found_too(tmp_path: Path) -> None:
    rows = [INVOICES_HEADING]
    for number in range(600):
        issued = FIRST + timedelta(days=number % 300)
        due = issued + timedelta(days=14)
        if due.day <= 12 and due.day != due.month:
            due = due.replace(month=due.day, day=due.month)
        rows.append(f"I{number},C1,{issued},{due},EUR,10\n")
    assert "day_and_month_swapped" in codes_of(tmp_path, {"invoices.csv": "".join(rows)})


def test_due_before_posting_says_where(tmp_path: Path) -> None:
    source = SHARED_DATA / "highradius_open_items.csv.gz"
    evidence = require_clean(read_evidence(source, tmp_path / "store"))
    (names,) = [each for each in evidence.findings if each.code == "one_customer_many_names"]
    assert "338 customers stand under several values of 'name_customer'" in names.message
    assert names.examples[0].text.startswith("DELHAIZE, DELHAIZE associates")
    days = (date(2020, 2, 1) + timedelta(days=number) for number in range(150))
    lines = "".join(f"{day},CAD,USD,0.75\n" for day in days)
    folder = write_files(tmp_path / "fx", {"fx_rates.csv": "on,from,to,rate\n" + lines})
    fx = require_clean(read_evidence(folder, tmp_path / "store"))
    with open_ledger([*evidence.files, *fx.files], "USD") as ledger:
        (found,) = [each for each in ledger.warnings if each.code == "due_before_issue"]
    assert found.message.startswith("32 of 9700 invoices are due before they were issued")
    assert "they are 9 of 526 customers', elsewhere it never occurs" in found.message
    assert len(found.examples) == 5


def test_one_customer_under_many_names(tmp_path: Path) -> None:
    customers = "customer_id,name\n" + "".join(
        f"{number},{name}\n"
        for number, name in enumerate(
            ("Alpha GmbH", "ALPHA  GmbH & Co. KG", "Béta Ltd.", "Beta Limited", "Gamma", "Delta")
        )
    )
    files = {"customers.csv": customers}
    evidence = require_clean(read_evidence(write_files(tmp_path / "in", files), tmp_path / "store"))
    with open_ledger(evidence.files) as ledger:
        (found,) = ledger.warnings
    assert found.code == "one_customer_many_names"
    assert found.examples[0].text == "ALPHA  GmbH & Co. KG; Alpha GmbH (1)"


def test_one_customer_under_many_numbers(tmp_path: Path) -> None:
    rows = "".join(f"I{n},{c},2013-01-02,2013-02-01,EUR,1\n" for n, c in enumerate(("007", "7")))
    assert "one_customer_many_numbers" in codes_of(
        tmp_path, {"invoices.csv": INVOICES_HEADING + rows}
    )


def test_receipts_of_customers_without_invoices(tmp_path: Path) -> None:
    receipts = "receipt_id,customer_id,received_at,currency,amount\nR1,C9,2013-01-02,EUR,1\n"
    files = {"invoices.csv": INVOICES_HEADING + INVOICE, "receipts.csv": receipts}
    assert "receipts_without_invoices" in codes_of(tmp_path, files)


def test_a_due_date_years_away(tmp_path: Path) -> None:
    files = ledger_files()
    files["invoices.csv"] += "IX,C1,2013-05-01,2099-12-31,EUR,10\n"
    assert codes_of(tmp_path, files) == ["due_date_far_away"]
