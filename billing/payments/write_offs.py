"""Give up what is open on an invoice: one person proposes it, another approves."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.limits import require_within_limit
from billing.invoices.models import FeeInvoice
from billing.payments.models import WriteOff, WriteOffKind, WriteOffState
from billing.payments.queries import open_minor_of
from billing.payments.rows import checked_amount, checked_reason, locked_invoices, next_number
from governance.access import Actor, Item, Permission
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import Conflict, NotFound
from governance.values import money_text


@dataclass(frozen=True, slots=True)
class NewWriteOff:
    """What is to be given up; the amount is in minor units."""

    invoice_id: int
    minor: int
    kind: WriteOffKind
    reason: str


def propose_write_off(
    session: Session, actor: Actor, engagement: Engagement, new: NewWriteOff
) -> WriteOff:
    """Propose to write off an amount that is open on an issued invoice.

    Raises NotFound for an invoice of others, BadInput without amount or reason, Conflict where
    less is open, what is proposed already included.
    """
    require(session, actor, engagement, Permission.WRITE_OFF)
    reason = checked_reason(plain_lines(new.reason).strip())
    lock_engagement(session, engagement)
    invoice = locked_invoices(session, engagement, [new.invoice_id])[new.invoice_id]
    left = open_minor_of(session, [invoice])[invoice.id] - _proposed(session, invoice)
    what = f"what is open on {invoice.number} and not proposed to be written off already"
    row = WriteOff(
        engagement_id=engagement.id,
        number=next_number(session, engagement, WriteOff),
        invoice_id=invoice.id,
        kind=new.kind,
        reason=reason,
        currency=invoice.currency,
        amount_minor=checked_amount(new.minor, left, what),
        state=WriteOffState.PROPOSED,
        proposed_at=actor.at,
        proposed_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    _note(session, actor, row, invoice, Action.WRITE_OFF_PROPOSED, reason)
    return row


def _proposed(session: Session, invoice: FeeInvoice) -> int:
    rows = session.scalars(
        select(col(WriteOff.amount_minor)).where(
            col(WriteOff.invoice_id) == invoice.id, col(WriteOff.state) == WriteOffState.PROPOSED
        )
    )
    return sum(rows)


def decide_write_off(  # noqa: PLR0917 (who, where, which, what and why)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    verdict: WriteOffState,
    reason: str = "",
) -> WriteOff:
    """Approve or refuse a write-off, as another person than proposed it.

    Refusing needs a reason. Raises NotFound for an unknown one, Forbidden for who proposed it and
    for more than the contract lets the actor approve, Conflict where it is decided already or less
    is open by now.
    """
    require(session, actor, engagement, Permission.APPROVE_WRITE_OFF)
    reason = plain_lines(reason).strip()
    row = _locked(session, engagement, number)
    item = Item(prepared_by=row.proposed_by_id)
    require(session, actor, engagement, Permission.APPROVE_WRITE_OFF, item)
    invoice = locked_invoices(session, engagement, [row.invoice_id])[row.invoice_id]
    if verdict is WriteOffState.APPROVED:
        left = open_minor_of(session, [invoice])[invoice.id]
        checked_amount(row.amount_minor, left, f"what is open on {invoice.number} by now")
        amount = invoice.money(row.amount_minor).amount
        require_within_limit(session, actor, engagement, Permission.APPROVE_WRITE_OFF, amount)
    else:
        checked_reason(reason)
    action = {
        WriteOffState.APPROVED: Action.WRITE_OFF_APPROVED,
        WriteOffState.REFUSED: Action.WRITE_OFF_REFUSED,
    }[verdict]
    _settle(session, actor, row, verdict, reason)
    _note(session, actor, row, invoice, action, reason)
    return row


def withdraw_write_off(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> WriteOff:
    """Take a proposal back; Conflict once it is decided."""
    require(session, actor, engagement, Permission.WRITE_OFF)
    row = _locked(session, engagement, number)
    _settle(session, actor, row, WriteOffState.WITHDRAWN, "")
    invoice = session.get_one(FeeInvoice, row.invoice_id)
    _note(session, actor, row, invoice, Action.WRITE_OFF_WITHDRAWN, "")
    return row


def _locked(session: Session, engagement: Engagement, number: int) -> WriteOff:
    lock_engagement(session, engagement)
    row = session.scalars(
        select(WriteOff)
        .where(col(WriteOff.engagement_id) == engagement.id, col(WriteOff.number) == number)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no write-off WO-{number}")
    if row.state is not WriteOffState.PROPOSED:
        raise Conflict(f"{row.reference} is {row.state.value} already")
    return row


def _settle(
    session: Session, actor: Actor, row: WriteOff, state: WriteOffState, reason: str
) -> None:
    row.state, row.decision_reason = state, reason
    row.decided_on, row.decided_at = actor.at.date(), actor.at
    row.decided_by_id = actor.signed_in_id
    session.flush()


def _note(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    row: WriteOff,
    invoice: FeeInvoice,
    action: Action,
    reason: str,
) -> None:
    after = {
        "invoice": invoice.number or "",
        "amount": f"{row.currency} {money_text(row.amount.amount, row.currency)}",
        "kind": row.kind.value,
        "state": row.state.value,
    }
    change = Change(
        action, "write_off", row.id, row.reference, row.engagement_id, None, after, reason=reason
    )
    record(session, actor, change)
