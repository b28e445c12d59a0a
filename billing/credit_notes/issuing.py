"""Issue credit notes: reviewed, numbered and frozen under a lock; the PDF is made afterwards."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.calculation import CreditFigures
from billing.credit_notes.documents import credit_note_document
from billing.credit_notes.entries import record_note
from billing.credit_notes.models import (
    CreditNote,
    CreditNoteDocument,
    CreditNoteDocumentKind,
    CreditNoteLine,
    CreditNoteState,
)
from billing.credit_notes.queries import get_credit_note
from billing.credit_notes.reviewing import (
    Reviewed,
    item_of_note,
    require_draft,
    reviewed,
    sums_of,
)
from billing.e_invoices.made import e_invoices_of
from billing.invoices.fee_document import FeeDocument
from billing.invoices.fee_document_json import fee_document_json
from billing.invoices.limits import require_within_limit
from billing.invoices.models import FeeInvoice
from billing.invoices.series import take_number
from billing.payments.reversals import Credited, reverse_credited
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.sequencing import latest_state
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import Conflict
from governance.tables import canonical_json, digest
from governance.values import Money
from governance.zones import local_day


def issue_credit_note(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    draft_number: int,
    seen: Decimal | None = None,
) -> CreditNote:
    """Approve a draft, number it and freeze its figures; its PDF is made afterwards.

    The invoice is locked meanwhile, so that credit notes of one invoice follow one another and
    never come to more than it: nothing is drawn under the lock. `seen` is the amount payable that
    the approver looked at.

    Raises NotFound for an unknown note; Forbidden for who drew it up and beyond the approver's
    limit; Conflict where it is issued or discarded, where the invoice hasn't so much left any
    more, or where its amount has changed since it was looked at.
    """
    require(session, actor, engagement, Permission.APPROVE_CREDIT_NOTE)
    lock_engagement(session, engagement)
    note = _locked(session, get_credit_note(session, actor, engagement, draft_number))
    require_draft(note)
    require(session, actor, engagement, Permission.APPROVE_CREDIT_NOTE, item_of_note(note))
    found = reviewed(session, note)
    require_within_limit(
        session, actor, engagement, Permission.APPROVE_CREDIT_NOTE, found.figures.payable
    )
    if seen is not None and seen != found.figures.payable:
        raise Conflict("another credit note changed this one's tax meanwhile; look at it again")
    log = latest_state(session)
    for name, minor in sums_of(found.figures).items():
        setattr(note, name, minor)
    note.log_size = log.size if log else None
    session.add_all(_lines(note, found.figures))
    _freeze(session, note, _numbered(session, actor, engagement, found), log)
    number = found.issued.document.number or ""
    record_note(session, actor, note, Action.CREDIT_NOTE_ISSUED, invoice=number)
    _reverse_write_offs(session, actor, engagement, note)
    return note


def _reverse_write_offs(
    session: Session, actor: Actor, engagement: Engagement, note: CreditNote
) -> None:
    """What the note gives back isn't lost besides: no more than is owed stays written off."""
    invoice = session.get_one(FeeInvoice, note.invoice_id)
    on = note.issued_on or actor.at.date()
    credited = Credited(note.name, on, note.prepared_by_id)
    reverse_credited(session, actor, engagement, invoice, credited)


def _locked(session: Session, note: CreditNote) -> CreditNote:
    """The note as it stands, under a lock on its invoice that all its credit notes take."""
    session.execute(
        select(col(FeeInvoice.id))
        .where(col(FeeInvoice.id) == note.invoice_id)
        .with_for_update(key_share=True)
    )
    session.refresh(note)
    return note


def _lines(note: CreditNote, figures: CreditFigures) -> Iterator[CreditNoteLine]:
    for line in figures.lines:
        yield CreditNoteLine(
            credit_note_id=note.id,
            position=line.position,
            currency=note.currency,
            amount_minor=Money.of(line.amount, note.currency).minor,
            allowance_minor=Money.of(line.allowance, note.currency).minor,
        )


def _numbered(
    session: Session, actor: Actor, engagement: Engagement, found: Reviewed
) -> FeeDocument:
    """The number comes last and under a lock, so that a failure skips none."""
    note, contract = found.note, contract_of(agreed_contract(session, engagement))
    issued_on = local_day(contract.engagement.time_zone, actor.at)
    pattern = contract.invoicing.credit_note_number
    taken = take_number(session, note.provider_id, pattern, issued_on)
    note.series_id, note.sequence = taken.series_id, taken.sequence
    note.number, note.issued_on = taken.number, issued_on
    note.decided_at, note.decided_by_id = actor.at, actor.signed_in_id
    note.state = CreditNoteState.ISSUED
    session.flush()
    return credit_note_document(
        found.issued.document,
        found.figures,
        reason=note.reason,
        number=taken.number,
        issued_on=issued_on,
    )


def _freeze(
    session: Session, note: CreditNote, document: FeeDocument, log: Checkpoint | None
) -> None:
    """The figures and the electronic forms that the contract has the keys for."""
    made = e_invoices_of(document)
    contents = {
        CreditNoteDocumentKind.JSON: canonical_json(credit_note_json(document, log)),
        CreditNoteDocumentKind.CII: made.cii,
        CreditNoteDocumentKind.UBL: made.ubl,
    }
    session.add_all(
        [
            CreditNoteDocument(credit_note_id=note.id, kind=kind, sha256=digest(data), data=data)
            for kind, data in contents.items()
            if data is not None
        ]
    )
    session.flush()


def credit_note_json(document: FeeDocument, log: Checkpoint | None) -> dict[str, Any]:
    """The document as it is frozen, with the audit log's state where there is one."""
    stated = fee_document_json(document)
    if log is None:
        return stated
    root = b64encode(log.root).decode()
    return stated | {"audit_log": {"origin": log.origin, "size": log.size, "root": root}}
