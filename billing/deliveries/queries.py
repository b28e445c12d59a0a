"""Find deliveries: of what, how far they are, and whom earlier ones went to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.deliveries.enclosing import documents_of, recipients_of
from billing.deliveries.models import Delivery, DeliveryDocument, DeliveryRecipient
from billing.deliveries.values import DeliveryState, DeliverySubject, Means, RecipientKind
from governance.engagements.models import Engagement
from governance.engagements.service import contract_of
from governance.engagements.versions import agreed_contract
from governance.parties.models import User
from governance.tables import digest


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery as pages list it."""

    delivery: Delivery
    made_by: str
    acknowledged_by: str
    """Empty while nobody has said that it came."""
    recipients: tuple[DeliveryRecipient, ...]
    documents: tuple[DeliveryDocument, ...]


@dataclass(frozen=True, slots=True)
class Proposed:
    """Whom a mail should go to, unless the sender says otherwise."""

    to: tuple[str, ...]
    cc: tuple[str, ...]

    @property
    def mark(self) -> str:
        """What a form sends along, so that a mail goes to those whom its page showed."""
        return digest("\n".join((*self.to, "", *self.cc)).encode())


def latest_number(session: Session, subject: DeliverySubject, subject_id: int) -> int:
    """Number of the latest delivery; 0 where there is none."""
    last = session.scalars(
        select(func.max(col(Delivery.number))).where(
            col(Delivery.subject) == subject, col(Delivery.subject_id) == subject_id
        )
    ).one()
    return last or 0


def deliveries_of(
    session: Session, subject: DeliverySubject, subject_ids: Collection[int]
) -> dict[int, tuple[Delivered, ...]]:
    """By subject: its deliveries, latest first; subjects without any are left out.

    The caller has checked that the actor may view their engagements.
    """
    rows = session.scalars(
        select(Delivery)
        .where(col(Delivery.subject) == subject, col(Delivery.subject_id).in_(subject_ids))
        .order_by(col(Delivery.subject_id), col(Delivery.number).desc())
    ).all()
    found: dict[int, tuple[Delivered, ...]] = {}
    for one in _delivered(session, rows):
        key = one.delivery.subject_id
        found[key] = (*found.get(key, ()), one)
    return found


def _delivered(session: Session, rows: Sequence[Delivery]) -> list[Delivered]:
    ids = [one.id for one in rows]
    recipients, documents = recipients_of(session, ids), documents_of(session, ids)
    people = {one.made_by_id for one in rows} | {one.acknowledged_by_id for one in rows}
    names = {
        row.id: row.name
        for row in session.execute(
            select(col(User.id), col(User.name)).where(col(User.id).in_(people - {None}))
        )
    }
    return [
        Delivered(
            one,
            names[one.made_by_id],
            names.get(one.acknowledged_by_id or 0, ""),
            recipients[one.id],
            documents[one.id],
        )
        for one in rows
    ]


def sent_of(session: Session, invoice_ids: Collection[int]) -> frozenset[int]:
    """Which of the invoices were handed over to the client, in whatever way."""
    found = session.scalars(
        select(col(Delivery.subject_id)).where(
            col(Delivery.subject) == DeliverySubject.INVOICE,
            col(Delivery.subject_id).in_(invoice_ids),
            col(Delivery.state) == DeliveryState.SENT,
        )
    )
    return frozenset(found)


def proposed_recipients(session: Session, engagement: Engagement) -> Proposed:
    """Whom the engagement's latest invoice or credit note was mailed to; else the client's address
    in the contract.

    Reminders and statements go to others at times, who aren't to get the next invoice. Nobody
    where there is neither. Erased addresses, and those that the mail server refused, aren't
    proposed again.
    """
    latest = session.scalars(
        select(col(Delivery.id))
        .where(
            col(Delivery.engagement_id) == engagement.id,
            col(Delivery.subject).in_((DeliverySubject.INVOICE, DeliverySubject.CREDIT_NOTE)),
            col(Delivery.means) == Means.EMAIL,
            col(Delivery.state) != DeliveryState.GIVEN_UP,
        )
        .order_by(col(Delivery.id).desc())
        .limit(1)
    ).one_or_none()
    known = recipients_of(session, [latest])[latest] if latest else ()
    good = [one for one in known if one.address and not one.problem]
    to = tuple(one.address for one in good if one.kind is RecipientKind.TO)
    cc = tuple(one.address for one in good if one.kind is RecipientKind.CC)
    return Proposed(to or _stated(session, engagement), cc)


def _stated(session: Session, engagement: Engagement) -> tuple[str, ...]:
    email = contract_of(agreed_contract(session, engagement)).engagement.client.email
    return (email,) if email else ()


def is_under_way(session: Session, subject: DeliverySubject, subject_id: int) -> bool:
    """Whether it was handed over, or a mail with it is still to be sent."""
    found = session.scalars(
        select(col(Delivery.id))
        .where(
            col(Delivery.subject) == subject,
            col(Delivery.subject_id) == subject_id,
            col(Delivery.state) != DeliveryState.GIVEN_UP,
        )
        .limit(1)
    )
    return found.first() is not None
