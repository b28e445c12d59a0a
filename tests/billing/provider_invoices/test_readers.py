"""Files of providers: what is read of them, and what is refused with its place."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from app.documents.rendering import html_to_pdf
from billing.e_invoices.taxes import Category
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from billing.invoices.fee_document import DocumentType
from billing.payments.notations import DayOrder, Mark
from billing.provider_invoices import reading, xml_reader
from billing.provider_invoices.csv_reader import CsvProfile
from billing.provider_invoices.reading import LARGEST_INVOICE, read_provider_invoice
from billing.provider_invoices.values import BilledDocument, Source
from governance.errors import BadInput, Problem
from governance.values import Period
from tests.billing.e_invoices.cases import cases

_DOCUMENTS = {one.name: one.document for one in cases()}
_USUAL = _DOCUMENTS["two rates and an exempt line with a discount"]


def _xml(name: str, syntax: Syntax = Syntax.CII) -> bytes:
    return e_invoice_xml(_DOCUMENTS[name], syntax, Profile.EN16931)


def _read(data: bytes | str, profile: CsvProfile | None = None) -> BilledDocument:
    raw = data.encode() if isinstance(data, str) else data
    return read_provider_invoice("invoice", raw, profile or CsvProfile(), "EUR")


def _problem(data: bytes | str, profile: CsvProfile | None = None) -> Problem:
    with pytest.raises(BadInput) as caught:
        _read(data, profile)
    return caught.value.problems[0]


@pytest.mark.parametrize("syntax", list(Syntax))
def test_both_syntaxes_of_an_invoice(syntax: Syntax) -> None:
    found = _read(_xml("service credit as an allowance", syntax))
    document = _DOCUMENTS["service credit as an allowance"]
    assert (found.source.value, found.type) == (syntax.value, DocumentType.INVOICE)
    assert (found.number, found.issued_on) == (document.number, document.issued_on)
    assert (found.period, found.total, found.currency) == (document.period, document.total, "EUR")
    assert [one.amount for one in found.items] == [
        *(line.amount for line in document.lines),
        *(-one.amount for one in document.allowances),
    ]
    assert [one.charge for one in found.items if one.is_line] == [
        one.charge for one in document.lines
    ]
    assert (found.subtotal, found.net, found.tax_total) == (
        document.subtotal,
        document.net,
        document.tax,
    )


@pytest.mark.parametrize("syntax", list(Syntax))
def test_a_credit_note_gives_back(syntax: Syntax) -> None:
    found = _read(_xml("credit note of the whole invoice", syntax))
    document = _DOCUMENTS["credit note of the whole invoice"]
    assert found.is_credit_note
    assert found.total == -document.total
    assert document.corrects
    assert found.corrects == document.corrects.number
    assert {one.amount < 0 for one in found.items if one.is_line} == {True}


def test_the_xml_inside_a_pdf() -> None:
    data = _xml("two rates")
    html = "<html lang='en'><title>Invoice</title><p>Invoice</p></html>"
    pdf = html_to_pdf(html, "document.css", date(2026, 1, 31), xml=data)
    found = _read(pdf)
    assert found.source is Source.PDF
    assert (found.items, found.total) == (_read(data).items, _read(data).total)


_DTD = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the file is empty"),
        (b"x" * (LARGEST_INVOICE + 1), "the file is too large"),
        (b"<a", "the file is no sound XML"),
        (b"<a/>", "this is no electronic invoice"),
        (_DTD + b"<x>&e;</x>", "no document type"),
        (b"%PDF-1.7 broken", "this PDF can't be read"),
        (b"\0\1\2", "this is no text"),
        (b"Invoice,Date,Text,Net\nP\x1b1,2026-01-31,a,1\n", "this can't be an invoice's number"),
    ],
)
def test_files_that_are_no_invoice(data: bytes, what: str) -> None:
    assert what in _problem(data).what


def test_a_broken_schema_names_the_line() -> None:
    data = _xml("two rates").replace(b"IssueDateTime>", b"IssuedTime>")
    problem = _problem(data)
    assert problem.what == "the electronic invoice breaks its schema"
    assert problem.line is not None
    assert "IssuedTime" in problem.found


def test_what_keeps_no_schema_is_no_invoice() -> None:
    data = _xml("two rates", Syntax.UBL)
    twice = re.sub(rb"<cbc:IssueDate>.*?</cbc:IssueDate>", rb"\g<0>\g<0>", data)
    assert twice != data
    aside = re.sub(rb"(<cbc:Name>)", rb"\g<1>extended support ", twice)
    assert b"extended" in aside
    assert _problem(aside).what == "the electronic invoice breaks its schema"
    extension = re.sub(rb"(<cbc:CustomizationID>)", rb"\g<1>urn:extended#", twice)
    problem = _problem(extension)
    assert (problem.what, problem.column) == ("the invoice must have one day of issue", "BT-2")


def test_lines_are_counted_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_reader, "MOST_LINES", 1)
    monkeypatch.delattr(xml_reader, "schema_errors")
    for syntax in Syntax:
        assert "more than 1 lines" in _problem(_xml("two rates", syntax)).what


def test_what_a_pdf_unpacks_to_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "xml_of", lambda *_: b"<" * (LARGEST_INVOICE + 1))
    assert _problem(b"%PDF-1.7").what == "the invoice inside the PDF is too large"


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (
            b">1020.00</ram:LineTotalAmount>",
            b">99999999999999</ram:LineTotalAmount>",
            "line 1, BT-131",
        ),
        (b"EUR</ram:InvoiceCurrencyCode>", b"XXZ</ram:InvoiceCurrencyCode>", "BT-5"),
        (b"EUR</ram:InvoiceCurrencyCode>", b"'</ram:InvoiceCurrencyCode>", ""),
    ],
)
def test_figures_that_mean_nothing(old: bytes, new: bytes, column: str) -> None:
    data = _xml("one line at the standard rate")
    changed = data.replace(old, new, 1)
    assert changed != data
    problem = _problem(changed)
    assert problem.column == column


_CSV = """\
Invoice;Invoice date;Month;Item;Description;Qty;Unit price;Net;VAT rate;VAT;Total;PO
P-1;31.01.2026;2026-01;CH-01;Service desk;1;1.000,00;1.000,00;19;190,00;2.082,50;PO-7
P-1;31.01.2026;2026-01;CH-02;Invoices issued;300;2,50;750,00;19;142,50;2.082,50;PO-7
"""


def test_a_csv_by_its_usual_headings() -> None:
    found = _read(_CSV)
    assert (found.source, found.number, found.currency) == (Source.CSV, "P-1", "EUR")
    assert (found.issued_on, found.period) == (date(2026, 1, 31), Period.month(2026, 1))
    assert [one.amount for one in found.items] == [Decimal("1000.00"), Decimal("750.00")]
    second = found.items[1]
    assert (second.charge, second.title) == ("CH-02", "Invoices issued")
    assert (second.quantity, second.price) == (Decimal(300), Decimal("2.50"))
    assert second.tax == Category("S", Decimal(19))
    assert [(one.category, one.amount) for one in found.taxes] == [
        (Category("S", Decimal(19)), Decimal("332.50"))
    ]
    assert (found.total, found.purchase_order) == (Decimal("2082.50"), "PO-7")


def test_a_csv_by_a_profile() -> None:
    data = "No,Day,What,Sum\nP-1,01/31/2026,Desk,1,000.00\n".replace("1,000.00", '"1,000"')
    columns = {"number": "No", "issued_on": "Day", "description": "What", "net": "Sum"}
    found = _read(data, CsvProfile(columns, Mark.POINT, DayOrder.MONTH_FIRST))
    assert (found.issued_on, found.total, found.period) == (date(2026, 1, 31), Decimal(1000), None)
    assert found.items[0].tax is None


def test_totals_of_rows_and_of_the_invoice() -> None:
    rows = "Invoice,Date,Text,Net,Total\nP-1,2026-01-31,a,10.00,{}\nP-1,2026-01-31,b,20.00,{}\n"
    assert _read(rows.format("30.00", "30.00")).total == 30
    assert _read(rows.format("", "31.00")).total == 31
    assert _read(rows.format("11.90", "23.80")).total == Decimal("35.70")
    assert _read(rows.format("", "")).total == 30
    assert _read(rows.format("0.00", "0.00")).total == 0
    assert _read(rows.replace("20.00", "10.00").format("11.90", "11.90")).total == Decimal("23.80")


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("750,00;19", "75o;19", "line 3, net", "this is no amount"),
        ("750,00;19", ";19", "line 3, net", "the amount is missing"),
        (";300;", ";many;", "line 3, quantity", "this is no amount"),
        ("31.01.2026;2026-01;CH-01", "31.01.2026;soon;CH-01", "line 2, period", "this is no day"),
        ("P-1;31.01.2026;2026-01;CH-02", "P-2;31.01.2026;2026-01;CH-02", "number", "more than one"),
        ("P-1;31.01.2026", "P-1;the day", "line 2, issued_on", "this is no day"),
        ("Description", "Remarks", "line 1, description", "no column is headed"),
    ],
)
def test_cells_that_cannot_be_read(old: str, new: str, where: str, what: str) -> None:
    data = _CSV.replace(old, new) if what == "this is no day" else _CSV.replace(old, new, 1)
    problem = _problem(data)
    assert problem.where() == f"invoice, {where}"
    assert what in problem.what
