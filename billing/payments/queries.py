"""Find payments again, and what they pay; the callers have checked the permission."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.queries import credited_of
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.payments.models import (
    InvoiceRefund,
    Payment,
    PaymentAllocation,
    PaymentRefund,
    WriteOff,
    WriteOffReversal,
    WriteOffState,
)
from billing.payments.values import Balance, OpenInvoice
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import NotFound


@dataclass(frozen=True, slots=True)
class Allocation:
    """A part of a payment for an invoice, with its days; amounts in minor units."""

    id: int
    invoice_id: int
    payment_id: int
    payment: str
    """How the payment is cited: PAY-3."""
    currency: str
    minor: int
    paid_on: date
    """The day on which the money came in, from which interest stops."""
    allocated_on: date
    why: str
    taken_back_on: date | None
    """None while it counts; the money went back, or was moved, on that day."""
    taken_back_reason: str = ""


def paid_of(session: Session, invoice_ids: Iterable[int]) -> Mapping[int, int]:
    """What is paid on each invoice, in minor units of its currency; nothing is 0.

    Below zero where the provider paid out what an invoice in the client's favour comes to.
    """
    wanted = frozenset(invoice_ids)
    found = dict.fromkeys(wanted, 0)
    received = (
        select(col(PaymentAllocation.invoice_id), func.sum(col(PaymentAllocation.amount_minor)))
        .where(
            col(PaymentAllocation.invoice_id).in_(wanted),
            col(PaymentAllocation.taken_back_at).is_(None),
        )
        .group_by(col(PaymentAllocation.invoice_id))
    )
    paid_out = (
        select(col(InvoiceRefund.invoice_id), -func.sum(col(InvoiceRefund.amount_minor)))
        .where(
            col(InvoiceRefund.invoice_id).in_(wanted),
            col(InvoiceRefund.taken_back_at).is_(None),
        )
        .group_by(col(InvoiceRefund.invoice_id))
    )
    for query in (received, paid_out):
        for invoice_id, minor in session.execute(query):
            found[invoice_id] += int(minor)
    return found


def written_off_of(session: Session, invoice_ids: Iterable[int]) -> Mapping[int, int]:
    """What is written off of each invoice with approval, less what was reversed since.

    In minor units; nothing is 0.
    """
    wanted = frozenset(invoice_ids)
    found = dict.fromkeys(wanted, 0)
    gone = (
        select(col(WriteOff.invoice_id), func.sum(col(WriteOff.amount_minor)))
        .where(col(WriteOff.invoice_id).in_(wanted), col(WriteOff.state) == WriteOffState.APPROVED)
        .group_by(col(WriteOff.invoice_id))
    )
    back = (
        select(col(WriteOff.invoice_id), -func.sum(col(WriteOffReversal.amount_minor)))
        .join(WriteOffReversal, col(WriteOffReversal.write_off_id) == col(WriteOff.id))
        .where(
            col(WriteOff.invoice_id).in_(wanted),
            col(WriteOffReversal.state) == WriteOffState.APPROVED,
            col(WriteOffReversal.taken_back_on).is_(None),
        )
        .group_by(col(WriteOff.invoice_id))
    )
    for query in (gone, back):
        for invoice_id, minor in session.execute(query):
            found[invoice_id] += int(minor)
    return found


def unreversed_of(session: Session, write_offs: Iterable[WriteOff]) -> Mapping[int, int]:
    """What of each approved write-off isn't reversed, by its id, in minor units."""
    left = {one.id: one.amount_minor for one in write_offs if one.state is WriteOffState.APPROVED}
    rows = session.scalars(
        select(WriteOffReversal).where(
            col(WriteOffReversal.write_off_id).in_(left),
            col(WriteOffReversal.state) == WriteOffState.APPROVED,
            col(WriteOffReversal.taken_back_on).is_(None),
        )
    )
    for row in rows:
        left[row.write_off_id] -= row.amount_minor
    return left


