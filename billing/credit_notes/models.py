"""Tables of credit notes, in whole minor units: positive amounts are given back."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field

from governance.tables import (
    BigKey,
    Currency,
    Sha256,
    Table,
    UtcDateTime,
    maybe_row_of,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import through
from governance.values import Money


class CreditNoteState(StrEnum):
    """A draft waits for another person's approval; an issued note never changes."""

    DRAFT = "draft"
    ISSUED = "issued"
    DISCARDED = "discarded"


class CreditNote(Table, table=True):
    """What is given back of one issued invoice."""

    __tablename__ = "credit_note"
    __table_args__ = (
        UniqueConstraint("engagement_id", "draft_number"),
        UniqueConstraint("series_id", "sequence"),
        UniqueConstraint("provider_id", "number"),
        CheckConstraint(
            "state <> 'issued' OR (number IS NOT NULL AND sequence IS NOT NULL"
            " AND issued_on IS NOT NULL AND decided_by_id IS NOT NULL)",
            name="issued_is_numbered",
        ),
        CheckConstraint("decided_by_id <> prepared_by_id OR state <> 'issued'", name="two_people"),
        CheckConstraint(
            "total_minor = subtotal_minor - service_credit_minor + tax_minor", name="total_adds_up"
        ),
        CheckConstraint("payable_minor = total_minor - withholding_minor", name="payable_adds_up"),
        CheckConstraint("payable_minor >= 0", name="gives_back"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    provider_id: int = row_of("organisation.id", index=False)
    invoice_id: int = row_of("fee_invoice.id")
    draft_number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; addresses the note before and after it is issued."""
    state: CreditNoteState = Field(sa_type=text_of(CreditNoteState, "state"))
    reason: str = Field(sa_type=Text)
    asked_json: str = Field(sa_type=Text)
    """By position of the invoice: the amount before tax; null is all that is left of a line."""
    dispute_id: int | None = maybe_row_of("dispute.id")
    """The dispute that it settles."""
    series_id: int | None = Field(
        default=None, foreign_key="invoice_series.id", sa_type=BigKey, ondelete="RESTRICT"
    )
    sequence: int | None = Field(default=None, sa_type=BigInteger)
    number: str | None = Field(default=None, sa_type=Text)
    issued_on: date | None = Field(default=None, sa_type=Date)
    currency: str = Field(sa_type=Currency)
    subtotal_minor: int = Field(sa_type=BigInteger)
    service_credit_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    withholding_minor: int = Field(sa_type=BigInteger)
    total_minor: int = Field(sa_type=BigInteger)
    payable_minor: int = Field(sa_type=BigInteger)
    """Of a draft as it was drawn up; computed again at issue."""
    prepared_at: datetime = Field(sa_type=UtcDateTime)
    prepared_by_id: int = row_of("user_account.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: int | None = maybe_row_of("user_account.id")
    """Who approved and issued it, or discarded it."""
    log_size: int | None = Field(default=None, sa_type=BigInteger)
    """Entries under the audit log's checkpoint that the issued note states."""

    @property
    def name(self) -> str:
        """Its number, or how it is called before it has one."""
        return self.number or f"draft {self.draft_number}"

    def money(self, minor: int) -> Money:
        """An amount in the note's currency."""
        return Money(minor, self.currency)


class CreditNoteLine(Table, table=True):
    """What an issued note gives back of one line of the invoice."""

    __tablename__ = "credit_note_line"
    __tenancy__ = through("credit_note_id", CreditNote)
    __table_args__ = (UniqueConstraint("credit_note_id", "position"),)

    id: int = row_key()
    credit_note_id: int = row_of("credit_note.id", index=False)
    position: int = Field(sa_type=Integer)
    """Of the invoice's line, counted from 1."""
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    """Of the line as it was charged."""
    allowance_minor: int = Field(sa_type=BigInteger)
    """Of the line's share of the service credit."""


class CreditNoteDocumentKind(StrEnum):
    """The documents of a credit note; values are file names."""

    JSON = "credit-note.json"
    PDF = "credit-note.pdf"
    CII = "credit-note.cii.xml"
    UBL = "credit-note.ubl.xml"

    @property
    def media_type(self) -> str:
        """What the document is served as."""
        types = {"pdf": "application/pdf", "xml": "application/xml", "json": "application/json"}
        return types[self.value.rpartition(".")[2]]


class CreditNoteDocument(Table, table=True):
    """One document of an issued note, byte for byte."""

    __tablename__ = "credit_note_document"
    __tenancy__ = through("credit_note_id", CreditNote)
    __table_args__ = (UniqueConstraint("credit_note_id", "kind"),)

    id: int = row_key()
    credit_note_id: int = row_of("credit_note.id", index=False)
    kind: CreditNoteDocumentKind = Field(sa_type=text_of(CreditNoteDocumentKind, "kind"))
    sha256: str = Field(sa_type=Sha256)
    data: bytes = Field(sa_type=LargeBinary)
    template_version: str | None = Field(default=None, sa_type=Sha256)
    """Of the PDF: what its templates, styles and fonts were."""
