"""Find credit notes, and what they have left of an invoice."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.corrections.copies import invoice_copy
from billing.credit_notes.lines import UNTOUCHED, CreditedLine, LineLeft, lines_left
from billing.credit_notes.models import (
    CreditNote,
    CreditNoteDocument,
    CreditNoteDocumentKind,
    CreditNoteLine,
    CreditNoteState,
)
from billing.invoices.drafts import invoice_of
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.settlement.models import DocumentKind
from billing.settlement.queries import find_settlement
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import Conflict, NotFound
from governance.values import Money, Period


@dataclass(frozen=True, slots=True)
class Issued:
    """An issued invoice as it was frozen, and what credit notes gave back of its lines."""

    invoice: FeeInvoice
    document: FeeDocument
    credited: Mapping[int, CreditedLine]
    """By position."""
    stated: Mapping[str, Any]
    """The frozen document as it is, with what its figures rest on."""

    @property
    def left(self) -> dict[int, LineLeft]:
        """Every line by its position, with what may still be credited of it."""
        return lines_left(self.document, self.credited)


def find_issued(session: Session, actor: Actor, engagement: Engagement, number: str) -> Issued:
    """The engagement's invoice of that number.

    Raises NotFound for an unknown number, drafts included.
    """
    require(session, actor, engagement, Permission.VIEW)
    invoice = session.execute(
        select(FeeInvoice).where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.number) == number,
            col(FeeInvoice.state) == InvoiceState.ISSUED,
        )
    ).scalar_one_or_none()
    if invoice is None:
        raise NotFound(f"{engagement.reference} has no issued invoice {number}")
    return issued(session, invoice)


def issued_of_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> Issued:
    """The issued invoice of a settled period, of several the latest corrected one.

    Raises NotFound where the period was never settled, Conflict where its invoice is a draft.
    """
    row = find_settlement(session, actor, engagement, period)
    latest = session.scalars(
        select(FeeInvoice)
        .where(
            col(FeeInvoice.settlement_id) == row.id, col(FeeInvoice.state) == InvoiceState.ISSUED
        )
        .order_by(col(FeeInvoice.id).desc())
        .limit(1)
    ).one_or_none()
    return issued(session, latest or invoice_of(session, row))


def issued(session: Session, invoice: FeeInvoice) -> Issued:
    """An issued invoice with its frozen document; Conflict for one that isn't issued."""
    if invoice.state is not InvoiceState.ISSUED:
        raise Conflict("the invoice isn't issued yet: settle the period again to change it")
    kept = invoice_copy(session, invoice, DocumentKind.INVOICE)
    assert kept is not None  # noqa: S101 (an issued invoice has its figures)
    stated = json.loads(kept.data)
    return Issued(invoice, read_fee_document(stated), credited_lines(session, invoice), stated)


def credited_lines(session: Session, invoice: FeeInvoice) -> dict[int, CreditedLine]:
    """What issued credit notes gave back of an invoice's lines, by position."""
    rows = session.scalars(
        select(CreditNoteLine)
        .join(CreditNote, col(CreditNote.id) == col(CreditNoteLine.credit_note_id))
        .where(col(CreditNote.invoice_id) == invoice.id)
        .order_by(col(CreditNoteLine.id))
    )
    found: dict[int, CreditedLine] = {}
    for row in rows:
        found[row.position] = found.get(row.position, UNTOUCHED) + _line(row)
    return found


def _line(row: CreditNoteLine) -> CreditedLine:
    amount, allowance = (
        Money(minor, row.currency).amount for minor in (row.amount_minor, row.allowance_minor)
    )
    return CreditedLine(row.position, amount, allowance)


def credited_of(session: Session, invoice_ids: Collection[int]) -> dict[int, int]:
    """By invoice: what issued credit notes gave back, payable, in minor units.

    Invoices without a credit note are left out.
    """
    rows = session.execute(
        select(col(CreditNote.invoice_id), func.sum(col(CreditNote.payable_minor)))
        .where(
            col(CreditNote.invoice_id).in_(invoice_ids),
            col(CreditNote.state) == CreditNoteState.ISSUED,
        )
        .group_by(col(CreditNote.invoice_id))
    )
    return {invoice_id: int(minor) for invoice_id, minor in rows}


@dataclass(frozen=True, slots=True)
class Listed:
    """A credit note and the number of its invoice, as a list shows them."""

    note: CreditNote
    invoice: FeeInvoice


def credit_notes_of(
    session: Session, actor: Actor, engagement: Engagement, invoice: FeeInvoice | None = None
) -> tuple[Listed, ...]:
    """The engagement's credit notes, or one invoice's, without discarded drafts, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    asked = (
        select(CreditNote, FeeInvoice)
        .join(FeeInvoice, col(FeeInvoice.id) == col(CreditNote.invoice_id))
        .where(
            col(CreditNote.engagement_id) == engagement.id,
            col(CreditNote.state) != CreditNoteState.DISCARDED,
        )
        .order_by(col(CreditNote.id).desc())
    )
    if invoice is not None:
        asked = asked.where(col(CreditNote.invoice_id) == invoice.id)
    return tuple(Listed(note, of) for note, of in session.execute(asked))


def get_credit_note(
    session: Session, actor: Actor, engagement: Engagement, draft_number: int
) -> CreditNote:
    """One credit note by its number within the engagement; NotFound for an unknown one."""
    require(session, actor, engagement, Permission.VIEW)
    note = session.execute(
        select(CreditNote).where(
            col(CreditNote.engagement_id) == engagement.id,
            col(CreditNote.draft_number) == draft_number,
        )
    ).scalar_one_or_none()
    if note is None:
        raise NotFound(f"{engagement.reference} has no credit note {draft_number}")
    return note


def get_credit_note_document(
    session: Session, note: CreditNote, kind: CreditNoteDocumentKind
) -> CreditNoteDocument:
    """One document of an issued note; NotFound where it has none of that kind."""
    document = session.execute(
        select(CreditNoteDocument).where(
            col(CreditNoteDocument.credit_note_id) == note.id, col(CreditNoteDocument.kind) == kind
        )
    ).scalar_one_or_none()
    if document is None:
        raise NotFound(f"the credit note has no document {kind.value}")
    return document


def documents_of(session: Session, note: CreditNote) -> dict[CreditNoteDocumentKind, str]:
    """The digests of an issued note's documents; empty for a draft."""
    rows = session.execute(
        select(col(CreditNoteDocument.kind), col(CreditNoteDocument.sha256)).where(
            col(CreditNoteDocument.credit_note_id) == note.id
        )
    )
    return {row.kind: row.sha256 for row in rows}
