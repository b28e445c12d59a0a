"""Credit notes: drawn up from an invoice's lines, reviewed, issued and taken away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import RECENT, limited, requires
from app.security.throttle import EXPORT, PDF
from app.web.addresses import HOME, engagement_path, row_id
from app.web.deliveries_view import note_deliveries
from app.web.downloads import attachment
from app.web.exports import note_export
from app.web.forms import TextForm, text_of
from app.web.payments_view import amount_of_form
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.corrections.queries import correction_of, why_not_corrected
from billing.credit_notes.calculation import Amount, Asked, ByLine, Everything, Percentage
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.models import CreditNote, CreditNoteDocumentKind, CreditNoteState
from billing.credit_notes.queries import (
    Listed,
    credit_notes_of,
    documents_of,
    find_issued,
    get_credit_note,
    get_credit_note_document,
    issued,
    issued_of_period,
)
from billing.credit_notes.rendering import draw_credit_note, keep_drawn_note
from billing.credit_notes.reviewing import item_of_note, review
from billing.credit_notes.service import discard_credit_note, draw_up
from billing.disputes.queries import ListedDispute, list_disputes
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.invoices.models import FeeInvoice, InvoiceState
from governance.access import Permission, decide
from governance.engagements.models import Engagement
from governance.engagements.queries import standing_of
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.parties.models import User
from governance.values import Money, Period

_Request = Request[Any, Any, Any]
CREDIT_NOTES = f"{HOME}/{{reference:str}}/credit-notes"
_NOTE = f"{CREDIT_NOTES}/{{note:int}}"
_CREDIT = f"{PERIOD}/invoice/credit"
_SEEN = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_PERCENTAGE = re.compile(r"\d{1,3}(\.\d{1,6})?")


@get(CREDIT_NOTES, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_credit_notes(request: _Request) -> Response[str]:
    """The engagement's credit notes, newest first, or those of one invoice."""
    with engagement_work(request) as (unit, engagement):
        invoice, context = of_invoice(request, unit, engagement)
        notes = credit_notes_of(unit.session, unit.actor, engagement, invoice)
        return render(request, "credit_notes/list.html", notes=notes, **context)


def of_invoice(
    request: _Request, unit: Work, engagement: Engagement
) -> tuple[FeeInvoice | None, dict[str, Any]]:
    """The invoice that a list is asked for, if any, and what such a list shows besides its rows.

    NotFound for an unknown number.
    """
    number = request.query_params.get("invoice", "")
    found = find_issued(unit.session, unit.actor, engagement, number) if number else None
    invoice = found.invoice if found else None
    return invoice, {
        "engagement": engagement,
        "invoice": invoice,
        "invoice_period": period_of_invoice(invoice).label if invoice else "",
        "may": allowed(unit, engagement),
    }


@get(_CREDIT, guards=[requires(Permission.PREPARE_CREDIT_NOTE)], sync_to_thread=True)
def new_credit_note(request: _Request, label: FromPath[str]) -> Response[str]:
    """The form: one row a line, with what is left of it."""
    period = period_of_address(label)
    with engagement_work(request, Permission.PREPARE_CREDIT_NOTE) as (unit, engagement):
        found = issued_of_period(unit.session, unit.actor, engagement, period)
        left = found.left
        return render(
            request,
            "credit_notes/new.html",
            engagement=engagement,
            invoice=found.invoice,
            document=found.document,
            left=left,
            whole=sum((line.net for line in left.values()), Decimal(0)),
            period=period,
        )


def period_of_invoice(invoice: FeeInvoice) -> Period:
    """The days that an invoice charges."""
    return Period(invoice.period_start, invoice.period_end)


@post(_CREDIT, guards=[requires(Permission.PREPARE_CREDIT_NOTE)], sync_to_thread=True)
def add_credit_note(request: _Request, label: FromPath[str], data: TextForm) -> Response[Any]:
    """Draw up a draft from the form; Conflict where it was of another invoice."""
    period = period_of_address(label)
    with engagement_work(request, Permission.PREPARE_CREDIT_NOTE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement)
        invoice = issued_of_period(*place, period).invoice
        check_invoice_of_form(data, invoice)
        asked = asked_of(data, invoice.currency)
        note = draw_up(*place, invoice, asked, text_of(data, "reason"))
        path = _path(engagement, note)
    return see_other(request, path)


