"""A draft credit note as it would be issued now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from billing.credit_notes.calculation import ByLine, CreditFigures, credit
from billing.credit_notes.documents import credit_note_document
from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.credit_notes.queries import Issued, get_credit_note, issued
from billing.invoices.fee_document import FeeDocument
from billing.invoices.models import FeeInvoice
from governance.access import Actor, Item
from governance.engagements.models import Engagement
from governance.errors import BadInput, Conflict
from governance.values import Money


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A credit note with the invoice that it corrects and the figures as they come out now."""

    note: CreditNote
    issued: Issued
    figures: CreditFigures
    document: FeeDocument


def review(session: Session, actor: Actor, engagement: Engagement, draft_number: int) -> Reviewed:
    """A draft as it would be issued now; NotFound for an unknown one.

    Raises Conflict where the note is no draft, or where the invoice hasn't so much left any more.
    """
    note = get_credit_note(session, actor, engagement, draft_number)
    require_draft(note)
    return reviewed(session, note)


def require_draft(note: CreditNote) -> None:
    """Conflict where a note is issued or discarded."""
    if note.state is not CreditNoteState.DRAFT:
        raise Conflict(f"credit note {note.name} is {note.state.value} already")


def reviewed(session: Session, note: CreditNote) -> Reviewed:
    """A note's figures as they come out now; Conflict where the invoice hasn't so much left."""
    found = issued(session, session.get_one(FeeInvoice, note.invoice_id))
    amounts = json.loads(note.asked_json).items()
    asked = ByLine({int(key): None if net is None else Decimal(net) for key, net in amounts})
    try:
        figures = credit(found.document, asked, found.credited)
    except BadInput as error:
        raise Conflict(
            f"invoice {found.invoice.number} hasn't so much left any more: another credit note was"
            f" issued since this was drawn up ({error.problems[0].what}); draw it up anew"
        ) from None
    document = credit_note_document(found.document, figures, reason=note.reason)
    return Reviewed(note, found, figures, document)


def item_of_note(note: CreditNote) -> Item:
    """What the policy asks of a credit note."""
    return Item(prepared_by=note.prepared_by_id)


def sums_of(figures: CreditFigures) -> dict[str, Any]:
    """A note's columns in whole minor units."""
    names = ("subtotal", "service_credit", "tax", "withholding", "total", "payable")
    return {
        f"{name}_minor": Money.of(getattr(figures, name), figures.currency).minor for name in names
    }
