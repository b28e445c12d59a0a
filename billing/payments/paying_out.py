"""Record what the provider paid out on invoices that are in the client's favour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.models import FeeInvoice
from billing.payments.models import InvoiceRefund
from billing.payments.queries import owed_to_client_of
from billing.payments.rows import checked_amount, checked_reason, locked_invoices, next_number
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.values import money_text


@dataclass(frozen=True, slots=True)
class PaidOut:
    """Money that the provider paid to the client; in minor units of the invoice's currency."""

    invoice_id: int
    minor: int
    refunded_on: date
    reason: str


def pay_out(session: Session, actor: Actor, engagement: Engagement, new: PaidOut) -> InvoiceRefund:
    """Record that the provider paid the client what an invoice below zero comes to, or a part.

    Raises NotFound for an invoice of others, BadInput without amount or reason or for a day before
    the issue or to come, Conflict where less is owed to the client.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    reason = checked_reason(plain_lines(new.reason).strip())
    lock_engagement(session, engagement)
    invoice = locked_invoices(session, engagement, [new.invoice_id])[new.invoice_id]
    _check_day(invoice, new.refunded_on, actor.at.date())
    left = owed_to_client_of(session, [invoice])[invoice.id]
    what = f"what the provider owes the client on {invoice.number}"
    row = InvoiceRefund(
        engagement_id=engagement.id,
        number=next_number(session, engagement, InvoiceRefund),
        invoice_id=invoice.id,
        currency=invoice.currency,
        amount_minor=checked_amount(new.minor, left, what),
        refunded_on=new.refunded_on,
        reason=reason,
        recorded_at=actor.at,
        recorded_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    _note(session, actor, row, invoice, Action.INVOICE_REFUNDED)
    return row


def _check_day(invoice: FeeInvoice, day: date, today: date) -> None:
    first = invoice.issued_on or today
    if not first <= day <= today:
        what, allowed = "an invoice is paid out between its issue and today", f"{first} to {today}"
        raise BadInput.one(Problem(what, column="day", found=day.isoformat(), allowed=allowed))


def take_refund_back(
    session: Session, actor: Actor, engagement: Engagement, number: int, reason: str
) -> InvoiceRefund:
    """Note that a recorded refund wasn't one: what it paid is owed to the client again.

    Raises NotFound for an unknown one, BadInput without a reason, Conflict where it is taken back
    already.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    reason = checked_reason(plain_lines(reason).strip())
    lock_engagement(session, engagement)
    row = session.scalars(
        select(InvoiceRefund)
        .where(
            col(InvoiceRefund.engagement_id) == engagement.id,
            col(InvoiceRefund.number) == number,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no refund REF-{number}")
    if row.taken_back_at is not None:
        raise Conflict(f"{row.reference} is taken back already")
    row.taken_back_on, row.taken_back_at = actor.at.date(), actor.at
    row.taken_back_by_id, row.taken_back_reason = actor.signed_in_id, reason
    session.flush()
    invoice = session.get_one(FeeInvoice, row.invoice_id)
    _note(session, actor, row, invoice, Action.INVOICE_REFUND_TAKEN_BACK)
    return row


def _note(
    session: Session, actor: Actor, row: InvoiceRefund, invoice: FeeInvoice, action: Action
) -> None:
    after = {
        "invoice": invoice.number or "",
        "amount": f"{row.currency} {money_text(row.amount.amount, row.currency)}",
        "on": row.refunded_on.isoformat(),
    }
    label = f"{row.reference} {invoice.number}"
    reason = row.taken_back_reason or row.reason
    change = Change(
        action, "invoice_refund", row.id, label, row.engagement_id, None, after, reason=reason
    )
    record(session, actor, change)
