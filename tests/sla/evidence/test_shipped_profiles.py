"""Shipped profiles read the exports that they are made for, as their descriptions say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.profiles import Profile, shipped_profiles
from sla.evidence.proposal import profile_yaml
from sla.evidence.reading import read_evidence
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from tests.paths import SHARED_DATA
from tests.sla.evidence.handing_in import stored_rows, table, write_files

XERO_HEADING = (
    "ContactName,EmailAddress,POAddressLine1,POAddressLine2,POAddressLine3,POAddressLine4,POCity,"
    "PORegion,POPostalCode,POCountry,SAAddressLine1,SAAddressLine2,SAAddressLine3,SAAddressLine4,"
    "SACity,SARegion,SAPostalCode,SACountry,InvoiceNumber,Reference,InvoiceDate,DueDate,"
    "PlannedDate,Total,TaxTotal,InvoiceAmountPaid,InvoiceAmountDue,InventoryItemCode,Description,"
    "Quantity,UnitAmount,Discount,LineAmount,AccountCode,TaxType,TaxAmount,TrackingName1,"
    "TrackingOption1,TrackingName2,TrackingOption2,Currency,Type,Sent,Status"
)


def _xero(*rows: str) -> str:
    """Rows of contact|number|date|due date|total|paid|due|description|type|status, as exported."""
    names = [
        "ContactName",
        "InvoiceNumber",
        "InvoiceDate",
        "DueDate",
        "Total",
        "InvoiceAmountPaid",
        "InvoiceAmountDue",
        "Description",
        "Type",
        "Status",
    ]
    lines = [XERO_HEADING]
    for row in rows:
        values = dict(zip(names, row.split("|"), strict=True)) | {"Currency": "GBP"}
        lines.append(",".join(values.get(name, "") for name in XERO_HEADING.split(",")))
    return "\n".join(lines) + "\n"


XERO = _xero(
    "Alpha|INV-1|03/04/2020|03/05/2020|1200.0000|200.0000|1000.0000|Hours|Sales invoice|"
    "Awaiting Payment",
    "Alpha|INV-1|03/04/2020|03/05/2020|1200.0000|200.0000|1000.0000|Parts|Sales invoice|"
    "Awaiting Payment",
    "Beta|INV-2|7/04/2020|7/05/2020|90.00|0.00|90.00|Hours|Sales invoice|Awaiting Payment",
    "Beta|INV-3|13/04/2020|13/05/2020|50.00|50.00|0.00|Hours|Sales invoice|Paid",
    "Beta|INV-4|13/04/2020|13/05/2020|60.00|0.00|60.00|Hours|Sales invoice|Awaiting Approval",
    "Beta|INV-5|13/04/2020|13/05/2020|60.00|0.00|60.00|Hours|Sales invoice|Draft",
    "Beta|CN-1|13/04/2020||-50.00|0.00|-50.00|Hours|Sales credit note|Awaiting Payment",
    "Beta||13/04/2020||-5.00|0.00|-5.00|Deposit|Sales overpayment|Awaiting Payment",
    "Gamma|B-1|13/04/2020|13/05/2020|70.00|0.00|70.00|Rent|Bill|Awaiting Payment",
)
QUICKBOOKS = (
    'Craig\'s Design,,,,,,,\nA/R Aging Detail,,,,,,,\n"As of May 31, 2020",,,,,,,\n,,,,,,,\n'
    ",Date,Transaction Type,Num,Customer,Due Date,Amount,Open Balance\n"
    "1 - 30 days past due,,,,,,,\n"
    ',04/03/2020,Invoice,INV-1,Alpha,05/03/2020,"1,200.00","1,000.00"\n'
    ",04/13/2020,Payment,,Alpha,04/13/2020,-20.00,-20.00\n"
    ",04/07/2020,Invoice,INV-2,Beta,05/07/2020,90.00,90.00\n"
    'Total for 1 - 30 days past due,,,,,,"$1,270.00","$1,070.00"\n'
    'TOTAL,,,,,,"$1,270.00","$1,070.00"\n'
)
QUICKBOOKS_FULL_NAME = (
    '"Craig\'s Design, Inc",,,,,,,\nA/R Aging Detail Report,,,,,,,\n"As of May 31, 2020",,,,,,,\n\n'
    ",Date,Transaction type,Num,Customer full name,Due date,Amount,Open balance\n"
    "1 - 30 days past due,,,,,,,\n"
    ',04/03/2020,Invoice,INV-1,Alpha,05/03/2020,"1,200.00","1,000.00"\n'
    ",04/13/2020,Credit Memo,CM-1,Alpha,04/13/2020,-20.00,-20.00\n"
    ",04/07/2020,Invoice,INV-2,Beta:Yard,05/07/2020,90.00,90.00\n"
    'Total for 1 - 30 days past due,,,,,,,"1,070.00"\n'
    'TOTAL,,,,,,,"1,070.00"\n'
    '" Sunday, May 31, 2020 04:19 PM GMT-06:00",,,,,,,\n'
)
ODOO_HEADING = (
    "Number",
    "Type",
    "Status",
    "Partner",
    "Invoice/Bill Date",
    "Due Date",
    "Currency",
    "Total",
    "Amount Due",
    "Payment Status",
)
ODOO_ROWS = """
INV/1|Customer Invoice|Posted|Alpha|2020-04-03|2020-05-03|EUR|1200.0|1000.0|Partially Paid
INV/2|Customer Invoice|Posted|Beta|2020-04-07||EUR|90.0|90.0|Not Paid
INV/3|Customer Invoice|Posted|Beta|2020-04-03|2020-05-03|EUR|70.0|0.0|In Payment
RINV/1|Customer Credit Note|Posted|Beta|2020-04-03|2020-05-03|EUR|10.0|10.0|Not Paid
BILL/1|Vendor Bill|Posted|Gamma|2020-04-03|2020-05-03|EUR|10.0|10.0|Not Paid
/|Customer Invoice|Draft|Beta|2020-04-03|2020-05-03|EUR|10.0|10.0|Not Paid
"""


def _quoted(heading: tuple[str, ...]) -> str:
    """Odoo's rows as CSV, in which it quotes every value."""
    rows = [heading, *(tuple(row.split("|")) for row in ODOO_ROWS.strip().splitlines())]
    return "\n".join(",".join(f'"{value}"' for value in row) for row in rows) + "\n"


