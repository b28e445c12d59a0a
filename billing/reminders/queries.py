"""Find reminders again, and what is due for one; the callers name who asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.indexation_series import IndexSeries
from billing.invoices.models import FeeInvoice
from billing.reminders.models import (
    LateCharge,
    Reminder,
    ReminderDocument,
    ReminderDocumentKind,
    ReminderLine,
)
from billing.reminders.proposals import Proposal, Taken, proposals
from billing.statements.queries import Terms, accrued
from billing.statements.reading import accounts_of
from billing.statements.values import Account
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import NotFound
from governance.values import summed


@dataclass(frozen=True, slots=True)
class Due:
    """What is late in one currency of an engagement, as the provider's books have it."""

    account: Account
    day: date
    proposals: tuple[Proposal, ...]
    problem: str
    """Why late interest can't be computed; empty where it can."""

    @property
    def on_account(self) -> Decimal:
        """What the client paid that pays no invoice yet."""
        return self.account.on_account(self.day)

    @property
    def earlier(self) -> Decimal:
        """What reminders charged and is owed still."""
        return summed(one.open_on(self.day) for one in self.account.charges)


def due_reminders(
    session: Session, engagement: Engagement, terms: Terms, series: IndexSeries | None
) -> tuple[Due, ...]:
    """Every late invoice today with its next step, by currency; those without any are left out.

    The caller has checked that the actor acts for the provider.
    """
    accounts = accounts_of(session, [engagement], write_offs=True)
    taken = steps_taken(session, [one.id for each in accounts for one in each.receivables])
    found = []
    for account in accounts:
        costs = accrued(account, terms, series, terms.today)
        steps = terms.contract.invoicing.reminders
        proposed = proposals(account, steps, taken, costs.by_invoice, terms.today)
        found.append(Due(account, terms.today, proposed, costs.problem))
    return tuple(one for one in found if one.proposals)


def steps_taken(session: Session, invoice_ids: Collection[int]) -> Mapping[int, Taken]:
    """By invoice, the last step that it was reminded with."""
    rows = session.execute(
        select(ReminderLine, Reminder)
        .join(Reminder, col(Reminder.id) == col(ReminderLine.reminder_id))
        .where(col(ReminderLine.invoice_id).in_(invoice_ids), col(ReminderLine.step).is_not(None))
        .order_by(col(ReminderLine.step))
    )
    return {
        line.invoice_id: Taken(line.step or 0, reminder.issued_on, reminder.reference)
        for line, reminder in rows
    }


def reminders_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[Reminder, ...]:
    """The engagement's reminders, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(Reminder)
        .where(col(Reminder.engagement_id) == engagement.id)
        .order_by(col(Reminder.number).desc())
    )
    return tuple(found)


def get_reminder(session: Session, actor: Actor, engagement: Engagement, number: int) -> Reminder:
    """One reminder; NotFound where the engagement has none of that number."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(Reminder).where(
            col(Reminder.engagement_id) == engagement.id, col(Reminder.number) == number
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"there is no reminder RM-{number}")
    return found


def charges_of(session: Session, reminder: Reminder) -> tuple[LateCharge, ...]:
    """What a reminder charged, in the order of its invoices; what was waived too."""
    found = session.scalars(
        select(LateCharge)
        .where(col(LateCharge.reminder_id) == reminder.id)
        .order_by(col(LateCharge.id))
    )
    return tuple(found)


def find_document(
    session: Session, reminder: Reminder, kind: ReminderDocumentKind
) -> ReminderDocument | None:
    """One document of a reminder; None for a PDF that isn't drawn yet."""
    return session.scalars(
        select(ReminderDocument).where(
            col(ReminderDocument.reminder_id) == reminder.id, col(ReminderDocument.kind) == kind
        )
    ).one_or_none()


def get_document(
    session: Session, reminder: Reminder, kind: ReminderDocumentKind
) -> ReminderDocument:
    """The same; NotFound where it isn't there."""
    found = find_document(session, reminder, kind)
    if found is None:
        raise NotFound(f"{reminder.reference} has no document {kind.value} yet")
    return found


def reminders_about(session: Session, invoice: FeeInvoice) -> tuple[Reminder, ...]:
    """The reminders that list an invoice, newest first; the caller has checked the permission."""
    found = session.scalars(
        select(Reminder)
        .join(ReminderLine, col(ReminderLine.reminder_id) == col(Reminder.id))
        .where(col(ReminderLine.invoice_id) == invoice.id)
        .order_by(col(Reminder.number).desc())
    )
    return tuple(found)
