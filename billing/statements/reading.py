"""Read accounts from the database: invoices, and all that happened to them, with their days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.disputes.models import Dispute
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
from billing.reminders.models import ChargeKind, LateCharge, Reminder
from billing.statements.contested import contested
from billing.statements.values import (
    Account,
    Charged,
    Contested,
    Effect,
    MovementKind,
    Receipt,
    Receivable,
)
from governance.engagements.models import Engagement
from governance.values import Money, Period

_Row = TypeVar("_Row")
_CHARGES = {
    ChargeKind.INTEREST: MovementKind.INTEREST,
    ChargeKind.LUMP_SUM: MovementKind.LUMP_SUM,
    ChargeKind.FEE: MovementKind.REMINDER_FEE,
}


@dataclass
class _Happened:
    """By invoice, what happened to it."""

    effects: dict[int, list[Effect]] = field(default_factory=lambda: defaultdict(list))
    paid: dict[int, list[Effect]] = field(default_factory=lambda: defaultdict(list))
    given_up: dict[int, list[Effect]] = field(default_factory=lambda: defaultdict(list))
    contested: dict[int, list[Contested]] = field(default_factory=lambda: defaultdict(list))


def accounts_of(
    session: Session, engagements: Sequence[Engagement], *, write_offs: bool
) -> tuple[Account, ...]:
    """The accounts of engagements, one for each currency, in the order of the engagements.

    `write_offs` says whether what the provider has given up counts: in its own books it does, to
    the client it doesn't. The caller has checked the permission.
    """
    ids = [one.id for one in engagements]
    invoices = _rows(session, FeeInvoice, ids, col(FeeInvoice.state) == InvoiceState.ISSUED)
    happened = _happened(session, ids, {one.id: one for one in invoices}, write_offs=write_offs)
    found: dict[tuple[int, str], list[Receivable]] = defaultdict(list)
    for row in invoices:
        found[row.engagement_id, row.currency].append(_receivable(row, happened))
    receipts, charges = _receipts(session, ids), _charges(session, ids, invoices)
    keys = {*found, *receipts, *charges}
    return tuple(
        Account(
            one.reference,
            currency,
            tuple(found[key]),
            tuple(receipts[key]),
            tuple(charges[key]),
        )
        for one in engagements
        for key in sorted(each for each in keys if each[0] == one.id)
        for currency in key[1:]
    )


def _rows(session: Session, kind: type[_Row], ids: Collection[int], *where: object) -> list[_Row]:
    """The rows of a table that belong to these engagements, oldest first."""
    columns = kind.__table__.c  # type: ignore[attr-defined] # Every table of the project has it.
    query = select(kind).where(columns.engagement_id.in_(ids), *where)  # type: ignore[arg-type] # Conditions on its columns.
    return list(session.scalars(query.order_by(columns.id)))


def _receivable(row: FeeInvoice, happened: _Happened) -> Receivable:
    issued_on = row.issued_on or row.period_end
    return Receivable(
        id=row.id,
        number=row.number or "",
        period=Period(row.period_start, row.period_end),
        issued_on=issued_on,
        due_on=row.due_on or issued_on,
        payable=row.money(row.payable_minor).amount,
        effects=tuple(happened.effects[row.id]),
        paid=tuple(happened.paid[row.id]),
        given_up=tuple(happened.given_up[row.id]),
        contested=tuple(happened.contested[row.id]),
    )


def _happened(
    session: Session, ids: Sequence[int], invoices: Mapping[int, FeeInvoice], *, write_offs: bool
) -> _Happened:
    found = _Happened()
    notes = _rows(session, CreditNote, ids, col(CreditNote.state) == CreditNoteState.ISSUED)
    for note in notes:
        effect = Effect(
            note.issued_on or note.prepared_at.date(),
            -note.money(note.payable_minor).amount,
            MovementKind.CREDIT_NOTE,
            note.name,
        )
        found.effects[note.invoice_id].append(effect)
    for refund in _rows(session, InvoiceRefund, ids):
        found.effects[refund.invoice_id] += _paid_out(refund)
    for invoice_id, effect in _allocated(session, ids, invoices):
        found.paid[invoice_id].append(effect)
    if write_offs:
        for invoice_id, effect in _given_up(session, ids):
            found.given_up[invoice_id].append(effect)
    settled = {one.dispute_id: one.issued_on for one in notes if one.dispute_id is not None}
    for dispute in _rows(session, Dispute, ids):
        invoice = invoices[dispute.invoice_id]
        found.contested[invoice.id] += contested(dispute, invoice, settled.get(dispute.id))
    return found


def _paid_out(row: InvoiceRefund) -> Iterator[Effect]:
    """What was paid out on an invoice in the client's favour, until somebody took that back."""
    amount = row.amount.amount
    yield Effect(row.refunded_on, amount, MovementKind.REFUND, row.reference)
    if row.taken_back_on is not None:
        taken_back_on = max(row.taken_back_on, row.refunded_on)
        yield Effect(taken_back_on, -amount, MovementKind.REFUND, row.reference)