def reversals_of(
    session: Session, invoice_ids: Iterable[int]
) -> Mapping[int, tuple[WriteOffReversal, ...]]:
    """Every reversal of each invoice's write-offs in any state, oldest first.

    Approved ones open the invoice again by their amount from `reversed_on`, until they are taken
    back with the payment that made them.
    """
    wanted = frozenset(invoice_ids)
    found: dict[int, list[WriteOffReversal]] = {one: [] for one in wanted}
    rows = session.execute(
        select(WriteOffReversal, col(WriteOff.invoice_id))
        .join(WriteOff, col(WriteOff.id) == col(WriteOffReversal.write_off_id))
        .where(col(WriteOff.invoice_id).in_(wanted))
        .order_by(col(WriteOffReversal.number))
    )
    for row, invoice_id in rows:
        found[invoice_id].append(row)
    return {key: tuple(value) for key, value in found.items()}


def refunds_on(
    session: Session, invoice_ids: Iterable[int]
) -> Mapping[int, tuple[InvoiceRefund, ...]]:
    """What the provider paid out on each invoice, oldest first; what was taken back too."""
    wanted = frozenset(invoice_ids)
    found: dict[int, list[InvoiceRefund]] = {one: [] for one in wanted}
    rows = session.scalars(
        select(InvoiceRefund)
        .where(col(InvoiceRefund.invoice_id).in_(wanted))
        .order_by(col(InvoiceRefund.number))
    )
    for row in rows:
        found[row.invoice_id].append(row)
    return {key: tuple(value) for key, value in found.items()}


def allocations_of(
    session: Session, invoice_ids: Iterable[int]
) -> Mapping[int, tuple[Allocation, ...]]:
    """Every allocation of each invoice, oldest first; those taken back too, with their day."""
    wanted = frozenset(invoice_ids)
    found: dict[int, list[Allocation]] = {one: [] for one in wanted}
    for one in _allocations(session, col(PaymentAllocation.invoice_id).in_(wanted)):
        found[one.invoice_id].append(one)
    return {key: tuple(value) for key, value in found.items()}


def allocations_from(session: Session, payment: Payment) -> tuple[Allocation, ...]:
    """What a payment was allocated to, oldest first; what was taken back too."""
    return tuple(_allocations(session, col(PaymentAllocation.payment_id) == payment.id))


def _allocations(session: Session, condition: object) -> list[Allocation]:
    rows = session.execute(
        select(PaymentAllocation, col(Payment.number))
        .join(Payment, col(Payment.id) == col(PaymentAllocation.payment_id))
        .where(condition)  # type: ignore[arg-type] # A condition on the model's columns.
        .order_by(col(PaymentAllocation.id))
    )
    return [
        Allocation(
            row.id,
            row.invoice_id,
            row.payment_id,
            f"PAY-{number}",
            row.currency,
            row.amount_minor,
            row.paid_on,
            row.allocated_at.date(),
            row.why,
            row.taken_back_on,
            row.taken_back_reason,
        )
        for row, number in rows
    ]


def write_offs_of(
    session: Session, invoice_ids: Iterable[int]
) -> Mapping[int, tuple[WriteOff, ...]]:
    """Every write-off of each invoice in any state, oldest first."""
    wanted = frozenset(invoice_ids)
    found: dict[int, list[WriteOff]] = {one: [] for one in wanted}
    rows = session.scalars(
        select(WriteOff).where(col(WriteOff.invoice_id).in_(wanted)).order_by(col(WriteOff.number))
    )
    for row in rows:
        found[row.invoice_id].append(row)
    return {key: tuple(value) for key, value in found.items()}


def balances_of(session: Session, payments: Sequence[Payment]) -> Mapping[int, Balance]:
    """Where the money of each payment is."""
    ids = [one.id for one in payments]
    held = _sums(session, PaymentAllocation, ids)
    refunded = _sums(session, PaymentRefund, ids)
    return {
        one.id: Balance(
            one.amount_minor,
            held[one.id],
            refunded[one.id],
            one.amount_minor - refunded[one.id] if one.bounced_at else 0,
        )
        for one in payments
    }


