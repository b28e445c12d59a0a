"""Sending invoices and credit notes, what was delivered elsewhere, and that it came."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from litestar import Request, Response, Router, get, post
from litestar.handlers import HTTPRouteHandler

from app.mail.deliveries import OutboxPost
from app.mail.delivery_letters import letter_of, parcel_of
from app.security.guards import limited, requires
from app.security.throttle import PDF
from app.web.addresses import HOME, engagement_path, invoice_path, row_id
from app.web.credit_notes import CREDIT_NOTES
from app.web.forms import TextForm, choice_of_form, day_of_form, text_of, texts_of
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, engagement_work
from billing.corrections.queries import get_correction
from billing.deliveries.queries import Proposed, latest_number, proposed_recipients
from billing.deliveries.recipients import addresses_in
from billing.deliveries.recording import acknowledge, record_elsewhere
from billing.deliveries.service import deliver
from billing.deliveries.subjects import Deliverable, deliverable_invoice, deliverable_note
from billing.deliveries.values import Elsewhere, Means
from billing.invoices.drafts import invoice_of
from billing.settlement.queries import find_settlement
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem

_Request: TypeAlias = Request[Any, Any, Any]
_SUBJECTS: Final = (
    f"{PERIOD}/invoice",
    f"{HOME}/{{reference:str}}/corrected-invoices/{{corrected:int}}",
    f"{CREDIT_NOTES}/{{note:int}}",
)
"""Pages of what is delivered; each has the same addresses below it."""
_SENDS: Final = [requires(Permission.SEND_INVOICE)]
_RECEIVES: Final = [requires(Permission.DISPUTE_INVOICE)]
_COUNT: Final = re.compile(r"\d{1,6}", re.ASCII)


def _found(request: _Request, unit: Work, engagement: Engagement) -> tuple[Deliverable, str]:
    """What the address names, and the address of its page.

    Raises NotFound for an unknown one, Conflict for a draft.
    """
    place, named = (unit.session, unit.actor, engagement), request.path_params
    if "note" in named:
        number = row_id(named["note"])
        path = engagement_path(engagement.reference, "credit-notes", str(number))
        return deliverable_note(*place, number), path
    if "corrected" in named:
        invoice = get_correction(*place, row_id(named["corrected"])).invoice
    else:
        period = period_of_address(named["label"])
        invoice = invoice_of(unit.session, find_settlement(*place, period))
    return deliverable_invoice(*place, invoice), invoice_path(engagement.reference, invoice)


def compose(request: _Request) -> Response[str]:
    """The form: recipients, documents, a note, and what the mail says."""
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        found, page = _found(request, unit, engagement)
        whom = proposed_recipients(unit.session, engagement)
        after = latest_number(unit.session, found.subject.kind, found.subject.id)
    return render(
        request,
        "deliveries/send.html",
        engagement=engagement,
        found=found,
        whom=whom,
        after=after,
        letter=letter_of(found.document),
        page=page,
    )


def send(request: _Request, data: TextForm) -> Response[Any]:
    """Queue the mail with the documents that were ticked."""
    whom = Proposed(addresses_in(text_of(data, "to")), addresses_in(text_of(data, "cc")))
    note, after = text_of(data, "note"), _after(data)
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        found, page = _found(request, unit, engagement)
        parcel = parcel_of(found, whom, texts_of(data, "documents"), after=after, note=note)
        deliver(unit.session, unit.actor, engagement, parcel, OutboxPost(unit.settings))
    return see_other(request, page)


def _after(form: dict[str, Any]) -> int:
    """The latest delivery that the page showed, as the page wrote it and no person typed it."""
    text = text_of(form, "after")
    if not _COUNT.fullmatch(text):
        problem = Problem("this is no number of a delivery", column="after", found=text[:20])
        raise BadInput.one(problem)
    return int(text)


def record(request: _Request, data: TextForm) -> Response[Any]:
    """Record that it was delivered outside the application."""
    done = Elsewhere(
        means=choice_of_form(Means, text_of(data, "means"), "means"),
        on=day_of_form(text_of(data, "on"), "on"),
        reference=text_of(data, "reference"),
        note=text_of(data, "note"),
        after=_after(data),
    )
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        found, page = _found(request, unit, engagement)
        record_elsewhere(unit.session, unit.actor, engagement, found.subject, done)
    return see_other(request, page)


def receive(request: _Request) -> Response[Any]:
    """Say for the client that it came."""
    with engagement_work(request, Permission.DISPUTE_INVOICE) as (unit, engagement):
        found, page = _found(request, unit, engagement)
        acknowledge(unit.session, unit.actor, engagement, found.subject)
    return see_other(request, page)


def _handlers(subject: str) -> tuple[HTTPRouteHandler, ...]:
    """What may be done below the page of an invoice, a corrected one or a credit note."""
    mails = [*_SENDS, limited(PDF)]
    return (
        get(f"{subject}/send", guards=_SENDS, sync_to_thread=True)(compose),
        post(f"{subject}/send", guards=mails, sync_to_thread=True)(send),
        post(f"{subject}/delivered", guards=_SENDS, sync_to_thread=True)(record),
        post(f"{subject}/received", guards=_RECEIVES, sync_to_thread=True)(receive),
    )


ROUTER = Router("/", route_handlers=[handler for one in _SUBJECTS for handler in _handlers(one)])