def _allocated(
    session: Session, ids: Sequence[int], invoices: Mapping[int, FeeInvoice]
) -> Iterator[tuple[int, Effect]]:
    """What payments pay, from the day that the money came in.

    An allocation that a person took back was a mistake and never counted: the money paid another
    invoice, or was on account. One whose payment bounced counts until then.
    """
    rows = session.execute(
        select(PaymentAllocation, Payment)
        .join(Payment, col(Payment.id) == col(PaymentAllocation.payment_id))
        .where(col(PaymentAllocation.engagement_id).in_(ids))
        .order_by(col(PaymentAllocation.id))
    )
    for row, payment in rows:
        bounced = payment.bounced_at is not None and row.taken_back_at == payment.bounced_at
        if row.taken_back_at is not None and not bounced:
            continue
        invoice = invoices[row.invoice_id]
        first = max(row.paid_on, invoice.issued_on or row.paid_on)
        amount, reference = Money(row.amount_minor, row.currency).amount, payment.reference
        yield invoice.id, Effect(first, -amount, MovementKind.PAYMENT, reference)
        if bounced and payment.bounced_on is not None:
            on = max(payment.bounced_on, first)
            yield invoice.id, Effect(on, amount, MovementKind.BOUNCE, reference)


def _given_up(session: Session, ids: Sequence[int]) -> Iterator[tuple[int, Effect]]:
    approved = _rows(session, WriteOff, ids, col(WriteOff.state) == WriteOffState.APPROVED)
    kind, of = MovementKind.WRITE_OFF, {one.id: one.invoice_id for one in approved}
    for one in approved:
        if one.decided_on is not None:
            yield one.invoice_id, Effect(one.decided_on, -one.amount.amount, kind, one.reference)
    state = col(WriteOffReversal.state) == WriteOffState.APPROVED
    for back in _rows(session, WriteOffReversal, ids, state):
        if back.reversed_on is not None:
            amount, invoice_id = back.amount.amount, of[back.write_off_id]
            yield invoice_id, Effect(back.reversed_on, amount, kind, back.reference)
            if back.taken_back_on is not None:
                yield invoice_id, Effect(back.taken_back_on, -amount, kind, back.reference)


def _receipts(session: Session, ids: Sequence[int]) -> defaultdict[tuple[int, str], list[Receipt]]:
    payments = _rows(session, Payment, ids)
    refunds: dict[int, list[PaymentRefund]] = defaultdict(list)
    for refund in session.scalars(
        select(PaymentRefund)
        .join(Payment, col(Payment.id) == col(PaymentRefund.payment_id))
        .where(col(Payment.engagement_id).in_(ids))
        .order_by(col(PaymentRefund.id))
    ):
        refunds[refund.payment_id].append(refund)
    found: defaultdict[tuple[int, str], list[Receipt]] = defaultdict(list)
    for row in payments:
        back = tuple(_back(row, refunds[row.id]))
        amount = row.money(row.amount_minor).amount
        receipt = Receipt(row.reference, row.value_on, amount, back, row.debtor)
        found[row.engagement_id, row.currency].append(receipt)
    return found


def _back(row: Payment, refunds: Sequence[PaymentRefund]) -> Iterator[Effect]:
    """What of a payment went back, not before it counts."""
    for one in refunds:
        amount = row.money(one.amount_minor).amount
        on = max(one.refunded_on, row.value_on)
        yield Effect(on, amount, MovementKind.REFUND, row.reference)
    if row.bounced_on is not None:
        refunded = sum(one.amount_minor for one in refunds)
        amount = row.money(row.amount_minor - refunded).amount
        on = max(row.bounced_on, row.value_on)
        yield Effect(on, amount, MovementKind.BOUNCE, row.reference)


def _charges(
    session: Session, ids: Sequence[int], invoices: Sequence[FeeInvoice]
) -> defaultdict[tuple[int, str], list[Charged]]:
    numbers = {one.id: one.number or "" for one in invoices}
    rows = session.execute(
        select(LateCharge, col(Reminder.number))
        .join(Reminder, col(Reminder.id) == col(LateCharge.reminder_id))
        .where(col(LateCharge.engagement_id).in_(ids))
        .order_by(col(LateCharge.id))
    )
    found: defaultdict[tuple[int, str], list[Charged]] = defaultdict(list)
    for row, number in rows:
        charged = Charged(
            kind=_CHARGES[row.kind],
            on=row.charged_on,
            amount=row.amount.amount,
            reference=f"RM-{number}",
            invoice=numbers[row.invoice_id] if row.invoice_id is not None else "",
            waived_on=row.waived_on,
        )
        found[row.engagement_id, row.currency].append(charged)
    return found
