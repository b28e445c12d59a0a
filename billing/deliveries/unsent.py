"""Issued invoices that nobody has sent yet, over all engagements that a person handles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.deliveries.models import Delivery
from billing.deliveries.queries import Proposed, proposed_recipients
from billing.deliveries.values import DeliveryState, DeliverySubject
from billing.invoices.models import FeeInvoice, InvoiceState
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.runs.queries import all_handled
from governance.values import Money, Period

MOST = 200
"""Invoices that are shown, and sent, at a time; as many are shown that can't be sent."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """An issued invoice, and whom it would go to."""

    engagement: Engagement
    invoice: FeeInvoice
    whom: Proposed

    @property
    def period(self) -> Period:
        """The days that it charges."""
        return Period(self.invoice.period_start, self.invoice.period_end)

    @property
    def payable(self) -> Money:
        """What is payable by it."""
        return self.invoice.money(self.invoice.payable_minor)


def unsent_invoices(
    session: Session, actor: Actor, month: Period | None = None, reference: str = ""
) -> tuple[Unsent, ...]:
    """Issued invoices that were neither delivered nor are on their way, oldest first.

    Only of engagements in which the actor may send, of the month in which their period ends, and
    of one engagement, where these are given; at most `MOST` that can be sent, then at most `MOST`
    without anybody in `whom`.
    """
    handled = {
        one.id: one
        for one in all_handled(session, actor, Permission.SEND_INVOICE)
        if reference in {"", one.reference}
    }
    under_way = exists().where(
        col(Delivery.subject) == DeliverySubject.INVOICE,
        col(Delivery.subject_id) == col(FeeInvoice.id),
        col(Delivery.state) != DeliveryState.GIVEN_UP,
    )
    wanted = [
        col(FeeInvoice.engagement_id).in_(handled),
        col(FeeInvoice.state) == InvoiceState.ISSUED,
        ~under_way,
    ]
    if month is not None:
        wanted.append(col(FeeInvoice.period_end).between(month.start, month.end))
    asked = select(col(FeeInvoice.engagement_id)).where(*wanted).distinct()
    whom = {one: proposed_recipients(session, handled[one]) for one in session.scalars(asked).all()}
    # Those that nobody can be written to about must not crowd out the others.
    found = [
        invoice
        for addressed in (True, False)
        for invoice in _oldest(
            session, wanted, [one for one in whom if bool(whom[one].to) is addressed]
        )
    ]
    return tuple(Unsent(handled[one.engagement_id], one, whom[one.engagement_id]) for one in found)


def _oldest(
    session: Session, wanted: Iterable[ColumnElement[bool]], engagement_ids: Sequence[int]
) -> Sequence[FeeInvoice]:
    """The oldest of the invoices that are wanted, of these engagements; at most `MOST`."""
    return session.scalars(
        select(FeeInvoice)
        .where(*wanted, col(FeeInvoice.engagement_id).in_(engagement_ids))
        .order_by(col(FeeInvoice.issued_on), col(FeeInvoice.id))
        .limit(MOST)
    ).all()
