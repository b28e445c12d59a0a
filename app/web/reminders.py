"""Reminders: what is due for one, what it would say, and those that were issued."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from app.documents.reminder import render_reminder
from app.documents.template_version import template_version
from app.security.guards import limited, requires
from app.security.throttle import EXPORT, PDF
from app.web.addresses import HOME, engagement_path, row_id
from app.web.downloads import attachment
from app.web.exports import note_export
from app.web.forms import TextForm, text_of, texts_of
from app.web.reminders_mail import send_reminder, sending_of
from app.web.reminders_view import STATE_WORDS, ids_of_form, letter_view, seen_total
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.deliveries.values import DeliverySubject
from billing.indexation_series import IndexSeries
from billing.invoices.models import FeeInvoice
from billing.reminders.letter import read_letter
from billing.reminders.models import ReminderDocumentKind
from billing.reminders.queries import (
    Due,
    charges_of,
    due_reminders,
    find_document,
    get_document,
    get_reminder,
    reminders_of,
)
from billing.reminders.rendering import keep_reminder_pdf, letter_to_draw
from billing.reminders.service import (
    Chosen,
    draft_reminder,
    issue_reminder,
    waive_charge,
    why_not,
)
from billing.statements.queries import late_series, terms_of
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import NotFound
from governance.parties.models import User

_Request = Request[Any, Any, Any]
REMINDERS = f"{HOME}/{{reference:str}}/reminders"
_ONE = f"{REMINDERS}/{{reminder:int}}"
_VIEWS = [requires(Permission.VIEW)]
_SENDS = [requires(Permission.SEND_INVOICE)]
_MAKES = [*_SENDS, limited(PDF)]
Numbers = Annotated[list[int] | None, QueryParameter(max_items=500)]
Flag = Annotated[str, QueryParameter(max_length=5)]


@get(REMINDERS, guards=_VIEWS, sync_to_thread=True)
def list_reminders(request: _Request) -> Response[str]:
    """For the provider every late invoice with its next step; the reminders that were issued."""
    with engagement_work(request) as (unit, engagement):
        may = allowed(unit, engagement)
        terms = terms_of(unit.session, engagement, unit.actor)
        due: tuple[Due, ...] = ()
        if Permission.SEND_INVOICE in may:
            series = late_series(unit.session, engagement, terms, unit.store)
            due = due_reminders(unit.session, engagement, terms, series)
        return render(
            request,
            "reminders/list.html",
            engagement=engagement,
            due=due,
            terms=terms,
            reminders=reminders_of(unit.session, unit.actor, engagement),
            state_words=STATE_WORDS,
            why_not=why_not,
            may=may,
        )


@get(f"{REMINDERS}/new", guards=_SENDS, sync_to_thread=True)
def preview(request: _Request, invoice: Numbers = None, charges: Flag = "") -> Response[str]:
    """What a reminder about the chosen invoices would say; nothing is changed."""
    chosen = Chosen(frozenset(invoice or ()), bool(charges))
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        series = _series(unit, engagement)
        draft = draft_reminder(unit.session, unit.actor, engagement, chosen, series)
    return render(
        request,
        "reminders/new.html",
        engagement=engagement,
        letter=draft.letter,
        said=letter_view(draft.letter),
        chosen=chosen,
    )


def _series(unit: Work, engagement: Engagement) -> IndexSeries | None:
    terms = terms_of(unit.session, engagement, unit.actor)
    return late_series(unit.session, engagement, terms, unit.store)


@post(REMINDERS, guards=_MAKES, sync_to_thread=True)
def issue(request: _Request, data: TextForm) -> Response[Any]:
    """Issue the reminder that was previewed; its PDF is drawn while nothing is locked."""
    chosen = Chosen(ids_of_form(texts_of(data, "invoice")), bool(text_of(data, "charges")))
    with engagement_work(request, Permission.SEND_INVOICE, reading=True) as (unit, engagement):
        series = _series(unit, engagement)
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, chosen, series)
        number = issue_reminder(*place, seen_total(text_of(data, "seen"))).number
    _draw(request, number)
    return see_other(request, _path(engagement, number))


def _draw(request: _Request, number: int) -> Engagement:
    """Draw the PDF of a reminder where there is none, and keep it."""
    with engagement_work(request, Permission.SEND_INVOICE, reading=True) as (unit, engagement):
        letter = letter_to_draw(unit.session, unit.actor, engagement, number)
    if letter is None:
        return engagement
    pdf = render_reminder(letter)
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, number)
        keep_reminder_pdf(*place, pdf, template_version())
    return engagement


def _path(engagement: Engagement, number: int) -> str:
    return engagement_path(engagement.reference, "reminders", str(number))


@get(_ONE, guards=_VIEWS, sync_to_thread=True)
def show_reminder(request: _Request, reminder: FromPath[int]) -> Response[str]:
    """One reminder as it was frozen, what became of its charges, and where it was sent."""
    with engagement_work(request) as (unit, engagement):
        session = unit.session
        row = get_reminder(session, unit.actor, engagement, row_id(reminder))
        frozen = get_document(session, row, ReminderDocumentKind.JSON)
        letter = read_letter(frozen.data)
        charges = charges_of(session, row)
        of = {one.invoice_id for one in charges if one.invoice_id is not None}
        return render(
            request,
            "reminders/reminder.html",
            engagement=engagement,
            reminder=row,
            letter=letter,
            said=letter_view(letter),
            frozen=frozen,
            pdf=find_document(session, row, ReminderDocumentKind.PDF),
            charges=charges,
            numbers={one: session.get_one(FeeInvoice, one).number for one in of},
            issued_by=session.get_one(User, row.issued_by_id),
            sending=sending_of(unit, engagement, DeliverySubject.REMINDER, row.id),
            may=allowed(unit, engagement),
        )


@post(f"{_ONE}/pdf", guards=_MAKES, sync_to_thread=True)
def make_pdf(request: _Request, reminder: FromPath[int]) -> Response[Any]:
    """Draw the PDF of a reminder that has none."""
    number = row_id(reminder)
    return see_other(request, _path(_draw(request, number), number))


@post(f"{_ONE}/send", guards=_MAKES, sync_to_thread=True)
def send(request: _Request, reminder: FromPath[int], data: TextForm) -> Response[Any]:
    """Queue it as a mail to the addresses of the form."""
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        row = get_reminder(unit.session, unit.actor, engagement, row_id(reminder))
        frozen = get_document(unit.session, row, ReminderDocumentKind.JSON)
        send_reminder(unit, engagement, row, read_letter(frozen.data), data)
        path = _path(engagement, row.number)
    return see_other(request, path)


@post(
    f"{_ONE}/charges/{{charge:int}}/waive",
    guards=[requires(Permission.WRITE_OFF)],
    sync_to_thread=True,
)
def waive(
    request: _Request, reminder: FromPath[int], charge: FromPath[int], data: TextForm
) -> Response[Any]:
    """Let go of one of its charges, with a reason."""
    with engagement_work(request, Permission.WRITE_OFF) as (unit, engagement):
        place = (row_id(reminder), row_id(charge), text_of(data, "reason"))
        waive_charge(unit.session, unit.actor, engagement, *place)
    return see_other(request, _path(engagement, reminder))


@get(
    f"{_ONE}/documents/{{reminder_file:str}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download(
    request: _Request, reminder: FromPath[int], reminder_file: FromPath[str]
) -> Response[bytes]:
    """One of its documents, byte for byte."""
    if reminder_file not in {kind.value for kind in ReminderDocumentKind}:
        raise NotFound(f"a reminder has no document {reminder_file}")
    kind = ReminderDocumentKind(reminder_file)
    with engagement_work(request) as (unit, engagement):
        row = get_reminder(unit.session, unit.actor, engagement, row_id(reminder))
        kept = get_document(unit.session, row, kind)
        name = f"{engagement.reference}-{row.reference}.{reminder_file.partition('.')[2]}"
        data, sha256 = kept.data, kept.sha256
    note_export(request, engagement.id, name, sha256=sha256, size=len(data))
    return attachment(data, name, kind.media_type)


ROUTER = Router(
    "/",
    route_handlers=[
        list_reminders,
        preview,
        issue,
        show_reminder,
        make_pdf,
        send,
        waive,
        download,
    ],
)
