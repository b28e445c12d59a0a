"""Disputes: the client disputes an invoice's line, the provider answers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import limited, requires
from app.security.throttle import DISPUTE
from app.web import dispute_mail as told
from app.web.addresses import HOME, engagement_path, row_id
from app.web.credit_notes import amount_of, of_invoice, period_of_invoice
from app.web.dispute_mail import tell_other_side
from app.web.forms import TextForm, choice_of_form, text_of
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.credit_notes.queries import Issued, issued, issued_of_period
from billing.disputes.models import DisputeState, DisputeSubject
from billing.disputes.queries import ListedDispute, get_dispute, list_disputes
from billing.disputes.service import (
    NewDispute,
    accept_dispute,
    disputable,
    is_late,
    raise_dispute,
    redraw_credit_note,
    uphold_dispute,
    withdraw_dispute,
)
from governance.access import Permission, Side
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.parties.models import User

_Request = Request[Any, Any, Any]
DISPUTES = f"{HOME}/{{reference:str}}/disputes"
_DISPUTE = f"{DISPUTES}/{{dispute:int}}"
_RAISE = f"{PERIOD}/invoice/dispute"
_RAISES = [requires(Permission.DISPUTE_INVOICE), limited(DISPUTE)]
_ANSWERS = [requires(Permission.RESOLVE_DISPUTE), limited(DISPUTE)]


@get(DISPUTES, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_all(request: _Request) -> Response[str]:
    """The engagement's disputes, newest first, or those of one invoice."""
    with engagement_work(request) as (unit, engagement):
        invoice, context = of_invoice(request, unit, engagement)
        disputes = list_disputes(unit.session, unit.actor, engagement, invoice)
        return render(request, "disputes/list.html", disputes=disputes, **context)


@get(_RAISE, guards=[requires(Permission.DISPUTE_INVOICE)], sync_to_thread=True)
def new_dispute(request: _Request, label: FromPath[str]) -> Response[str]:
    """The form for a dispute of an invoice, with a line chosen where the address names one."""
    period = period_of_address(label)
    with engagement_work(request, Permission.DISPUTE_INVOICE) as (unit, engagement):
        found = issued_of_period(unit.session, unit.actor, engagement, period)
        return render(
            request,
            "disputes/new.html",
            engagement=engagement,
            invoice=found.invoice,
            document=found.document,
            left=found.left,
            whole=disputable(found, DisputeSubject.WHOLE, None),
            chosen=request.query_params.get("line", "")[:6],
            late=is_late(unit.session, engagement, found, unit.actor),
            period=period,
        )


@post(_RAISE, guards=_RAISES, sync_to_thread=True)
def add_dispute(request: _Request, label: FromPath[str], data: TextForm) -> Response[Any]:
    """Raise a dispute, and tell the provider."""
    period = period_of_address(label)
    with engagement_work(request, Permission.DISPUTE_INVOICE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement)
        invoice = issued_of_period(*place, period).invoice
        number = raise_dispute(*place, invoice, _raised(data, invoice.currency)).number
        _tell(unit, engagement, number, Side.CLIENT, told.RAISED)
    return see_other(request, _path(engagement, number))


def _raised(form: Mapping[str, Any], currency: str) -> NewDispute:
    subject, position = _subject(text_of(form, "what"))
    return NewDispute(
        subject=subject,
        position=position,
        reason=text_of(form, "reason"),
        amount=_maybe_amount(form, currency),
        remark=text_of(form, "remark"),
    )


def _subject(what: str) -> tuple[DisputeSubject, int | None]:
    """ "3" is the third line; otherwise one of the other subjects."""
    if what.isascii() and what.isdigit() and len(what) <= 6:
        return DisputeSubject.LINE, int(what)
    subject = choice_of_form(DisputeSubject, what, "what")
    if subject is DisputeSubject.LINE:
        raise BadInput.one(Problem("say which line", column="what", allowed="its number"))
    return subject, None


def _maybe_amount(form: Mapping[str, Any], currency: str) -> Decimal | None:
    return amount_of(form, "amount", currency) if text_of(form, "amount") else None


def _path(engagement: Engagement, number: int) -> str:
    return engagement_path(engagement.reference, "disputes", str(number))


