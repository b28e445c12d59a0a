"""The invoices of an engagement, and the steps that people take on one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from sqlalchemy.orm import Session

from app.security.guards import RECENT, limited, requires
from app.security.throttle import PDF
from app.web.addresses import HOME, engagement_path
from app.web.invoice_view import LOOKS, STAGES, listed_invoices
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other
from app.web.unit_of_work import allowed, engagement_work
from billing.invoices.approving import (
    approve_invoice,
    check_invoice,
    take_back_approval,
    take_back_check,
)
from billing.invoices.models import FeeInvoice
from billing.invoices.rendering import keep_pdf, render_pdf
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.values import Period

_Request = Request[Any, Any, Any]
_Step: TypeAlias = Callable[[Session, Actor, Engagement, Period], FeeInvoice]
_CHECK = [requires(Permission.CHECK_INVOICE)]
_APPROVE = [requires(Permission.APPROVE_INVOICE)]


@dataclass(frozen=True, slots=True)
class ReasonForm:
    """What the forms that take a step back send."""

    reason: str = ""


_Form = Annotated[ReasonForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get(
    f"{HOME}/{{reference:str}}/invoices",
    guards=[requires(Permission.VIEW)],
    sync_to_thread=True,
)
def list_invoices(request: _Request) -> Response[str]:
    """Drafts and invoices with their state, and what is open and overdue in all."""
    with engagement_work(request) as (unit, engagement):
        rows, may = listed_invoices(unit, engagement), allowed(unit, engagement)
    standings = [one.standing for one in rows if one.standing]
    return render(
        request,
        "invoices/list.html",
        engagement=engagement,
        rows=rows,
        may=may,
        still_open=sum((one.open for one in standings), Decimal(0)),
        overdue=sum((one.open for one in standings if one.overdue), Decimal(0)),
        stages=STAGES,
        looks=LOOKS,
    )


@post(f"{PERIOD}/invoice/check", guards=_CHECK, sync_to_thread=True)
def check(request: _Request, label: FromPath[str]) -> Response[Any]:
    """Say that the draft was looked over."""
    return _take(request, label, Permission.CHECK_INVOICE, check_invoice)


@post(f"{PERIOD}/invoice/check/take-back", guards=_CHECK, sync_to_thread=True)
def uncheck(request: _Request, label: FromPath[str], data: _Form) -> Response[Any]:
    """Make it a draft again, with a reason."""

    def back(session: Session, actor: Actor, engagement: Engagement, period: Period) -> FeeInvoice:
        return take_back_check(session, actor, engagement, period, data.reason)

    return _take(request, label, Permission.CHECK_INVOICE, back)


@post(f"{PERIOD}/invoice/approve", guards=_APPROVE, opt=RECENT, sync_to_thread=True)
def approve(request: _Request, label: FromPath[str]) -> Response[Any]:
    """Approve the checked invoice."""
    return _take(request, label, Permission.APPROVE_INVOICE, approve_invoice)


@post(f"{PERIOD}/invoice/approve/take-back", guards=_APPROVE, sync_to_thread=True)
def unapprove(request: _Request, label: FromPath[str], data: _Form) -> Response[Any]:
    """Take the approval back, with a reason."""

    def back(session: Session, actor: Actor, engagement: Engagement, period: Period) -> FeeInvoice:
        return take_back_approval(session, actor, engagement, period, data.reason)

    return _take(request, label, Permission.APPROVE_INVOICE, back)


def _take(request: _Request, label: str, permission: Permission, step: _Step) -> Response[Any]:
    period = period_of_address(label)
    with engagement_work(request, permission) as (unit, engagement):
        step(unit.session, unit.actor, engagement, period)
    return _back(request, engagement, period)


@post(
    f"{PERIOD}/invoice/pdf",
    guards=[requires(Permission.ISSUE_INVOICE), limited(PDF)],
    sync_to_thread=True,
)
def make_pdf(request: _Request, label: FromPath[str]) -> Response[Any]:
    """Make the PDF of an issued invoice that has none."""
    period = period_of_address(label)
    engagement = draw_issued(request, period)
    return _back(request, engagement, period)


def draw_issued(request: _Request, period: Period) -> Engagement:
    """Draw the PDF of an issued invoice while nothing is locked, and keep it."""
    with engagement_work(request, Permission.ISSUE_INVOICE, reading=True) as (unit, engagement):
        rendered = render_pdf(unit.session, unit.actor, engagement, period, unit.workshop)
    with engagement_work(request, Permission.ISSUE_INVOICE) as (unit, engagement):
        keep_pdf(unit.session, unit.actor, engagement, rendered)
    return engagement


def _back(request: _Request, engagement: Engagement, period: Period) -> Response[Any]:
    path = engagement_path(engagement.reference, "periods", period.label, "invoice")
    return see_other(request, path)


ROUTER = Router("/", route_handlers=[list_invoices, check, uncheck, approve, unapprove, make_pdf])
