"""The documents that mails carry, found by reference and checked by digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.corrections.models import CorrectedInvoiceDocument
from billing.credit_notes.models import CreditNoteDocument
from billing.deliveries.models import Delivery, DeliveryDocument, DeliveryRecipient
from billing.deliveries.values import DocumentTable, Enclosure, RecipientKind
from billing.reminders.models import ReminderDocument
from billing.settlement.models import SettlementDocument
from billing.statements.models import StatementDocument
from governance.errors import BadInput, Busy, Conflict, Problem
from governance.tables import digest

_MEGABYTE = 1_000_000
_MEDIA_TYPES: Final = {
    "pdf": "application/pdf",
    "xml": "application/xml",
    "json": "application/json",
    "csv": "text/csv",
}


@dataclass(frozen=True, slots=True)
class _Source:
    """A table of documents; all of them have `kind`, `sha256` and `data`."""

    table: Any
    owner: str
    """Column of the row that a document is of."""

    def is_row(self, owner_id: int, kind: str) -> ColumnElement[bool]:
        """Whether a row is the document that is meant."""
        found: ColumnElement[bool] = (getattr(self.table, self.owner) == owner_id) & (
            self.table.kind == kind
        )
        return found


_SOURCES: Final[Mapping[DocumentTable, _Source]] = {
    DocumentTable.SETTLEMENT: _Source(SettlementDocument, "settlement_id"),
    DocumentTable.CORRECTED_INVOICE: _Source(CorrectedInvoiceDocument, "invoice_id"),
    DocumentTable.CREDIT_NOTE: _Source(CreditNoteDocument, "credit_note_id"),
    DocumentTable.REMINDER: _Source(ReminderDocument, "reminder_id"),
    DocumentTable.STATEMENT: _Source(StatementDocument, "statement_id"),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document as a mail carries it, byte for byte."""

    document_id: int
    """Row of `delivery_document`."""
    file_name: str
    media_type: str
    sha256: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Addressed:
    """To whom a mail goes, and what it carries."""

    to: tuple[str, ...]
    cc: tuple[str, ...]
    attachments: tuple[Attachment, ...]


def media_type_of(file_name: str) -> str:
    """What a document is served and mailed as."""
    return _MEDIA_TYPES[file_name.rpartition(".")[2]]


@dataclass(frozen=True, slots=True)
class Found:
    """A document as it is now; digest and size are None and 0 while it isn't made."""

    sha256: str | None
    size: int


def look_up(session: Session, enclosure: Enclosure) -> Found:
    """What there is of a document, without reading its bytes."""
    source = _SOURCES[enclosure.table]
    row = session.execute(
        select(source.table.sha256, func.length(source.table.data)).where(
            source.is_row(enclosure.owner_id, enclosure.kind)
        )
    ).one_or_none()
    return Found(row[0], row[1]) if row is not None and row[1] else Found(None, 0)


def check_made(enclosure: Enclosure, found: Found) -> None:
    """Conflict where a document isn't made and won't be: a mail only waits for PDFs.

    Statements of account are kept with theirs, so that one without has lost it.
    """
    awaited = enclosure.kind.endswith(".pdf") and enclosure.table is not DocumentTable.STATEMENT
    if found.sha256 is None and not awaited:
        raise Conflict(f"{enclosure.file_name} isn't there to be sent")


def check_size(size: int, largest: int) -> None:
    """BadInput where documents of `size` bytes make a mail longer than `largest` bytes.

    Mails carry three bytes as four characters, in lines that end with two more.
    """
    mailed = size * 137 // 100
    if mailed <= largest:
        return
    raise BadInput.one(
        Problem(
            "the documents are too large for one mail",
            column="documents",
            found=f"{mailed / _MEGABYTE:.1f} MB as a mail",
            allowed=f"at most {largest / _MEGABYTE:.1f} MB; choose fewer of them, or hand them over"
            " in another way and record that",
        )
    )


def addressed(session: Session, delivery: Delivery, largest: int) -> Addressed:
    """Recipients and documents of a queued mail, as they are now.

    Raises Busy while a document isn't made yet, Conflict where one is no longer what it was when
    the mail was queued or nobody is left to send it to, BadInput where the mail gets longer than
    `largest` bytes.
    """
    found = recipients_of(session, [delivery.id])[delivery.id]
    left = [one for one in found if one.address]
    to = tuple(one.address for one in left if one.kind is RecipientKind.TO)
    cc = tuple(one.address for one in left if one.kind is RecipientKind.CC)
    if not left:
        raise Conflict("all recipients were erased")
    rows = documents_of(session, [delivery.id])[delivery.id]
    attachments = tuple(_attachment(session, one) for one in rows)
    check_size(sum(len(one.data) for one in attachments), largest)
    return Addressed(to or cc, cc if to else (), attachments)


def _attachment(session: Session, row: DeliveryDocument) -> Attachment:
    source = _SOURCES[row.document_table]
    found = session.execute(
        select(source.table.sha256, source.table.data).where(source.is_row(row.owner_id, row.kind))
    ).one_or_none()
    if found is None or not found.data:
        raise Busy(f"{row.file_name} isn't made yet")
    sha256 = digest(found.data)
    if sha256 != found.sha256 or row.sha256 not in {None, sha256}:
        raise Conflict(f"{row.file_name} isn't what it was when the mail was queued")
    return Attachment(row.id, row.file_name, media_type_of(row.file_name), sha256, found.data)


def recipients_of(
    session: Session, delivery_ids: Sequence[int]
) -> dict[int, tuple[DeliveryRecipient, ...]]:
    """The recipients of each delivery, in their order."""
    rows = session.scalars(
        select(DeliveryRecipient)
        .where(col(DeliveryRecipient.delivery_id).in_(delivery_ids))
        .order_by(col(DeliveryRecipient.position))
    ).all()
    return {one: tuple(row for row in rows if row.delivery_id == one) for one in delivery_ids}


def documents_of(
    session: Session, delivery_ids: Sequence[int]
) -> dict[int, tuple[DeliveryDocument, ...]]:
    """The documents of each delivery, in their order."""
    rows = session.scalars(
        select(DeliveryDocument)
        .where(col(DeliveryDocument.delivery_id).in_(delivery_ids))
        .order_by(col(DeliveryDocument.position))
    ).all()
    return {one: tuple(row for row in rows if row.delivery_id == one) for one in delivery_ids}
