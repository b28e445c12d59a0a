"""Contest what the provider billed too much, and answer that."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import FromPath

from app.security.guards import requires
from app.web.addresses import row_id
from app.web.forms import TextForm, text_of, texts_of
from app.web.payments_view import amount_of_form
from app.web.provider_invoices import ONE, PROVIDER_INVOICES, path_of
from app.web.rendering import see_other
from app.web.unit_of_work import engagement_work
from billing.provider_invoices.contests import (
    answer_contest,
    get_contest,
    raise_contests,
    resolve_contest,
    withdraw_contest,
)
from billing.provider_invoices.queries import get_invoice
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.values import Money

_CONTEST = f"{PROVIDER_INVOICES}/contests/{{contest:int}}"
_CHECKS = Permission.CHECK_PROVIDER_INVOICE
_Request = Request[Any, Any, Any]


@post(f"{ONE}/contest", guards=[requires(_CHECKS)], sync_to_thread=True)
def contest(request: _Request, provider_invoice: FromPath[int], data: TextForm) -> Response[Any]:
    """Contest the differences that are ticked, or all that can be."""
    with engagement_work(request, _CHECKS) as (unit, engagement):
        row = get_invoice(unit.session, unit.actor, engagement, row_id(provider_invoice))
        keys = None if text_of(data, "all") else texts_of(data, "difference")
        raise_contests(unit.session, unit.actor, engagement, row.period, keys)
    return see_other(request, path_of(engagement, str(provider_invoice)) + "#contested")


def _back(engagement: Engagement) -> str:
    return path_of(engagement) + "#contested"


@post(f"{_CONTEST}/answer", guards=[requires(Permission.RESOLVE_DISPUTE)], sync_to_thread=True)
def answer(request: _Request, contest: FromPath[int], data: TextForm) -> Response[Any]:
    """Accept an amount for the provider, or nothing, with a reason."""
    with engagement_work(request, Permission.RESOLVE_DISPUTE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, row_id(contest))
        currency = get_contest(*place).currency
        minor = amount_of_form(text_of(data, "amount"), currency, "amount")
        answer_contest(*place, Money(minor, currency).amount, text_of(data, "answer"))
    return see_other(request, _back(engagement))


@post(f"{_CONTEST}/withdraw", guards=[requires(_CHECKS)], sync_to_thread=True)
def withdraw(request: _Request, contest: FromPath[int]) -> Response[Any]:
    """Take a contest back for the client."""
    with engagement_work(request, _CHECKS) as (unit, engagement):
        withdraw_contest(unit.session, unit.actor, engagement, row_id(contest))
    return see_other(request, _back(engagement))


@post(f"{_CONTEST}/resolve", guards=[requires(_CHECKS)], sync_to_thread=True)
def resolve(request: _Request, contest: FromPath[int], data: TextForm) -> Response[Any]:
    """Note the credit note by which it was credited."""
    with engagement_work(request, _CHECKS) as (unit, engagement):
        number = text_of(data, "credit_note")
        resolve_contest(unit.session, unit.actor, engagement, row_id(contest), number)
    return see_other(request, _back(engagement))


ROUTER = Router("/", route_handlers=[contest, answer, withdraw, resolve])
