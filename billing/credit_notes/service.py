"""Draw up credit notes, or discard their drafts; `issuing` has another person issue them."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.calculation import Asked, CreditFigures, credit
from billing.credit_notes.entries import record_note
from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.credit_notes.queries import get_credit_note, issued
from billing.credit_notes.reviewing import require_draft, sums_of
from billing.invoices.models import FeeInvoice
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import plain_lines
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import BadInput, Problem
from governance.tables import canonical_json
from governance.values import money_text

LONGEST_REASON = 4000


def draw_up(  # noqa: PLR0917 (what a note is drawn up from)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice: FeeInvoice,
    asked: Asked,
    reason: str,
    *,
    dispute_id: int | None = None,
) -> CreditNote:
    """A draft that gives back what is asked for; it holds nothing of the invoice back.

    Raises BadInput where the reason is missing or more is asked for than the invoice has left;
    Conflict where the invoice isn't issued.
    """
    require(session, actor, engagement, Permission.PREPARE_CREDIT_NOTE)
    lock_engagement(session, engagement)
    reason = checked_reason(reason)
    found = issued(session, invoice)
    figures = credit(found.document, asked, found.credited)
    note = CreditNote(
        engagement_id=engagement.id,
        provider_id=engagement.provider_id,
        invoice_id=invoice.id,
        draft_number=_next_number(session, engagement),
        state=CreditNoteState.DRAFT,
        reason=reason,
        asked_json=_asked_json(figures),
        dispute_id=dispute_id,
        currency=figures.currency,
        prepared_at=actor.at,
        prepared_by_id=actor.signed_in_id,
        **sums_of(figures),
    )
    session.add(note)
    session.flush()
    number = invoice.number or ""
    record_note(session, actor, note, Action.CREDIT_NOTE_DRAWN_UP, invoice=number)
    return note


def checked_reason(text: str, column: str = "reason") -> str:
    """The reason without space around it and control characters; BadInput without any."""
    reason = plain_lines(text).strip()
    if not reason or len(reason) > LONGEST_REASON:
        allowed = f"1 to {LONGEST_REASON} characters"
        raise BadInput.one(
            Problem("the reason is missing or too long", column=column, allowed=allowed)
        )
    return reason


def _next_number(session: Session, engagement: Engagement) -> int:
    """The caller holds the engagement's lock, so that no number is given twice."""
    last = session.scalars(
        select(func.max(col(CreditNote.draft_number))).where(
            col(CreditNote.engagement_id) == engagement.id
        )
    ).one()
    return (last or 0) + 1


def _asked_json(figures: CreditFigures) -> str:
    """By line what is given back before tax: so a draft never comes to more than was drawn up."""
    nets = {
        str(line.position): money_text(line.net, figures.currency) if line.net else None
        for line in figures.lines
    }
    return canonical_json(nets).decode()


def discard_credit_note(
    session: Session, actor: Actor, engagement: Engagement, draft_number: int
) -> CreditNote:
    """Discard a draft; Conflict where it is issued or discarded already."""
    require(session, actor, engagement, Permission.PREPARE_CREDIT_NOTE)
    lock_engagement(session, engagement)
    note = get_credit_note(session, actor, engagement, draft_number)
    session.refresh(note)
    require_draft(note)
    note.state = CreditNoteState.DISCARDED
    note.decided_at, note.decided_by_id = actor.at, actor.signed_in_id
    session.flush()
    record_note(session, actor, note, Action.CREDIT_NOTE_DISCARDED)
    return note
