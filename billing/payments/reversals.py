"""Expect again what was written off: two people say so, or the money comes after all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.limits import require_within_limit
from billing.invoices.models import FeeInvoice
from billing.payments.models import Payment, WriteOff, WriteOffReversal, WriteOffState
from billing.payments.queries import owed_minor_of, unreversed_of, written_off_of
from billing.payments.rows import checked_amount, checked_reason, next_number
from governance.access import Actor, Item, Permission
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import Conflict, NotFound
from governance.values import money_text


@dataclass(frozen=True, slots=True)
class NewReversal:
    """What of a write-off is expected again; the amount is in minor units."""

    write_off: int
    """Its number."""
    minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What of an invoice's write-offs a payment pays; in minor units."""

    invoice_id: int
    minor: int
    on: date
    """The day of the journal's entry of the payment for the invoice."""


@dataclass(frozen=True, slots=True)
class Credited:
    """A credit note on an invoice, as its write-offs know it."""

    note: str
    """Its number."""
    on: date
    """The day of its issue."""
    prepared_by_id: int


def propose_reversal(
    session: Session, actor: Actor, engagement: Engagement, new: NewReversal
) -> WriteOffReversal:
    """Propose to expect an amount again that was written off with approval.

    Raises NotFound for an unknown write-off, BadInput without amount or reason, Conflict where
    less of it is left, what is proposed already included.
    """
    require(session, actor, engagement, Permission.WRITE_OFF)
    reason = checked_reason(plain_lines(new.reason).strip())
    lock_engagement(session, engagement)
    write_off = _write_off(session, engagement, new.write_off)
    left = unreversed_of(session, [write_off]).get(write_off.id, 0)
    left -= sum(one.amount_minor for one in _proposed(session, write_off))
    what = f"what {write_off.reference} still writes off and nobody proposed to reverse already"
    row = WriteOffReversal(
        engagement_id=engagement.id,
        number=next_number(session, engagement, WriteOffReversal),
        write_off_id=write_off.id,
        reason=reason,
        currency=write_off.currency,
        amount_minor=checked_amount(new.minor, left, what),
        state=WriteOffState.PROPOSED,
        proposed_at=actor.at,
        proposed_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    _note(session, actor, row, Action.WRITE_OFF_REVERSAL_PROPOSED, reason)
    return row


def _write_off(session: Session, engagement: Engagement, number: int) -> WriteOff:
    row = session.scalars(
        select(WriteOff)
        .where(col(WriteOff.engagement_id) == engagement.id, col(WriteOff.number) == number)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no write-off WO-{number}")
    if row.state is not WriteOffState.APPROVED:
        raise Conflict(f"{row.reference} is {row.state.value}: there is nothing to reverse")
    return row


def _proposed(session: Session, write_off: WriteOff) -> Iterator[WriteOffReversal]:
    yield from session.scalars(
        select(WriteOffReversal).where(
            col(WriteOffReversal.write_off_id) == write_off.id,
            col(WriteOffReversal.state) == WriteOffState.PROPOSED,
        )
    )


def decide_reversal(  # noqa: PLR0917 (who, where, which, what and why)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    verdict: WriteOffState,
    reason: str = "",
) -> WriteOffReversal:
    """Approve or refuse a reversal, as another person than proposed it.

    Refusing needs a reason. Raises NotFound for an unknown one, Forbidden for who proposed it and
    for more than the contract lets the actor approve, Conflict where it is decided already or less
    is written off by now.
    """
    require(session, actor, engagement, Permission.APPROVE_WRITE_OFF)
    reason = plain_lines(reason).strip()
    row = _locked(session, engagement, number)
    item = Item(prepared_by=row.proposed_by_id)
    require(session, actor, engagement, Permission.APPROVE_WRITE_OFF, item)
    if verdict is WriteOffState.APPROVED:
        write_off = session.get_one(WriteOff, row.write_off_id)
        left = unreversed_of(session, [write_off])[write_off.id]
        checked_amount(row.amount_minor, left, f"what {write_off.reference} still writes off")
        amount = row.amount.amount
        require_within_limit(session, actor, engagement, Permission.APPROVE_WRITE_OFF, amount)
        row.reversed_on = actor.at.date()
    else:
        checked_reason(reason)
    action = {
        WriteOffState.APPROVED: Action.WRITE_OFF_REVERSAL_APPROVED,
        WriteOffState.REFUSED: Action.WRITE_OFF_REVERSAL_REFUSED,
    }[verdict]
    _settle(session, actor, row, verdict, reason)
    _note(session, actor, row, action, reason)
    return row


def withdraw_reversal(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> WriteOffReversal:
    """Take a proposal back; Conflict once it is decided."""
    require(session, actor, engagement, Permission.WRITE_OFF)
    row = _locked(session, engagement, number)
    _settle(session, actor, row, WriteOffState.WITHDRAWN, "")
    _note(session, actor, row, Action.WRITE_OFF_REVERSAL_WITHDRAWN, "")
    return row


def _locked(session: Session, engagement: Engagement, number: int) -> WriteOffReversal:
    lock_engagement(session, engagement)
    row = session.scalars(
        select(WriteOffReversal)
        .where(
            col(WriteOffReversal.engagement_id) == engagement.id,
            col(WriteOffReversal.number) == number,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no reversal WR-{number}")
    if row.state is not WriteOffState.PROPOSED:
        raise Conflict(f"{row.reference} is {row.state.value} already")
    return row


def _settle(
    session: Session, actor: Actor, row: WriteOffReversal, state: WriteOffState, reason: str
) -> None:
    row.state, row.decision_reason = state, reason
    row.decided_at, row.decided_by_id = actor.at, actor.signed_in_id
    session.flush()


def recover(
    session: Session, actor: Actor, engagement: Engagement, payment: Payment, paid: Recovered
) -> None:
    """Reverse what a payment pays of an invoice beyond what was open on it, newest write-off first.

    The money itself decides, so no second person is asked. The caller holds the engagement's lock
    and has made sure that so much is written off.
    """
    cause = _Cause(f"{payment.reference} pays it after all", actor.signed_in_id, payment.id)
    _reverse(session, actor, engagement, paid, cause)


def take_recoveries_back(
    session: Session, actor: Actor, payment: Payment, invoice: FeeInvoice, day: date
) -> None:
    """Write off again what a payment that doesn't pay an invoice any more had reversed.

    Otherwise one person would undo what two decided. No more is written off again than is owed: the
    rest stays reversed. The caller holds the engagement's lock, and took the allocation back.
    """
    rows = session.scalars(
        select(WriteOffReversal)
        .join(WriteOff, col(WriteOff.id) == col(WriteOffReversal.write_off_id))
        .where(
            col(WriteOff.invoice_id) == invoice.id,
            col(WriteOffReversal.payment_id) == payment.id,
            col(WriteOffReversal.taken_back_on).is_(None),
        )
        .order_by(col(WriteOffReversal.number))
    ).all()
    for row in rows:
        row.taken_back_on = max(day, row.reversed_on or day)
        session.flush()
        why = f"{payment.reference} doesn't pay it any more"
        _note(session, actor, row, Action.WRITE_OFF_RECOVERY_TAKEN_BACK, why)
    if rows:
        engagement = session.get_one(Engagement, payment.engagement_id)
        cause = _Cause("no more than is owed is written off", actor.signed_in_id, payment.id)
        _reverse_beyond(session, actor, engagement, invoice, day, cause)


def reverse_credited(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice: FeeInvoice,
    credited: Credited,
) -> None:
    """Reverse what is written off of an invoice beyond what a credit note leaves owed.

    What is given back was never to be lost. The two people of the credit note decide it, one who
    drew it up and the actor, another, who issued it. The caller holds the engagement's lock.
    """
    cause = _Cause(f"{credited.note} gives it back", credited.prepared_by_id, None)
    _reverse_beyond(session, actor, engagement, invoice, credited.on, cause)


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a write-off is reversed without a proposal of its own."""

    reason: str
    proposed_by_id: int
    payment_id: int | None


def _reverse_beyond(  # noqa: PLR0917 (who, where, which, when and why)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice: FeeInvoice,
    day: date,
    cause: _Cause,
) -> None:
    """Reverse what is written off beyond what is owed; nothing where it isn't."""
    gone = written_off_of(session, [invoice.id])[invoice.id]
    beyond = gone - owed_minor_of(session, [invoice])[invoice.id]
    if beyond > 0:
        _reverse(session, actor, engagement, Recovered(invoice.id, beyond, day), cause)


def _reverse(
    session: Session, actor: Actor, engagement: Engagement, paid: Recovered, cause: _Cause
) -> None:
    """Reverse an amount at once, the newest write-off first."""
    rows = session.scalars(
        select(WriteOff)
        .where(
            col(WriteOff.invoice_id) == paid.invoice_id,
            col(WriteOff.state) == WriteOffState.APPROVED,
        )
        .order_by(col(WriteOff.number).desc())
    ).all()
    left, missing = unreversed_of(session, rows), paid.minor
    for write_off in rows:
        part = min(missing, left[write_off.id])
        if part > 0:
            row = WriteOffReversal(
                engagement_id=engagement.id,
                number=next_number(session, engagement, WriteOffReversal),
                write_off_id=write_off.id,
                payment_id=cause.payment_id,
                reason=cause.reason,
                currency=write_off.currency,
                amount_minor=part,
                state=WriteOffState.APPROVED,
                proposed_at=actor.at,
                proposed_by_id=cause.proposed_by_id,
                reversed_on=max(paid.on, write_off.decided_on or paid.on),
                decided_at=actor.at,
                decided_by_id=actor.signed_in_id,
            )
            session.add(row)
            session.flush()
            by_payment = cause.payment_id is not None
            action = (
                Action.WRITE_OFF_RECOVERED if by_payment else Action.WRITE_OFF_REVERSAL_APPROVED
            )
            _note(session, actor, row, action, row.reason)
            missing -= part


def _note(
    session: Session, actor: Actor, row: WriteOffReversal, action: Action, reason: str
) -> None:
    write_off = session.get_one(WriteOff, row.write_off_id)
    invoice = session.get_one(FeeInvoice, write_off.invoice_id)
    after = {
        "write_off": write_off.reference,
        "invoice": invoice.number or "",
        "amount": f"{row.currency} {money_text(row.amount.amount, row.currency)}",
        "state": row.state.value,
    }
    change = Change(
        action,
        "write_off_reversal",
        row.id,
        row.reference,
        row.engagement_id,
        None,
        after,
        reason=reason,
    )
    record(session, actor, change)