ODOO = _quoted(ODOO_HEADING)
ODOO_FIELDS = _quoted(
    (
        "name",
        "move_type",
        "state",
        "partner_id",
        "invoice_date",
        "invoice_date_due",
        "currency_id",
        "amount_total",
        "amount_residual",
        "payment_state",
    )
)
EXPORTS = {
    "xero_sales_invoices": (XERO, "GBP", "2020-05-07"),
    "quickbooks_ar_aging_detail": (QUICKBOOKS, "USD", "2020-05-07"),
    "quickbooks_ar_aging_detail_full_name": (QUICKBOOKS_FULL_NAME, "USD", "2020-05-07"),
    "odoo_account_move": (ODOO, "EUR", "2020-04-07"),
    "odoo_account_move_fields": (ODOO_FIELDS, "EUR", "2020-04-07"),
}
"""By profile: a file, its currency, and when the second open invoice is due."""


@pytest.mark.parametrize("profile", EXPORTS)
def test_an_export_is_recognised_and_read(profile: str, tmp_path: Path) -> None:
    content, currency, second_due = EXPORTS[profile]
    source = write_files(tmp_path / "in", {"export.csv": content}) / "export.csv"
    evidence = read_evidence(source, tmp_path / "store")
    assert (evidence.profile, evidence.rejections) == (profile, ())
    first, second = stored_rows(table(evidence, "invoices"))
    assert first["invoice_id"] in {"INV-1", "INV/1"}
    assert (first["issue_date"], first["due_date"]) == (date(2020, 4, 3), date(2020, 5, 3))
    assert (first["amount"], first["currency"]) == (Decimal(1000), currency)
    assert second["issue_date"] == date(2020, 4, 7)
    assert second["due_date"] == date.fromisoformat(second_due)
    assert second["amount"] == Decimal(90)
    assert "rows_left_out" in {finding.code for finding in evidence.findings}


@pytest.mark.parametrize("profile", EXPORTS)
def test_what_is_open_is_the_receivable_on_the_day_of_the_export(
    profile: str, tmp_path: Path
) -> None:
    content = EXPORTS[profile][0]
    source = write_files(tmp_path / "in", {"export.csv": content}) / "export.csv"
    evidence = read_evidence(source, tmp_path / "store")
    definition, may = load_catalogue()["ageing"], Period.parse("2020-05")
    with open_ledger(evidence.files) as ledger:
        result = run_kpi(definition, ledger, may, {})
    assert result.value == Decimal(1090)


def test_an_export_of_odoo_as_a_workbook(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    workbook.active.append(ODOO_HEADING)
    issued, due = date(2020, 4, 3), date(2020, 5, 3)
    workbook.active.append(
        ["INV/1", "Customer Invoice", "Posted", "Alpha", issued, due, "EUR", 1200.0, 1000.0, ""]
    )
    source = tmp_path / "Journal Entry (account.move).xlsx"
    workbook.save(source)
    evidence = read_evidence(source, tmp_path / "store")
    assert (evidence.profile, evidence.rejections) == ("odoo_account_move", ())
    (invoice,) = stored_rows(table(evidence, "invoices"))
    assert (invoice["issue_date"], invoice["due_date"]) == (issued, due)
    assert invoice["amount"] == Decimal(1000)


def test_open_items_of_sap(tmp_path: Path) -> None:
    source = SHARED_DATA / "highradius_open_items.csv.gz"
    evidence = read_evidence(source, tmp_path / "store")
    assert (evidence.profile, evidence.rejections) == ("sap_open_items", ())
    assert {file.dataset: file.rows for file in evidence.files} == {
        "customers": 526,
        "invoices": 9_700,
    }
    first = stored_rows(table(evidence, "invoices"))[0]
    assert first["invoice_id"] == "1930571429"
    assert first["customer_id"] == "0200706844"
    assert first["amount"] == Decimal("8734.71")
    shown = [row["name"] for row in stored_rows(table(evidence, "customers"))]
    assert all(name == name.strip() for name in shown)


@pytest.mark.parametrize("profile", shipped_profiles(), ids=lambda each: each.name)
def test_each_says_what_it_takes_for_granted(profile: Profile) -> None:
    assert b"description:" in profile_yaml(profile)
