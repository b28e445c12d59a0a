"""Read the payments, write-offs and refunds of an engagement as entries of its journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.accounting.books import Books
from billing.accounting.late_charges import late_charge_entries, late_charges
from billing.accounting.movements import (
    Allocated,
    Paid,
    PaidOut,
    Refunded,
    WrittenOff,
    paid_out_entries,
    payment_entries,
    write_off_entry,
)
from billing.accounting.values import Entry
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.payments.models import (
    Payment,
    PaymentRefund,
    WriteOff,
    WriteOffReversal,
    WriteOffState,
)
from billing.payments.queries import allocations_of, refunds_on, reversals_of, write_offs_of
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.values import Money, Period


def movements(
    session: Session, engagement: Engagement, period: Period, books: Books, contract: Contract
) -> Iterator[Entry]:
    """The entries of an engagement's payments, write-offs and what was paid out.

    Those of other days than the period's may be among them. The caller has checked the permission.
    """
    parties = contract.engagement
    payee = (parties.client if books.is_provider else parties.provider).name
    numbers = {
        row.id: row.number or ""
        for row in session.execute(
            select(col(FeeInvoice.id), col(FeeInvoice.number)).where(
                col(FeeInvoice.engagement_id) == engagement.id,
                col(FeeInvoice.state) == InvoiceState.ISSUED,
            )
        )
    }
    payments = session.scalars(
        select(Payment)
        .where(col(Payment.engagement_id) == engagement.id, col(Payment.booked_on) <= period.end)
        .order_by(col(Payment.number))
    )
    allocated = _allocated(session, numbers)
    refunded = _refunded(session, engagement)
    for row in payments:
        paid = _paid(row, payee, allocated.get(row.id, ()), refunded.get(row.id, ()))
        yield from payment_entries(paid, books)
    for given_up in _given_up(session, numbers, payee):
        entry = write_off_entry(given_up, books)
        if entry is not None:
            yield entry
    for charged in late_charges(session, engagement, numbers, payee):
        yield from late_charge_entries(charged, books)
    for one in _paid_out(session, numbers, payee):
        yield from paid_out_entries(one, books)


def _allocated(session: Session, numbers: Mapping[int, str]) -> Mapping[int, list[Allocated]]:
    """By payment, what it pays or paid for a time."""
    found: dict[int, list[Allocated]] = defaultdict(list)
    for of_invoice in allocations_of(session, numbers).values():
        for one in of_invoice:
            amount = Money(one.minor, one.currency).amount
            part = Allocated(numbers[one.invoice_id], amount, one.allocated_on, one.taken_back_on)
            found[one.payment_id].append(part)
    return found


def _refunded(session: Session, engagement: Engagement) -> Mapping[int, list[Refunded]]:
    rows = session.scalars(
        select(PaymentRefund)
        .join(Payment, col(Payment.id) == col(PaymentRefund.payment_id))
        .where(col(Payment.engagement_id) == engagement.id)
        .order_by(col(PaymentRefund.id))
    )
    found: dict[int, list[Refunded]] = defaultdict(list)
    for row in rows:
        amount = Money(row.amount_minor, row.currency).amount
        found[row.payment_id].append(Refunded(amount, row.refunded_on, row.reason))
    return found


def _paid(
    row: Payment, payee: str, allocated: Sequence[Allocated], refunded: Sequence[Refunded]
) -> Paid:
    return Paid(
        reference=row.reference,
        booked_on=row.booked_on,
        recorded_on=row.recorded_at.date(),
        currency=row.currency,
        amount=row.money(row.amount_minor).amount,
        payee=payee,
        allocations=tuple(sorted(allocated, key=lambda one: (one.on, one.invoice))),
        refunds=tuple(refunded),
        bounced_on=row.bounced_on,
        bounce_reason=row.bounce_reason,
    )


def _given_up(session: Session, numbers: Mapping[int, str], payee: str) -> Iterator[WrittenOff]:
    """What was written off, and what of it is expected again."""
    reversals = reversals_of(session, numbers)
    for invoice_id, write_offs in write_offs_of(session, numbers).items():
        for row in write_offs:
            if row.state is WriteOffState.APPROVED and row.decided_on is not None:
                yield _written_off(row, numbers[invoice_id], payee, row.decided_on)
        for back in reversals[invoice_id]:
            if back.reversed_on is not None:
                found = _written_off(back, numbers[invoice_id], payee, back.reversed_on)
                yield replace(found, reversed_=True)
                if back.taken_back_on is not None:
                    yield replace(found, on=back.taken_back_on)


def _written_off(
    row: WriteOff | WriteOffReversal, invoice: str, payee: str, on: date
) -> WrittenOff:
    return WrittenOff(
        row.reference, on, invoice, row.currency, row.amount.amount, payee, row.reason
    )


def _paid_out(session: Session, numbers: Mapping[int, str], payee: str) -> Iterator[PaidOut]:
    for invoice_id, rows in refunds_on(session, numbers).items():
        for row in rows:
            yield PaidOut(
                row.reference,
                row.refunded_on,
                numbers[invoice_id],
                row.currency,
                row.amount.amount,
                payee,
                row.reason,
                row.taken_back_on,
            )
