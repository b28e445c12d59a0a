"""The steps of an invoice's life as rows: written down as they are taken, and listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.approval import next_state
from billing.invoices.models import FeeInvoice, FeeInvoiceStep
from billing.invoices.values import Act
from governance.access import Actor
from governance.parties.models import User


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step as a page shows it."""

    act: Act
    at: datetime
    by: str
    """Name of who took it."""
    reason: str


def take_step(
    session: Session, actor: Actor, invoice: FeeInvoice, act: Act, reason: str = ""
) -> None:
    """Move an invoice on, or back, and write down who did it when; Conflict where it can't.

    Only the state and who holds each office are written: whether the actor may is decided before.
    """
    invoice.state = next_state(invoice.state, act)
    person = actor.signed_in_id
    match act:
        case Act.CHECK:
            invoice.checked_at, invoice.checked_by_id = actor.at, person
        case Act.TAKE_BACK_CHECK:
            invoice.checked_at = invoice.checked_by_id = None
        case Act.APPROVE:
            invoice.approved_at, invoice.approved_by_id = actor.at, person
        case Act.TAKE_BACK_APPROVAL:
            invoice.approved_at = invoice.approved_by_id = None
        case Act.ISSUE:
            invoice.issued_at, invoice.issued_by_id = actor.at, person
        case Act.SUPERSEDE:
            pass
    session.add(
        FeeInvoiceStep(invoice_id=invoice.id, act=act, at=actor.at, by_id=person, reason=reason)
    )


def steps_of(session: Session, invoice: FeeInvoice) -> tuple[StepTaken, ...]:
    """All steps of an invoice, oldest first; none of those issued before steps were kept."""
    rows = session.execute(
        select(FeeInvoiceStep, col(User.name))
        .join(User, col(User.id) == col(FeeInvoiceStep.by_id))
        .where(col(FeeInvoiceStep.invoice_id) == invoice.id)
        .order_by(col(FeeInvoiceStep.id))
    )
    return tuple(StepTaken(step.act, step.at, name, step.reason) for step, name in rows)


def last_step_of(session: Session, invoice: FeeInvoice) -> str:
    """Who took the invoice's last step and on which day; empty where nobody took any."""
    taken = steps_of(session, invoice)
    return f"{taken[-1].by}, {taken[-1].at.date()}" if taken else ""
