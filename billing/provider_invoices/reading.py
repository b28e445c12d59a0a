"""Read a provider's invoice, whatever it comes as."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from billing.e_invoices.reading import xml_of
from billing.provider_invoices.csv_reader import CsvProfile, read_csv
from billing.provider_invoices.values import BilledDocument, Source
from billing.provider_invoices.xml_reader import read_xml
from governance.errors import BadInput, Problem

LARGEST_INVOICE: Final = 10 * 1024 * 1024
"""Bytes of a file."""
_PDF: Final = b"%PDF-"
_LONGEST_NUMBER: Final = 200


def read_provider_invoice(
    name: str, data: bytes, profile: CsvProfile, currency: str
) -> BilledDocument:
    """What an XML (CII or UBL), a PDF with one inside, or a CSV file states.

    `profile` and `currency` are for CSV files: how they are read, and the currency where no column
    says one. Raises BadInput with file, line and column of what is wrong.
    """
    if not data.strip():
        raise BadInput.one(Problem("the file is empty", name))
    _refuse_too_large(name, data, "the file")
    document = _read(name, data, profile, currency)
    if len(document.number) > _LONGEST_NUMBER or not document.number.isprintable():
        allowed = f"at most {_LONGEST_NUMBER} letters, figures and signs"
        what = "this can't be an invoice's number"
        raise BadInput.one(
            Problem(what, name, column="number", found=document.number[:50], allowed=allowed)
        )
    return document


def _read(name: str, data: bytes, profile: CsvProfile, currency: str) -> BilledDocument:
    if data.startswith(_PDF):
        xml = xml_of(data, name)
        _refuse_too_large(name, xml, "the invoice inside the PDF")
        return replace(read_xml(name, xml), source=Source.PDF)
    if data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        return read_xml(name, data)
    return read_csv(name, data, profile, currency)


def _refuse_too_large(name: str, data: bytes, what: str) -> None:
    if len(data) > LARGEST_INVOICE:
        allowed = f"at most {LARGEST_INVOICE // 1024 // 1024} MB"
        raise BadInput.one(Problem(f"{what} is too large", name, allowed=allowed))
