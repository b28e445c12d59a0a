"""Send frozen documents by mail: one delivery, and one mail in the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

from sqlalchemy.orm import Session

from billing.deliveries.earlier import checked_note, newer_delivery, refuse_newer
from billing.deliveries.enclosing import (
    Found,
    check_made,
    check_size,
    documents_of,
    look_up,
    recipients_of,
)
from billing.deliveries.entries import record_delivery
from billing.deliveries.models import Delivery, DeliveryDocument, DeliveryRecipient
from billing.deliveries.recipients import checked_recipients
from billing.deliveries.values import (
    DeliveryState,
    Means,
    Parcel,
    RecipientKind,
)
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import BadInput, Problem

_Recipients: TypeAlias = tuple[tuple[RecipientKind, str], ...]


class Post(Protocol):
    """The way out for mails."""

    @property
    def largest(self) -> int:
        """Bytes of the longest mail that the mail server takes."""

    def queue(self, session: Session, delivery: Delivery, parcel: Parcel) -> None:
        """Take a mail, which goes out if the transaction commits."""


def deliver(
    session: Session, actor: Actor, engagement: Engagement, parcel: Parcel, post: Post
) -> Delivery:
    """Queue one mail with frozen documents, to be sent after the commit.

    A PDF that isn't made yet may be among them: the mail waits for it. The same again by the same
    person is the same delivery, so that a form that is sent twice queues once.

    Raises Forbidden without the permission; BadInput for recipients that are none, without
    documents, and where they are too large for a mail; Conflict where another delivery was made
    since `parcel.after`, and for a document that isn't there and won't be made.
    """
    require(session, actor, engagement, Permission.SEND_INVOICE)
    lock_engagement(session, engagement)
    to, cc = checked_recipients(parcel.to, parcel.cc)
    note = checked_note(parcel.note)
    if not parcel.enclosures:
        allowed = "at least one document"
        raise BadInput.one(Problem("nothing is to be sent", column="documents", allowed=allowed))
    made = tuple(look_up(session, one) for one in parcel.enclosures)
    for one, found in zip(parcel.enclosures, made, strict=True):
        check_made(one, found)
    check_size(sum(one.size for one in made), post.largest)
    wanted = _recipients(to, cc)
    newer = newer_delivery(session, parcel.subject, parcel.subject_id, parcel.after)
    if newer is not None and _is_same(session, newer, actor, parcel, wanted):
        return newer
    refuse_newer(session, newer, parcel.name)
    delivery = Delivery(
        engagement_id=engagement.id,
        subject=parcel.subject,
        subject_id=parcel.subject_id,
        name=parcel.name,
        number=parcel.after + 1,
        means=Means.EMAIL,
        state=DeliveryState.QUEUED,
        language=parcel.language,
        note=note,
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
    )
    session.add(delivery)
    session.flush()
    _add_parts(session, delivery, parcel, wanted, made)
    post.queue(session, delivery, parcel)
    record_delivery(session, actor, delivery, Action.DELIVERY_QUEUED)
    return delivery


def _recipients(to: Iterable[str], cc: Iterable[str]) -> _Recipients:
    return (*((RecipientKind.TO, one) for one in to), *((RecipientKind.CC, one) for one in cc))


def _add_parts(
    session: Session,
    delivery: Delivery,
    parcel: Parcel,
    recipients: _Recipients,
    made: Sequence[Found],
) -> None:
    for position, (kind, address) in enumerate(recipients, start=1):
        row = DeliveryRecipient(
            delivery_id=delivery.id, position=position, kind=kind, address=address
        )
        session.add(row)
    for position, (one, found) in enumerate(zip(parcel.enclosures, made, strict=True), start=1):
        document = DeliveryDocument(
            delivery_id=delivery.id,
            position=position,
            document_table=one.table,
            owner_id=one.owner_id,
            kind=one.kind,
            file_name=one.file_name,
            sha256=found.sha256,
        )
        session.add(document)
    session.flush()


def _is_same(
    session: Session,
    newer: Delivery,
    actor: Actor,
    parcel: Parcel,
    recipients: _Recipients,
) -> bool:
    """Whether the same person has queued the same mail already."""
    if (newer.made_by_id, newer.means) != (actor.user_id, Means.EMAIL):
        return False
    known = recipients_of(session, [newer.id])[newer.id]
    carried = documents_of(session, [newer.id])[newer.id]
    files = [one.file_name for one in parcel.enclosures]
    return (
        newer.note == checked_note(parcel.note)
        and tuple((one.kind, one.address) for one in known) == recipients
        and [one.file_name for one in carried] == files
    )