@get(_DISPUTE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_dispute(request: _Request, dispute: FromPath[int]) -> Response[str]:
    """What is disputed and why, what it rests on, and what was answered."""
    with engagement_work(request) as (unit, engagement):
        found = get_dispute(unit.session, unit.actor, engagement, row_id(dispute))
        return render(request, "disputes/dispute.html", **_shown(unit, engagement, found))


def _shown(unit: Work, engagement: Engagement, found: ListedDispute) -> dict[str, Any]:
    dispute, session = found.dispute, unit.session
    of_invoice = issued(session, found.invoice)
    people = {
        name: session.get(User, user_id) if user_id else None
        for name, user_id in (
            ("raised_by", dispute.raised_by_id),
            ("answered_by", dispute.answered_by_id),
            ("withdrawn_by", dispute.withdrawn_by_id),
        )
    }
    return people | {
        "engagement": engagement,
        "dispute": dispute,
        "invoice": found.invoice,
        "note": found.note,
        "period": period_of_invoice(found.invoice),
        "stated": of_invoice.stated,
        "line": _line(of_invoice, dispute.position),
        "waits": dispute.state is DisputeState.OPEN,
        "may": allowed(unit, engagement),
    }


def _line(found: Issued, position: int | None) -> Mapping[str, Any] | None:
    """The disputed line as the invoice states it, with its arithmetic and its source."""
    if position is None:
        return None
    line: Mapping[str, Any] = found.stated["lines"][position - 1]
    return line


@post(f"{_DISPUTE}/withdraw", guards=_RAISES, sync_to_thread=True)
def withdraw(request: _Request, dispute: FromPath[int]) -> Response[Any]:
    """Take a dispute back before the provider has answered."""
    with engagement_work(request, Permission.DISPUTE_INVOICE) as (unit, engagement):
        number = row_id(dispute)
        withdraw_dispute(unit.session, unit.actor, engagement, number)
        _tell(unit, engagement, number, Side.CLIENT, told.WITHDRAWN)
    return see_other(request, _path(engagement, dispute))


def _tell(unit: Work, engagement: Engagement, number: int, side: Side, what: str) -> None:
    found = get_dispute(unit.session, unit.actor, engagement, number)
    tell_other_side(unit, engagement, found, side, what)


@post(f"{_DISPUTE}/uphold", guards=_ANSWERS, sync_to_thread=True)
def uphold(request: _Request, dispute: FromPath[int], data: TextForm) -> Response[Any]:
    """Uphold what the invoice says, with a reason."""
    with engagement_work(request, Permission.RESOLVE_DISPUTE) as (unit, engagement):
        number = row_id(dispute)
        uphold_dispute(unit.session, unit.actor, engagement, number, text_of(data, "reason"))
        _tell(unit, engagement, number, Side.PROVIDER, told.UPHELD)
    return see_other(request, _path(engagement, dispute))


@post(f"{_DISPUTE}/accept", guards=_ANSWERS, sync_to_thread=True)
def accept(request: _Request, dispute: FromPath[int], data: TextForm) -> Response[Any]:
    """Accept it wholly or in part: its credit note is drawn up and waits for another person."""
    with engagement_work(request, Permission.RESOLVE_DISPUTE) as (unit, engagement):
        number, reason = row_id(dispute), text_of(data, "reason")
        place = (unit.session, unit.actor, engagement, number)
        amount = _maybe_amount(data, get_dispute(*place).dispute.currency)
        accept_dispute(*place, reason=reason, amount=amount)
        _tell(unit, engagement, number, Side.PROVIDER, told.ACCEPTED)
    return see_other(request, _path(engagement, dispute))


@post(f"{_DISPUTE}/credit-note", guards=_ANSWERS, sync_to_thread=True)
def draw_up_anew(request: _Request, dispute: FromPath[int]) -> Response[Any]:
    """Draw up its credit note anew, where the first draft was discarded."""
    with engagement_work(request, Permission.RESOLVE_DISPUTE) as (unit, engagement):
        redraw_credit_note(unit.session, unit.actor, engagement, row_id(dispute))
    return see_other(request, _path(engagement, dispute))


ROUTER = Router(
    "/",
    route_handlers=[
        list_all,
        new_dispute,
        add_dispute,
        show_dispute,
        withdraw,
        uphold,
        accept,
        draw_up_anew,
    ],
)