def check_invoice_of_form(form: Mapping[str, Any], invoice: FeeInvoice) -> None:
    """Conflict where the form was opened for another invoice than the period's one of now."""
    if text_of(form, "invoice") != invoice.number:
        raise Conflict(
            f"invoice {invoice.number} is the one of this period now, and the form was opened for"
            " another one; open it again"
        )


def asked_of(form: Mapping[str, Any], currency: str) -> Asked:
    """What the form wants to credit; BadInput for what is no amount or no choice."""
    match text_of(form, "how"):
        case "everything":
            return Everything()
        case "percent":
            return Percentage(_percentage_of(form))
        case "amount":
            return Amount(amount_of(form, "amount", currency))
        case "lines":
            return ByLine(_lines(form, currency))
    allowed_words = "lines, everything, percent or amount"
    raise BadInput.one(Problem("say what is credited", column="how", allowed=allowed_words))


def _lines(form: Mapping[str, Any], currency: str) -> dict[int, Decimal | None]:
    """By position: an amount, or None where the box for all that is left is ticked."""
    found: dict[int, Decimal | None] = {}
    for name in form:
        kind, _, position = name.partition("_")
        if not position.isascii() or not position.isdigit() or len(position) > 6:
            continue
        if kind == "rest" and text_of(form, name):
            found[int(position)] = None
        elif kind == "line" and text_of(form, name):
            found.setdefault(int(position), amount_of(form, name, currency))
    return found


def amount_of(form: Mapping[str, Any], name: str, currency: str) -> Decimal:
    """An amount that a person typed, by decimal comma or point; raises as amount_of_form."""
    return Money(amount_of_form(text_of(form, name), currency, name), currency).amount


def _percentage_of(form: Mapping[str, Any]) -> Decimal:
    text = text_of(form, "percent")
    plain = text.removesuffix("%").strip().replace(",", ".")
    if not _PERCENTAGE.fullmatch(plain):
        what = "this is no percentage"
        problem = Problem(what, column="percent", found=text[:40], allowed="such as 12.5")
        raise BadInput.one(problem)
    return Decimal(plain)


def _seen(form: Mapping[str, Any]) -> Decimal:
    """What the approver looked at, as the page wrote it and no person typed it."""
    text = text_of(form, "seen")
    if not _SEEN.fullmatch(text):
        raise BadInput.one(Problem("this is no amount", column="seen", found=text[:40]))
    return Decimal(text)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What an invoice's page lists besides its figures."""

    notes: tuple[Listed, ...]
    disputes: tuple[ListedDispute, ...]
    successor: FeeInvoice | None
    """The corrected invoice that takes its place, drawn up or issued."""
    may_be_corrected: bool
    """Whether one may be drawn up: it is credited in full."""
    may_be_disputed: bool
    """Whether credit notes have left anything of it, paid or not."""


def corrections_of(unit: Work, engagement: Engagement, invoice: FeeInvoice) -> Corrections:
    """Credit notes and disputes of an invoice, newest first, and what takes its place."""
    place = (unit.session, unit.actor, engagement, invoice)
    if invoice.state is not InvoiceState.ISSUED:
        return Corrections((), (), None, False, False)
    found, successor = issued(unit.session, invoice), correction_of(unit.session, invoice)
    return Corrections(
        notes=credit_notes_of(*place),
        disputes=list_disputes(*place),
        successor=successor,
        may_be_corrected=successor is None and not why_not_corrected(unit.session, found),
        may_be_disputed=any(line.net > 0 for line in found.left.values()),
    )


def _path(engagement: Engagement, note: CreditNote) -> str:
    return engagement_path(engagement.reference, "credit-notes", str(note.draft_number))