def _sums(
    session: Session, kind: type[PaymentAllocation | PaymentRefund], ids: Sequence[int]
) -> Mapping[int, int]:
    query = select(col(kind.payment_id), func.sum(col(kind.amount_minor))).where(
        col(kind.payment_id).in_(ids)
    )
    if kind is PaymentAllocation:
        query = query.where(col(PaymentAllocation.taken_back_at).is_(None))
    found: dict[int, int] = defaultdict(int)
    rows = session.execute(query.group_by(col(kind.payment_id)))
    found.update({payment_id: int(minor) for payment_id, minor in rows})
    return found


def payments_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[Payment, ...]:
    """The payments of an engagement, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(Payment)
        .where(col(Payment.engagement_id) == engagement.id)
        .order_by(col(Payment.booked_on).desc(), col(Payment.number).desc())
    )
    return tuple(found)


def get_payment(session: Session, actor: Actor, engagement: Engagement, number: int) -> Payment:
    """One payment; NotFound where the engagement has none of that number."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.scalars(
        select(Payment).where(
            col(Payment.engagement_id) == engagement.id, col(Payment.number) == number
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no payment PAY-{number}")
    return row


def refunds_of(session: Session, payment: Payment) -> tuple[PaymentRefund, ...]:
    """What of a payment went back, oldest first."""
    found = session.scalars(
        select(PaymentRefund)
        .where(col(PaymentRefund.payment_id) == payment.id)
        .order_by(col(PaymentRefund.id))
    )
    return tuple(found)


def write_offs_in(session: Session, actor: Actor, engagement: Engagement) -> tuple[WriteOff, ...]:
    """The write-offs of an engagement, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(WriteOff)
        .where(col(WriteOff.engagement_id) == engagement.id)
        .order_by(col(WriteOff.number).desc())
    )
    return tuple(found)


def issued_invoices(session: Session, engagement: Engagement) -> tuple[FeeInvoice, ...]:
    """The issued invoices of an engagement, the earliest due first."""
    found = session.scalars(
        select(FeeInvoice)
        .where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.state) == InvoiceState.ISSUED,
        )
        .order_by(col(FeeInvoice.due_on), col(FeeInvoice.id))
    )
    return tuple(found)


def owed_minor_of(session: Session, invoices: Sequence[FeeInvoice]) -> Mapping[int, int]:
    """What the client owes on each issued invoice: payable, less credited and paid.

    What is written off is owed still. Never below zero: what was paid before a credit note is a
    matter of the payment then.
    """
    ids = [one.id for one in invoices]
    paid, credited = paid_of(session, ids), credited_of(session, ids)
    return {
        one.id: max(0, one.payable_minor - credited.get(one.id, 0) - paid[one.id])
        for one in invoices
    }


def open_minor_of(session: Session, invoices: Sequence[FeeInvoice]) -> Mapping[int, int]:
    """What is owed on each issued invoice and expected: less what is written off."""
    owed = owed_minor_of(session, invoices)
    gone = written_off_of(session, owed)
    return {key: max(0, minor - gone[key]) for key, minor in owed.items()}


def owed_to_client_of(session: Session, invoices: Sequence[FeeInvoice]) -> Mapping[int, int]:
    """What the provider owes on each issued invoice below zero and hasn't paid out.

    What was paid too much on other invoices goes back as a refund of its payment.
    """
    ids = [one.id for one in invoices if one.payable_minor < 0]
    paid, credited = paid_of(session, ids), credited_of(session, ids)
    return {
        one.id: max(0, credited.get(one.id, 0) + paid.get(one.id, 0) - one.payable_minor)
        if one.payable_minor < 0
        else 0
        for one in invoices
    }


def open_invoices(
    session: Session, engagement: Engagement, *, write_offs: bool = True
) -> tuple[OpenInvoice, ...]:
    """The issued invoices as matching takes them; those that are paid too, with nothing open.

    Without write-offs, as the client has them, all that is owed is open.
    """
    invoices = issued_invoices(session, engagement)
    owed = owed_minor_of(session, invoices)
    still = open_minor_of(session, invoices) if write_offs else owed
    return tuple(
        OpenInvoice(
            one.id,
            one.number,
            one.currency,
            still[one.id],
            one.due_on,
            one.withholding_minor,
            owed[one.id] - still[one.id],
        )
        for one in invoices
        if one.number and one.due_on
    )
