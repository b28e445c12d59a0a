"""Draw up credit notes, issue them by another person, or discard them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.calculation import Asked, ByLine, CreditFigures, credit
from billing.credit_notes.documents import credit_note_document
from billing.credit_notes.models import (
    CreditNote,
    CreditNoteDocument,
    CreditNoteDocumentKind,
    CreditNoteLine,
    CreditNoteState,
)
from billing.credit_notes.queries import Issued, get_credit_note, issued
from billing.e_invoices.made import e_invoices_of
from billing.invoices.fee_document import FeeDocument
from billing.invoices.fee_document_json import fee_document_json
from billing.invoices.limits import require_within_limit
from billing.invoices.models import FeeInvoice
from billing.invoices.series import take_number
from governance.access import Actor, Item, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.sequencing import latest_state
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import BadInput, Conflict, Problem
from governance.tables import canonical_json, digest
from governance.values import Money, money_text
from governance.zones import local_day

LONGEST_REASON = 4000


class CreditNoteRenderer(Protocol):
    """Makes the PDF; the application provides it, as only it knows templates."""

    def credit_note(self, document: FeeDocument, log: Checkpoint | None) -> bytes:
        """The credit note as PDF; it states the audit log's checkpoint, if any."""
        ...

    def template_version(self) -> str:
        """SHA-256 over everything that decides on how documents look."""
        ...


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A credit note with the invoice that it corrects and the figures as they come out now."""

    note: CreditNote
    issued: Issued
    figures: CreditFigures
    document: FeeDocument


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
        **_sums(figures),
    )
    session.add(note)
    session.flush()
    _record(session, actor, note, Action.CREDIT_NOTE_DRAWN_UP, invoice.number or "")
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


def _sums(figures: CreditFigures) -> dict[str, Any]:
    names = ("subtotal", "service_credit", "tax", "withholding", "total", "payable")
    return {
        f"{name}_minor": Money.of(getattr(figures, name), figures.currency).minor for name in names
    }


def review(session: Session, actor: Actor, engagement: Engagement, draft_number: int) -> Reviewed:
    """A draft as it would be issued now; NotFound for an unknown one.

    Raises Conflict where the note is no draft, or where the invoice hasn't so much left any more.
    """
    note = get_credit_note(session, actor, engagement, draft_number)
    _require_draft(note)
    return _reviewed(session, note)


def _require_draft(note: CreditNote) -> None:
    if note.state is not CreditNoteState.DRAFT:
        raise Conflict(f"credit note {note.name} is {note.state.value} already")


def _reviewed(session: Session, note: CreditNote) -> Reviewed:
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


def issue_credit_note(  # noqa: PLR0917 (what issuing needs)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    draft_number: int,
    render: CreditNoteRenderer,
    seen: Decimal | None = None,
) -> CreditNote:
    """Approve a draft, number it and freeze it with its documents.

    The invoice is locked meanwhile, so that credit notes of one invoice follow one another and
    never come to more than it. `seen` is the amount payable that the approver looked at.

    Raises NotFound for an unknown note; Forbidden for who drew it up and beyond the approver's
    limit; Conflict where it is issued or discarded, where the invoice hasn't so much left any
    more, or where its amount has changed since it was looked at.
    """
    require(session, actor, engagement, Permission.APPROVE_CREDIT_NOTE)
    lock_engagement(session, engagement)
    note = _locked(session, get_credit_note(session, actor, engagement, draft_number))
    _require_draft(note)
    require(session, actor, engagement, Permission.APPROVE_CREDIT_NOTE, item_of_note(note))
    found = _reviewed(session, note)
    require_within_limit(
        session, actor, engagement, Permission.APPROVE_CREDIT_NOTE, found.figures.payable
    )
    if seen is not None and seen != found.figures.payable:
        raise Conflict("another credit note changed this one's tax meanwhile; look at it again")
    log = latest_state(session)
    for name, minor in _sums(found.figures).items():
        setattr(note, name, minor)
    note.log_size = log.size if log else None
    session.add_all(_lines(note, found.figures))
    document = _numbered(session, actor, engagement, found)
    _freeze(session, note, document, log, render)
    session.flush()
    _record(session, actor, note, Action.CREDIT_NOTE_ISSUED, found.issued.document.number or "")
    return note


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
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(f"the number {taken.number} is in use by another series") from None
    return credit_note_document(
        found.issued.document,
        found.figures,
        reason=note.reason,
        number=taken.number,
        issued_on=issued_on,
    )


def _freeze(
    session: Session,
    note: CreditNote,
    document: FeeDocument,
    log: Checkpoint | None,
    render: CreditNoteRenderer,
) -> None:
    made = e_invoices_of(document)
    contents = {
        CreditNoteDocumentKind.JSON: canonical_json(credit_note_json(document, log)),
        CreditNoteDocumentKind.PDF: render.credit_note(document, log),
        CreditNoteDocumentKind.CII: made.cii,
        CreditNoteDocumentKind.UBL: made.ubl,
    }
    version = {CreditNoteDocumentKind.PDF: render.template_version()}
    session.add_all(
        [
            CreditNoteDocument(
                credit_note_id=note.id,
                kind=kind,
                sha256=digest(data),
                data=data,
                template_version=version.get(kind),
            )
            for kind, data in contents.items()
            if data is not None
        ]
    )


def credit_note_json(document: FeeDocument, log: Checkpoint | None) -> dict[str, Any]:
    """The document as it is frozen, with the audit log's state where there is one."""
    stated = fee_document_json(document)
    if log is None:
        return stated
    root = b64encode(log.root).decode()
    return stated | {"audit_log": {"origin": log.origin, "size": log.size, "root": root}}


def discard_credit_note(
    session: Session, actor: Actor, engagement: Engagement, draft_number: int
) -> CreditNote:
    """Discard a draft; Conflict where it is issued or discarded already."""
    require(session, actor, engagement, Permission.PREPARE_CREDIT_NOTE)
    lock_engagement(session, engagement)
    note = get_credit_note(session, actor, engagement, draft_number)
    session.refresh(note)
    _require_draft(note)
    note.state = CreditNoteState.DISCARDED
    note.decided_at, note.decided_by_id = actor.at, actor.signed_in_id
    session.flush()
    _record(session, actor, note, Action.CREDIT_NOTE_DISCARDED)
    return note


def _record(
    session: Session, actor: Actor, note: CreditNote, action: Action, invoice: str = ""
) -> None:
    payable = note.money(note.payable_minor)
    after = {
        "state": note.state.value,
        "payable": money_text(payable.amount, payable.currency),
        "currency": payable.currency,
    } | ({"invoice": invoice} if invoice else {})
    change = Change(
        action,
        "credit_note",
        note.id,
        note.name,
        note.engagement_id,
        None,
        after,
        reason=note.reason,
    )
    record(session, actor, change)
