"""Payments of an engagement: the list, one payment, and what a person does with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from app.security.guards import requires
from app.web.addresses import HOME, engagement_path, row_id
from app.web.forms import TextForm, day_of_form, text_of
from app.web.payments_view import Asked, PaymentList, amount_of_form, parts_of_form, payment_list
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.payments.allocating import allocate, take_back
from billing.payments.importing import imports_of
from billing.payments.models import Payment
from billing.payments.queries import (
    allocations_from,
    balances_of,
    get_payment,
    open_invoices,
    refunds_of,
)
from billing.payments.recording import (
    Bounce,
    NewPayment,
    Refund,
    bounce_payment,
    record_payment,
    refund_payment,
)
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.parties.models import User

PAYMENTS = f"{HOME}/{{reference:str}}/payments"
_ONE = f"{PAYMENTS}/{{payment:int}}"
_Request = Request[Any, Any, Any]
Filter = Annotated[str, QueryParameter(max_length=200)]
Start = Annotated[int, QueryParameter(name="from", ge=0, le=1_000_000)]


@get(PAYMENTS, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_payments(
    request: _Request, standing: Filter = "", find: Filter = "", start: Start = 0
) -> Response[str]:
    """What came in and what is open, with the write-offs."""
    asked = Asked(standing, find, start)
    with engagement_work(request) as (unit, engagement):
        listed: PaymentList = payment_list(unit.session, unit.actor, engagement, asked)
        may = allowed(unit, engagement)
        waiting = (
            imports_of(unit.session, unit.actor, engagement)
            if Permission.RECORD_PAYMENT in may
            else ()
        )
        return page_or_part(
            request,
            "payments/list.html",
            "payments/_payments.html",
            engagement=engagement,
            listed=listed,
            imports=waiting,
            may=may,
            user_id=unit.actor.user_id,
            today=unit.actor.at.date(),
        )


@get(f"{PAYMENTS}/new", guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def new_payment(request: _Request) -> Response[str]:
    """The form for a payment that a person has seen on the account."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        today = unit.actor.at.date()
        return render(request, "payments/new.html", engagement=engagement, today=today)


@post(PAYMENTS, guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def add_payment(request: _Request, data: TextForm) -> Response[Any]:
    """Record it; what it pays is said on its page."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        row = record_payment(unit.session, unit.actor, engagement, _new(data))
        number = row.number
    return see_other(request, _path(engagement, number))


def _new(form: Mapping[str, Any]) -> NewPayment:
    currency = text_of(form, "currency").upper()
    booked = day_of_form(text_of(form, "booked_on"), "booked_on")
    if booked is None:
        raise BadInput.one(Problem("say when it was booked", column="booked_on"))
    reference = text_of(form, "creditor_reference")
    return NewPayment(
        booked_on=booked,
        currency=currency,
        minor=amount_of_form(text_of(form, "amount"), currency, "amount"),
        value_on=day_of_form(text_of(form, "value_on"), "value_on"),
        debtor=text_of(form, "debtor"),
        iban=text_of(form, "iban"),
        references=(reference,) if reference else (),
        text=text_of(form, "text"),
        note=text_of(form, "note"),
    )


def _path(engagement: Engagement, number: int) -> str:
    return engagement_path(engagement.reference, "payments", str(number))


@get(_ONE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_payment(request: _Request, payment: FromPath[int]) -> Response[str]:
    """One payment: what it pays, what is left, and what happened to it."""
    with engagement_work(request) as (unit, engagement):
        row = get_payment(unit.session, unit.actor, engagement, row_id(payment))
        return render(request, "payments/payment.html", **_shown(unit, engagement, row))


def _shown(unit: Work, engagement: Engagement, row: Payment) -> dict[str, Any]:
    invoices = open_invoices(unit.session, engagement)
    return {
        "engagement": engagement,
        "payment": row,
        "balance": balances_of(unit.session, [row])[row.id],
        "allocations": allocations_from(unit.session, row),
        "refunds": refunds_of(unit.session, row),
        "invoices": {one.id: one for one in invoices},
        "open": [one for one in invoices if one.most_minor and one.currency == row.currency],
        "recorded_by": unit.session.get_one(User, row.recorded_by_id),
        "may": allowed(unit, engagement),
        "today": unit.actor.at.date(),
    }


@post(f"{_ONE}/allocate", guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def allocate_payment(request: _Request, payment: FromPath[int], data: TextForm) -> Response[Any]:
    """Let it pay invoices, each with the amount that the form says."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        row = get_payment(unit.session, unit.actor, engagement, row_id(payment))
        parts = parts_of_form(data, row.currency)
        why = text_of(data, "why")
        allocate(unit.session, unit.actor, engagement, row.number, parts, why)
    return see_other(request, _path(engagement, payment))


@post(
    f"{_ONE}/allocations/{{allocation:int}}/take-back",
    guards=[requires(Permission.RECORD_PAYMENT)],
    sync_to_thread=True,
)
def take_allocation_back(
    request: _Request, payment: FromPath[int], allocation: FromPath[int], data: TextForm
) -> Response[Any]:
    """Take one allocation back, with a reason."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        place = (row_id(payment), row_id(allocation))
        take_back(unit.session, unit.actor, engagement, *place, text_of(data, "reason"))
    return see_other(request, _path(engagement, payment))


@post(f"{_ONE}/refund", guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def refund(request: _Request, payment: FromPath[int], data: TextForm) -> Response[Any]:
    """Note that what was on account went back."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        row = get_payment(unit.session, unit.actor, engagement, row_id(payment))
        day = day_of_form(text_of(data, "day"), "day") or unit.actor.at.date()
        amount = amount_of_form(text_of(data, "amount"), row.currency, "amount")
        new = Refund(amount, day, text_of(data, "reason"))
        refund_payment(unit.session, unit.actor, engagement, row.number, new)
    return see_other(request, _path(engagement, payment))


@post(f"{_ONE}/bounce", guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def bounce(request: _Request, payment: FromPath[int], data: TextForm) -> Response[Any]:
    """Note that the bank took it back."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        day = day_of_form(text_of(data, "day"), "day") or unit.actor.at.date()
        new = Bounce(day, text_of(data, "reason"))
        bounce_payment(unit.session, unit.actor, engagement, row_id(payment), new)
    return see_other(request, _path(engagement, payment))


ROUTER = Router(
    "/",
    route_handlers=[
        list_payments,
        new_payment,
        add_payment,
        show_payment,
        allocate_payment,
        take_allocation_back,
        refund,
        bounce,
    ],
)
