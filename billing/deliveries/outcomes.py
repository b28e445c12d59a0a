"""What became of the mails: written by whoever hands them over, with the outbox's own note."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing.deliveries.enclosing import documents_of, recipients_of
from billing.deliveries.entries import record_delivery
from billing.deliveries.models import Delivery
from billing.deliveries.recipients import without_addresses
from billing.deliveries.values import DeliveryState, Handover
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import one_line

_LONGEST_PROBLEM = 300


def note_handed_over(session: Session, actor: Actor, delivery_id: int, handover: Handover) -> None:
    """The mail server took the mail; recipients that it refuses alone are marked.

    Where it was sent already, as a mail that went out twice, nothing changes. One that was given up
    meanwhile is sent all the same: the client has it.
    """
    delivery = session.get_one(Delivery, delivery_id)
    if delivery.state is DeliveryState.SENT:
        return
    for document in documents_of(session, [delivery_id])[delivery_id]:
        document.sha256 = handover.digests[document.id]
    for one in recipients_of(session, [delivery_id])[delivery_id]:
        one.problem = _said(handover.refused.get(one.address, ""))
    delivery.given_up_at, delivery.problem = None, ""
    delivery.state, delivery.sent_at = DeliveryState.SENT, actor.at
    delivery.delivered_on = actor.at.date()
    session.flush()
    record_delivery(session, actor, delivery, Action.DELIVERY_SENT)


def note_given_up(session: Session, actor: Actor, delivery_id: int, why: str) -> None:
    """The mail won't be tried again; a person may send it anew.

    Where the outcome is known already nothing changes.
    """
    delivery = session.get_one(Delivery, delivery_id)
    if delivery.state is not DeliveryState.QUEUED:
        return
    delivery.state, delivery.given_up_at = DeliveryState.GIVEN_UP, actor.at
    delivery.problem = _said(why)
    session.flush()
    record_delivery(session, actor, delivery, Action.DELIVERY_GIVEN_UP)


def _said(text: str) -> str:
    return one_line(without_addresses(text))[:_LONGEST_PROBLEM]
