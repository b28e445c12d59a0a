"""The PDFs of issued credit notes: drawn while nothing is locked, kept in a transaction apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing.credit_notes.entries import record_note
from billing.credit_notes.models import (
    CreditNote,
    CreditNoteDocument,
    CreditNoteDocumentKind,
    CreditNoteState,
)
from billing.credit_notes.queries import documents_of, get_credit_note, get_credit_note_document
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.invoices.rendering import checkpoint_of
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import Conflict
from governance.tables import digest


class CreditNoteRenderer(Protocol):
    """Makes the PDF; the application provides it, as only it knows templates."""

    def credit_note(self, document: FeeDocument, log: Checkpoint | None) -> bytes:
        """The credit note as PDF; it states the audit log's checkpoint, if any."""
        ...

    def template_version(self) -> str:
        """SHA-256 over everything that decides on how documents look."""
        ...


@dataclass(frozen=True, slots=True)
class DrawnNote:
    """The PDF of an issued credit note, not kept yet."""

    draft_number: int
    data: bytes = field(repr=False)
    template_version: str


def draw_credit_note(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    draft_number: int,
    render: CreditNoteRenderer,
) -> DrawnNote:
    """The PDF of an issued note, from its frozen figures; writes and locks nothing.

    Raises NotFound for an unknown note, Forbidden without the permission to approve credit notes,
    Conflict where it isn't issued or its PDF is made.
    """
    note = _issued(session, actor, engagement, draft_number)
    if CreditNoteDocumentKind.PDF in documents_of(session, note):
        raise Conflict("the PDF is made already")
    kept = get_credit_note_document(session, note, CreditNoteDocumentKind.JSON)
    stated = json.loads(kept.data)
    data = render.credit_note(read_fee_document(stated), checkpoint_of(stated))
    return DrawnNote(draft_number, data, render.template_version())


def keep_drawn_note(
    session: Session, actor: Actor, engagement: Engagement, drawn: DrawnNote
) -> CreditNoteDocument:
    """Freeze a drawn PDF; where another was faster, that one stays. Raises as draw_credit_note."""
    note = _issued(session, actor, engagement, drawn.draft_number)
    document = CreditNoteDocument(
        credit_note_id=note.id,
        kind=CreditNoteDocumentKind.PDF,
        sha256=digest(drawn.data),
        data=drawn.data,
        template_version=drawn.template_version,
    )
    try:
        with session.begin_nested():
            session.add(document)
    except IntegrityError:
        return get_credit_note_document(session, note, CreditNoteDocumentKind.PDF)
    record_note(session, actor, note, Action.CREDIT_NOTE_RENDERED, sha256=document.sha256)
    return document


def _issued(
    session: Session, actor: Actor, engagement: Engagement, draft_number: int
) -> CreditNote:
    require(session, actor, engagement, Permission.APPROVE_CREDIT_NOTE)
    note = get_credit_note(session, actor, engagement, draft_number)
    if note.state is not CreditNoteState.ISSUED:
        raise Conflict("the credit note isn't issued yet")
    return note
