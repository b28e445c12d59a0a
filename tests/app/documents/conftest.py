"""Documents are slow to render, so all tests of a session read the same ones."""

from __future__ import annotations

from io import BytesIO

import pytest
from pypdf import PdfReader

from app.documents.invoice import render_invoice
from app.documents.pack import render_pack
from tests.app.documents.settlements import header, settlement


@pytest.fixture(scope="session")
def invoice_pdf() -> bytes:
    """The invoice of the hand-made settlement."""
    return render_invoice(settlement(), header())


@pytest.fixture(scope="session")
def pack_pdf() -> bytes:
    """The pack of the hand-made settlement."""
    return render_pack(settlement(), {})


@pytest.fixture(scope="session")
def invoice_pages(invoice_pdf: bytes) -> list[str]:
    """Text of the invoice, a page each."""
    return page_texts(invoice_pdf)


@pytest.fixture(scope="session")
def pack_pages(pack_pdf: bytes) -> list[str]:
    """Text of the pack, a page each."""
    return page_texts(pack_pdf)


def page_texts(pdf: bytes) -> list[str]:
    """Text of every page, with ordinary spaces."""
    pages = PdfReader(BytesIO(pdf)).pages
    return [" ".join(page.extract_text().split()) for page in pages]
