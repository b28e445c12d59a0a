"""What the provider paid out on invoices in the client's favour."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import FromPath

from app.security.guards import requires
from app.web.addresses import engagement_path, row_id
from app.web.forms import TextForm, day_of_form, text_of
from app.web.payments import PAYMENTS
from app.web.payments_view import amount_of_form
from app.web.rendering import see_other
from app.web.unit_of_work import engagement_work
from billing.payments.paying_out import PaidOut, pay_out, take_refund_back
from billing.payments.queries import issued_invoices
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import NotFound

_REFUNDS = f"{PAYMENTS}/refunds"
_Request = Request[Any, Any, Any]


@post(_REFUNDS, guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def add_refund(request: _Request, data: TextForm) -> Response[Any]:
    """Record that an invoice below zero was paid out, wholly or in part."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        known = {str(one.id): one for one in issued_invoices(unit.session, engagement)}
        invoice = known.get(text_of(data, "invoice"))
        if invoice is None:
            raise NotFound("there is no such invoice in this engagement")
        new = PaidOut(
            invoice.id,
            amount_of_form(text_of(data, "amount"), invoice.currency, "amount"),
            day_of_form(text_of(data, "day"), "day") or unit.actor.at.date(),
            text_of(data, "reason"),
        )
        pay_out(unit.session, unit.actor, engagement, new)
    return see_other(request, _list(engagement))


def _list(engagement: Engagement) -> str:
    return engagement_path(engagement.reference, "payments") + "#paid-out"


@post(
    f"{_REFUNDS}/{{refund:int}}/take-back",
    guards=[requires(Permission.RECORD_PAYMENT)],
    sync_to_thread=True,
)
def take_back_refund(request: _Request, refund: FromPath[int], data: TextForm) -> Response[Any]:
    """Note that it wasn't paid out, with a reason."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        reason = text_of(data, "reason")
        take_refund_back(unit.session, unit.actor, engagement, row_id(refund), reason)
    return see_other(request, _list(engagement))


ROUTER = Router("/", route_handlers=[add_refund, take_back_refund])
