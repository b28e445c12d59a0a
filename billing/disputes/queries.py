"""Find disputes, and what is disputed of an invoice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import case, exists, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.disputes.models import Dispute, DisputeState
from billing.invoices.models import FeeInvoice
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import NotFound


@dataclass(frozen=True, slots=True)
class Disputed:
    """What of an invoice is in dispute, or was accepted and isn't credited yet."""

    count: int
    amount_minor: int
    """Before tax."""


def disputes_of(session: Session, invoice_ids: Collection[int]) -> dict[int, Disputed]:
    """By invoice: disputes that wait for an answer or for their credit note to be issued.

    Invoices without one are left out.
    """
    waits = col(Dispute.state) == DisputeState.OPEN
    amount = case((waits, col(Dispute.amount_minor)), else_=col(Dispute.accepted_minor))
    credited = exists().where(
        col(CreditNote.dispute_id) == col(Dispute.id),
        col(CreditNote.state) == CreditNoteState.ISSUED,
    )
    rows = session.execute(
        select(col(Dispute.invoice_id), func.count(col(Dispute.id)), func.sum(amount))
        .where(
            col(Dispute.invoice_id).in_(invoice_ids),
            or_(waits, col(Dispute.state).in_(_ACCEPTED) & ~credited),
        )
        .group_by(col(Dispute.invoice_id))
    )
    return {invoice_id: Disputed(count, int(minor)) for invoice_id, count, minor in rows}


_ACCEPTED = (DisputeState.ACCEPTED, DisputeState.PARTLY_ACCEPTED)


@dataclass(frozen=True, slots=True)
class ListedDispute:
    """A dispute, its invoice and the credit note that settles it, if any."""

    dispute: Dispute
    invoice: FeeInvoice
    note: CreditNote | None


def list_disputes(
    session: Session, actor: Actor, engagement: Engagement, invoice: FeeInvoice | None = None
) -> tuple[ListedDispute, ...]:
    """The engagement's disputes, or one invoice's, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    asked = (
        select(Dispute, FeeInvoice)
        .join(FeeInvoice, col(FeeInvoice.id) == col(Dispute.invoice_id))
        .where(col(Dispute.engagement_id) == engagement.id)
        .order_by(col(Dispute.id).desc())
    )
    if invoice is not None:
        asked = asked.where(col(Dispute.invoice_id) == invoice.id)
    rows = session.execute(asked).all()
    notes = _notes(session, [dispute.id for dispute, _ in rows])
    return tuple(ListedDispute(dispute, of, notes.get(dispute.id)) for dispute, of in rows)


def _notes(session: Session, dispute_ids: Collection[int]) -> dict[int, CreditNote]:
    """By dispute: its newest credit note that wasn't discarded."""
    found = session.scalars(
        select(CreditNote)
        .where(
            col(CreditNote.dispute_id).in_(dispute_ids),
            col(CreditNote.state) != CreditNoteState.DISCARDED,
        )
        .order_by(col(CreditNote.id))
    )
    return {note.dispute_id: note for note in found if note.dispute_id is not None}


def get_dispute(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> ListedDispute:
    """One dispute by its number within the engagement; NotFound for an unknown one."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.execute(
        select(Dispute, FeeInvoice)
        .join(FeeInvoice, col(FeeInvoice.id) == col(Dispute.invoice_id))
        .where(col(Dispute.engagement_id) == engagement.id, col(Dispute.number) == number)
    ).one_or_none()
    if row is None:
        raise NotFound(f"{engagement.reference} has no dispute D-{number}")
    dispute, invoice = row
    return ListedDispute(dispute, invoice, _notes(session, [dispute.id]).get(dispute.id))
