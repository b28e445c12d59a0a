"""The invoice's PDF: archivable, accessible, and with its electronic form inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from facturx import get_facturx_xml_from_pdf
from lxml import etree
from pypdf import PdfReader

from app.documents.formatting import amount
from app.documents.invoice import render_invoice
from app.documents.rendering import html_to_pdf
from billing.e_invoices.made import e_invoices_of
from billing.e_invoices.reading import xml_of
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.settlement.documents import invoice_json
from governance.errors import BadInput
from tests.app.documents.conftest import page_texts
from tests.app.documents.settlements import header, settlement

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PDF_A = "{http://www.aiim.org/pdfa/ns/id/}"
_PDF_UA = "{http://www.aiim.org/pdfua/ns/id/}"
_FACTUR_X = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
_PAGE = (
    '<!doctype html><html lang="en"><head><title>T</title></head><body><h1>Page</h1></body></html>'
)


@pytest.fixture(scope="module", name="document")
def fee_document() -> FeeDocument:
    return read_fee_document(invoice_json(settlement(), header()))


@pytest.fixture(scope="module", name="xml")
def cii(document: FeeDocument) -> bytes:
    made = e_invoices_of(document)
    assert made.problems == ()
    assert made.embedded is not None
    return made.embedded


@pytest.fixture(scope="module", name="pdf")
def factur_x(xml: bytes) -> bytes:
    return render_invoice(settlement(), header(), xml)


@pytest.fixture(scope="module", name="catalogue")
def pdf_catalogue(pdf: bytes) -> Any:
    return PdfReader(BytesIO(pdf)).trailer["/Root"]


def _metadata(catalogue: Any) -> Any:
    return etree.fromstring(catalogue["/Metadata"].get_object().get_data())


def test_a_reader_gets_the_xml_back(pdf: bytes, xml: bytes) -> None:
    assert get_facturx_xml_from_pdf(BytesIO(pdf)) == ("factur-x.xml", xml)
    assert xml_of(pdf) == xml


def test_a_pdf_without_xml_has_none_to_give(invoice_pdf: bytes) -> None:
    with pytest.raises(BadInput, match="this PDF has no electronic invoice inside"):
        xml_of(invoice_pdf)


def test_the_metadata_say_what_the_file_is(catalogue: Any) -> None:
    metadata = _metadata(catalogue)
    (rdf,) = metadata.iter(f"{_RDF}RDF")
    (archive,) = (each for each in rdf if each.get(f"{_PDF_A}part"))
    assert (archive.get(f"{_PDF_A}part"), archive.get(f"{_PDF_A}conformance")) == ("3", "A")
    stated = {each.tag: each.text for each in rdf.iter() if each.tag.startswith(_FACTUR_X)}
    assert stated == {
        f"{_FACTUR_X}DocumentType": "INVOICE",
        f"{_FACTUR_X}DocumentFileName": "factur-x.xml",
        f"{_FACTUR_X}Version": "1.0",
        f"{_FACTUR_X}ConformanceLevel": "EN 16931",
    }
    assert rdf.findtext(f".//{_PDF_UA}part") == "1"


def test_every_schema_that_archives_do_not_know_is_described(catalogue: Any) -> None:
    names = _metadata(catalogue).iter("{http://www.aiim.org/pdfa/ns/schema#}namespaceURI")
    assert {f"{{{each.text}}}" for each in names} == {_PDF_UA, _FACTUR_X}


def test_the_xml_is_associated_once_as_an_alternative(catalogue: Any) -> None:
    (file,) = (each.get_object() for each in catalogue["/AF"])
    assert (file["/UF"], file["/AFRelationship"]) == ("factur-x.xml", "/Alternative")
    assert file["/EF"]["/F"].get_object()["/Subtype"] == "/text/xml"
    (intent,) = catalogue["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"


def test_it_is_tagged_and_speaks_its_language(pdf: bytes, catalogue: Any) -> None:
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "en"
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "/StructTreeRoot" in catalogue
    assert "CW-2026-00005" in str(PdfReader(BytesIO(pdf)).metadata)


def test_every_font_is_inside(pdf: bytes) -> None:
    fonts = list(_fonts(PdfReader(BytesIO(pdf))))
    assert fonts
    for font in fonts:
        descriptor = font["/FontDescriptor"]
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def _fonts(reader: PdfReader) -> Iterator[Any]:
    pages: Any = reader.pages
    for page in pages:
        for font in page["/Resources"]["/Font"].values():
            for one in font.get_object().get("/DescendantFonts", [font]):
                yield one.get_object()


def test_the_same_invoice_gives_the_same_bytes(pdf: bytes, xml: bytes) -> None:
    assert render_invoice(settlement(), header(), xml) == pdf


def test_other_xml_makes_another_file(xml: bytes) -> None:
    on = date(2026, 4, 1)
    one, other = (
        html_to_pdf(_PAGE, "invoice.css", on, xml=each)
        for each in (xml, xml.replace(b"CW-2026-00005", b"CW-2026-00006"))
    )
    assert PdfReader(BytesIO(one)).trailer["/ID"] != PdfReader(BytesIO(other)).trailer["/ID"]


def test_without_xml_nothing_is_embedded(invoice_pdf: bytes) -> None:
    catalogue: Any = PdfReader(BytesIO(invoice_pdf)).trailer["/Root"]
    assert "/AF" not in catalogue
    metadata = _metadata(catalogue)
    assert metadata.findtext(f".//{_PDF_UA}part") == "1"
    assert metadata.find(f".//{_FACTUR_X}DocumentType") is None


def test_page_json_and_xml_state_the_same_figures(
    pdf: bytes, xml: bytes, document: FeeDocument
) -> None:
    """Every figure of the invoice is read off the PDF's pages and out of its XML."""
    page = " ".join(page_texts(pdf))
    stated = etree.fromstring(xml)
    currency = document.currency

    def printed(value: Any) -> str:
        return amount(abs(value), currency).replace("\u00a0", " ")

    def amounts(name: str) -> list[str]:
        return [each.text for each in stated.iter(f"{{*}}{name}")]

    figures = {
        "LineTotalAmount": [*(line.amount for line in document.lines), document.subtotal],
        "CalculatedAmount": [one.amount for one in document.taxes],
        "TaxBasisTotalAmount": [document.net],
        "GrandTotalAmount": [document.total],
        "DuePayableAmount": [document.payable + document.withholding],
        "AllowanceTotalAmount": [document.service_credit],
    }
    for name, values in figures.items():
        assert amounts(name) == [f"{value}" for value in values], name
        assert all(printed(value) in page for value in values), name
    for text in (document.number, document.purchase_order, document.engagement):
        assert text
        assert text in page
        assert text.encode() in xml
    iban = stated.findtext(".//{*}IBANID")
    assert iban
    assert iban in re.sub(r"\s", "", page)