@get(_NOTE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_credit_note(request: _Request, note: FromPath[int]) -> Response[str]:
    """A draft as it would be issued now, or an issued note as it was frozen."""
    with engagement_work(request) as (unit, engagement):
        found = get_credit_note(unit.session, unit.actor, engagement, row_id(note))
        return render(request, "credit_notes/note.html", **_shown(unit, engagement, found))


def _shown(unit: Work, engagement: Engagement, note: CreditNote) -> dict[str, Any]:
    session = unit.session
    invoice = session.get_one(FeeInvoice, note.invoice_id)
    document, stale = _document(unit, engagement, note)
    standing = standing_of(session, unit.actor, engagement)
    return {
        "engagement": engagement,
        "note": note,
        "invoice": invoice,
        "period": period_of_invoice(invoice),
        "document": document,
        "stale": stale,
        "of_invoice": issued(session, invoice).document,
        "documents": documents_of(session, note),
        "deliveries": note_deliveries(unit, engagement, note),
        "prepared_by": session.get_one(User, note.prepared_by_id),
        "decided_by": session.get(User, note.decided_by_id) if note.decided_by_id else None,
        "approval": decide(standing, Permission.APPROVE_CREDIT_NOTE, item_of_note(note)),
        "may": allowed(unit, engagement),
    }


def _document(
    unit: Work, engagement: Engagement, note: CreditNote
) -> tuple[FeeDocument | None, str]:
    """The document, or why a draft comes to none any more."""
    if note.state is CreditNoteState.ISSUED:
        kept = get_credit_note_document(unit.session, note, CreditNoteDocumentKind.JSON)
        return read_fee_document(kept.data), ""
    if note.state is CreditNoteState.DISCARDED:
        return None, ""
    try:
        found = review(unit.session, unit.actor, engagement, note.draft_number)
    except Conflict as error:
        return None, str(error)
    return found.document, ""


@post(
    f"{_NOTE}/issue",
    guards=[requires(Permission.APPROVE_CREDIT_NOTE), limited(PDF)],
    opt=RECENT,
    sync_to_thread=True,
)
def issue(request: _Request, note: FromPath[int], data: TextForm) -> Response[Any]:
    """Approve a draft as another person: number it and freeze it; its PDF is drawn after that."""
    with engagement_work(request, Permission.APPROVE_CREDIT_NOTE) as (unit, engagement):
        issue_credit_note(unit.session, unit.actor, engagement, row_id(note), _seen(data))
    return _draw(request, row_id(note))


@post(
    f"{_NOTE}/pdf",
    guards=[requires(Permission.APPROVE_CREDIT_NOTE), limited(PDF)],
    sync_to_thread=True,
)
def make_note_pdf(request: _Request, note: FromPath[int]) -> Response[Any]:
    """Make the PDF of an issued note that has none."""
    return _draw(request, row_id(note))


def _draw(request: _Request, number: int) -> Response[Any]:
    """Draw the PDF of an issued note while nothing is locked, and keep it."""
    permission = Permission.APPROVE_CREDIT_NOTE
    with engagement_work(request, permission, reading=True) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, number)
        drawn = draw_credit_note(*place, unit.workshop.render)
    with engagement_work(request, permission) as (unit, engagement):
        keep_drawn_note(unit.session, unit.actor, engagement, drawn)
        path = engagement_path(engagement.reference, "credit-notes", str(number))
    return see_other(request, path)


@post(
    f"{_NOTE}/discard",
    guards=[requires(Permission.PREPARE_CREDIT_NOTE)],
    sync_to_thread=True,
)
def discard(request: _Request, note: FromPath[int]) -> Response[Any]:
    """Discard a draft."""
    with engagement_work(request, Permission.PREPARE_CREDIT_NOTE) as (unit, engagement):
        discard_credit_note(unit.session, unit.actor, engagement, row_id(note))
        path = engagement_path(engagement.reference, "credit-notes")
    return see_other(request, path)


@get(
    f"{_NOTE}/documents/{{note_file:str}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download(request: _Request, note: FromPath[int], note_file: FromPath[str]) -> Response[bytes]:
    """One of an issued note's documents, byte for byte."""
    with engagement_work(request) as (unit, engagement):
        found = get_credit_note(unit.session, unit.actor, engagement, row_id(note))
        kept = get_credit_note_document(unit.session, found, _kind(note_file))
        name = f"{engagement.reference}-{found.number}.{note_file.partition('.')[2]}"
        data, sha256 = kept.data, kept.sha256
    note_export(request, engagement.id, name, sha256=sha256, size=len(data))
    return attachment(data, name, _kind(note_file).media_type)


def _kind(file_name: str) -> CreditNoteDocumentKind:
    try:
        return CreditNoteDocumentKind(file_name)
    except ValueError:
        raise NotFound(f"a credit note has no document {file_name}") from None


ROUTER = Router(
    "/",
    route_handlers=[
        list_credit_notes,
        new_credit_note,
        add_credit_note,
        show_credit_note,
        issue,
        make_note_pdf,
        discard,
        download,
    ],
)
