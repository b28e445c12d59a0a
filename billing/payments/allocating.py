"""Say what a payment pays, and take that back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.models import FeeInvoice
from billing.payments.models import Payment, PaymentAllocation
from billing.payments.queries import balances_of, open_minor_of, owed_minor_of
from billing.payments.reversals import Recovered, recover, take_recoveries_back
from billing.payments.rows import checked_reason, locked_invoices, locked_payment
from billing.payments.values import Part
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.values import Money, money_text

_LONGEST_WHY = 1000


def allocate(  # noqa: PLR0917 (who, where, which, what and why)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    parts: Sequence[Part],
    why: str = "",
) -> tuple[PaymentAllocation, ...]:
    """Let a payment pay invoices of its engagement; the rest stays on account.

    What it pays of an invoice beyond what is open was written off, and is written off no more.
    Payment and invoices are locked and read anew, so that of two people who allocate at the same
    moment the second is told. Raises NotFound for a payment or invoice of others, BadInput
    without parts or for an amount that isn't positive or an invoice named twice, Conflict where
    an invoice isn't issued or in another currency, or where more would be allocated than is on
    account or open.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    _check_parts(parts)
    payment = locked_payment(session, engagement, number)
    invoices = locked_invoices(session, engagement, [part.invoice_id for part in parts])
    beyond = _check_room(session, payment, invoices, parts)
    rows = [
        PaymentAllocation(
            engagement_id=engagement.id,
            payment_id=payment.id,
            invoice_id=part.invoice_id,
            currency=payment.currency,
            amount_minor=part.minor,
            paid_on=payment.value_on,
            why=plain_lines(why).strip()[:_LONGEST_WHY],
            allocated_at=actor.at,
            allocated_by_id=actor.signed_in_id,
        )
        for part in parts
    ]
    session.add_all(rows)
    session.flush()
    for row in rows:
        _note(session, actor, payment, row, invoices[row.invoice_id], Action.PAYMENT_ALLOCATED)
    today = actor.at.date()
    # As in the journal: what is said at once is part of the payment's own entry.
    day = payment.booked_on if payment.recorded_at.date() >= today else today
    for invoice_id, minor in beyond.items():
        recover(session, actor, engagement, payment, Recovered(invoice_id, minor, day))
    return tuple(rows)


def _check_parts(parts: Sequence[Part]) -> None:
    if not parts:
        what = "say which invoice the payment pays, and how much of it"
        raise BadInput.one(Problem(what, column="amount"))
    if any(part.minor <= 0 for part in parts):
        raise BadInput.one(Problem("an amount has to be above zero", column="amount"))
    if len({part.invoice_id for part in parts}) < len(parts):
        raise BadInput.one(Problem("an invoice is named twice", column="amount"))


def _check_room(
    session: Session,
    payment: Payment,
    invoices: Mapping[int, FeeInvoice],
    parts: Sequence[Part],
) -> dict[int, int]:
    """What the parts pay of each invoice beyond what is open, up to what is owed."""
    left = balances_of(session, [payment])[payment.id].on_account_minor
    if sum(part.minor for part in parts) > left:
        raise Conflict(f"{payment.reference} has only {_words(left, payment.currency)} on account")
    still = open_minor_of(session, list(invoices.values()))
    owed = owed_minor_of(session, list(invoices.values()))
    for part in parts:
        invoice = invoices[part.invoice_id]
        if invoice.currency != payment.currency:
            what = f"{invoice.number} is in {invoice.currency}, the payment in {payment.currency}"
            raise Conflict(what)
        if part.minor > owed[invoice.id]:
            words = _words(owed[invoice.id], invoice.currency)
            raise Conflict(f"only {words} is open on {invoice.number}")
    beyond = {part.invoice_id: part.minor - still[part.invoice_id] for part in parts}
    return {key: minor for key, minor in beyond.items() if minor > 0}


def _words(minor: int, currency: str) -> str:
    return f"{currency} {money_text(Money(minor, currency).amount, currency)}"


def take_back(  # noqa: PLR0917 (who, where, which and why)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    allocation_id: int,
    reason: str,
) -> PaymentAllocation:
    """Take an allocation back: the invoice is open again, the money on account.

    What was written off of the invoice before the payment is written off again.

    Raises NotFound for one that the payment doesn't have, BadInput without a reason, Conflict
    where it is taken back already.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    reason = checked_reason(plain_lines(reason).strip())
    payment = locked_payment(session, engagement, number)
    row = session.scalars(
        select(PaymentAllocation)
        .where(
            col(PaymentAllocation.payment_id) == payment.id,
            col(PaymentAllocation.id) == allocation_id,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"{payment.reference} has no such allocation")
    if row.taken_back_at is not None:
        raise Conflict("this allocation is taken back already")
    _return(session, actor, payment, row, actor.at.date(), reason)
    return row


def return_allocations(
    session: Session, actor: Actor, payment: Payment, day: date, reason: str
) -> None:
    """Take back all that a payment pays, from a day on. The caller holds the payment's lock."""
    rows = session.scalars(
        select(PaymentAllocation)
        .where(
            col(PaymentAllocation.payment_id) == payment.id,
            col(PaymentAllocation.taken_back_at).is_(None),
        )
        .order_by(col(PaymentAllocation.id))
        .execution_options(populate_existing=True)
    )
    for row in rows.all():
        _return(session, actor, payment, row, day, reason)


def _return(  # noqa: PLR0917 (the row, its payment, and who, when and why)
    session: Session,
    actor: Actor,
    payment: Payment,
    row: PaymentAllocation,
    day: date,
    reason: str,
) -> None:
    row.taken_back_on, row.taken_back_at = day, actor.at
    row.taken_back_by_id, row.taken_back_reason = actor.signed_in_id, reason
    session.flush()
    invoice = session.get_one(FeeInvoice, row.invoice_id)
    _note(session, actor, payment, row, invoice, Action.ALLOCATION_TAKEN_BACK)
    take_recoveries_back(session, actor, payment, invoice, day)


def _note(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    payment: Payment,
    row: PaymentAllocation,
    invoice: FeeInvoice,
    action: Action,
) -> None:
    after = {
        "payment": payment.reference,
        "invoice": invoice.number or "",
        "amount": _words(row.amount_minor, row.currency),
    }
    label = f"{payment.reference} {invoice.number}"
    reason = row.taken_back_reason or row.why
    change = Change(
        action,
        "payment_allocation",
        row.id,
        label,
        payment.engagement_id,
        None,
        after,
        reason=reason,
    )
    record(session, actor, change)
