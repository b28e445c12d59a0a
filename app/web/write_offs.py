"""Write-offs of an engagement and their reversal: proposed by one person, decided by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import FromPath

from app.security.guards import RECENT, requires
from app.web.addresses import HOME, engagement_path, row_id
from app.web.forms import TextForm, choice_of_form, text_of
from app.web.payments_view import amount_of_form
from app.web.rendering import see_other
from app.web.unit_of_work import engagement_work
from billing.payments.models import WriteOffKind, WriteOffState
from billing.payments.queries import open_invoices, write_offs_in
from billing.payments.reversals import (
    NewReversal,
    decide_reversal,
    propose_reversal,
    withdraw_reversal,
)
from billing.payments.write_offs import (
    NewWriteOff,
    decide_write_off,
    propose_write_off,
    withdraw_write_off,
)
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, NotFound, Problem

_WRITE_OFFS = f"{HOME}/{{reference:str}}/write-offs"
_WRITE_OFF = f"{_WRITE_OFFS}/{{write_off:int}}"
_REVERSAL = f"{_WRITE_OFFS}/reversals/{{reversal:int}}"
_Request = Request[Any, Any, Any]


@post(_WRITE_OFFS, guards=[requires(Permission.WRITE_OFF)], sync_to_thread=True)
def add_write_off(request: _Request, data: TextForm) -> Response[Any]:
    """Propose to give up what is open on an invoice."""
    with engagement_work(request, Permission.WRITE_OFF) as (unit, engagement):
        chosen = text_of(data, "invoice")
        known = {str(one.id): one for one in open_invoices(unit.session, engagement)}
        if chosen not in known:
            raise NotFound("there is no such invoice in this engagement")
        currency = known[chosen].currency
        new = NewWriteOff(
            known[chosen].id,
            amount_of_form(text_of(data, "amount"), currency, "amount"),
            choice_of_form(WriteOffKind, text_of(data, "kind"), "kind"),
            text_of(data, "reason"),
        )
        propose_write_off(unit.session, unit.actor, engagement, new)
    return see_other(request, _list(engagement))


def _list(engagement: Engagement) -> str:
    return engagement_path(engagement.reference, "payments") + "#write-offs"


@post(
    f"{_WRITE_OFF}/decide",
    guards=[requires(Permission.APPROVE_WRITE_OFF)],
    opt=RECENT,
    sync_to_thread=True,
)
def decide_on_write_off(
    request: _Request, write_off: FromPath[int], data: TextForm
) -> Response[Any]:
    """Approve it, or refuse it with a reason."""
    with engagement_work(request, Permission.APPROVE_WRITE_OFF) as (unit, engagement):
        place = (row_id(write_off), _verdict(data), text_of(data, "reason"))
        decide_write_off(unit.session, unit.actor, engagement, *place)
    return see_other(request, _list(engagement))


def _verdict(form: Mapping[str, Any]) -> WriteOffState:
    verdict = choice_of_form(WriteOffState, text_of(form, "verdict"), "verdict")
    if verdict not in {WriteOffState.APPROVED, WriteOffState.REFUSED}:
        what = "it is approved or refused"
        raise BadInput.one(Problem(what, column="verdict", allowed="approved, refused"))
    return verdict


@post(f"{_WRITE_OFF}/withdraw", guards=[requires(Permission.WRITE_OFF)], sync_to_thread=True)
def withdraw(request: _Request, write_off: FromPath[int]) -> Response[Any]:
    """Take a proposal back."""
    with engagement_work(request, Permission.WRITE_OFF) as (unit, engagement):
        withdraw_write_off(unit.session, unit.actor, engagement, row_id(write_off))
    return see_other(request, _list(engagement))


@post(f"{_WRITE_OFF}/reversals", guards=[requires(Permission.WRITE_OFF)], sync_to_thread=True)
def add_reversal(request: _Request, write_off: FromPath[int], data: TextForm) -> Response[Any]:
    """Propose to expect an amount again that was written off."""
    with engagement_work(request, Permission.WRITE_OFF) as (unit, engagement):
        number = row_id(write_off)
        known = {one.number: one for one in write_offs_in(unit.session, unit.actor, engagement)}
        if number not in known:
            raise NotFound(f"there is no write-off WO-{number}")
        amount = amount_of_form(text_of(data, "amount"), known[number].currency, "amount")
        new = NewReversal(number, amount, text_of(data, "reason"))
        propose_reversal(unit.session, unit.actor, engagement, new)
    return see_other(request, _list(engagement))


@post(
    f"{_REVERSAL}/decide",
    guards=[requires(Permission.APPROVE_WRITE_OFF)],
    opt=RECENT,
    sync_to_thread=True,
)
def decide_on_reversal(request: _Request, reversal: FromPath[int], data: TextForm) -> Response[Any]:
    """Approve it, or refuse it with a reason."""
    with engagement_work(request, Permission.APPROVE_WRITE_OFF) as (unit, engagement):
        place = (row_id(reversal), _verdict(data), text_of(data, "reason"))
        decide_reversal(unit.session, unit.actor, engagement, *place)
    return see_other(request, _list(engagement))


@post(f"{_REVERSAL}/withdraw", guards=[requires(Permission.WRITE_OFF)], sync_to_thread=True)
def withdraw_a_reversal(request: _Request, reversal: FromPath[int]) -> Response[Any]:
    """Take a proposal to reverse back."""
    with engagement_work(request, Permission.WRITE_OFF) as (unit, engagement):
        withdraw_reversal(unit.session, unit.actor, engagement, row_id(reversal))
    return see_other(request, _list(engagement))


ROUTER = Router(
    "/",
    route_handlers=[
        add_write_off,
        decide_on_write_off,
        withdraw,
        add_reversal,
        decide_on_reversal,
        withdraw_a_reversal,
    ],
)
