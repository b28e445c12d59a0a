"""Tables of corrected invoices: what they state differently, and their documents."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from billing.invoices.models import FeeInvoice
from billing.settlement.models import DocumentKind
from governance.tables import Sha256, Table, UtcDateTime, row_key, row_of, text_of
from governance.tenancy import through


class CorrectedInvoice(Table, table=True):
    """What an invoice states differently from the credited one whose place it takes."""

    __tablename__ = "corrected_invoice"
    __tenancy__ = through("invoice_id", FeeInvoice)
    __table_args__ = (UniqueConstraint("invoice_id"),)

    id: int = row_key()
    invoice_id: int = row_of("fee_invoice.id", index=False)
    reason: str = Field(sa_type=Text)
    header_json: str = Field(sa_type=Text)
    """Order number, reference and client, as `CorrectedHeader` has them."""
    prepared_at: datetime = Field(sa_type=UtcDateTime)
    prepared_by_id: int = row_of("user_account.id")


class CorrectedInvoiceDocument(Table, table=True):
    """One document of an issued corrected invoice, byte for byte; its PDF is added later."""

    __tablename__ = "corrected_invoice_document"
    __tenancy__ = through("invoice_id", FeeInvoice)
    __table_args__ = (UniqueConstraint("invoice_id", "kind"),)

    id: int = row_key()
    invoice_id: int = row_of("fee_invoice.id", index=False)
    kind: DocumentKind = Field(sa_type=text_of(DocumentKind, "kind"))
    sha256: str = Field(sa_type=Sha256)
    data: bytes = Field(sa_type=LargeBinary)
    template_version: str | None = Field(default=None, sa_type=Sha256)
    """Of the PDF: what its templates, styles and fonts were."""
