"""Record what was delivered outside the application, and that the client got it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.deliveries.earlier import checked_note, newer_delivery, refuse_newer
from billing.deliveries.entries import record_delivery
from billing.deliveries.models import Delivery
from billing.deliveries.queries import latest_number
from billing.deliveries.values import (
    ELSEWHERE,
    DeliveryState,
    Elsewhere,
    Means,
    Subject,
)
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import one_line
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import BadInput, Problem

LONGEST_REFERENCE = 200


def record_elsewhere(
    session: Session, actor: Actor, engagement: Engagement, subject: Subject, done: Elsewhere
) -> Delivery:
    """Record that a person delivered it outside the application.

    Raises Forbidden without the permission; BadInput for a day before its issue or still to come,
    a means that is none of `ELSEWHERE` and texts that are too long; Conflict where another
    delivery was made since `done.after`.
    """
    require(session, actor, engagement, Permission.SEND_INVOICE)
    lock_engagement(session, engagement)
    on = _checked_day(done, subject, actor)
    reference, note = _checked_reference(done.reference), checked_note(done.note)
    newer = newer_delivery(session, subject.kind, subject.id, done.after)
    if newer is not None and _is_same_record(newer, actor, done, reference):
        return newer
    refuse_newer(session, newer, subject.name)
    delivery = Delivery(
        engagement_id=engagement.id,
        subject=subject.kind,
        subject_id=subject.id,
        name=subject.name,
        number=done.after + 1,
        means=done.means,
        state=DeliveryState.SENT,
        note=note,
        reference=reference,
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
        delivered_on=on,
    )
    session.add(delivery)
    session.flush()
    record_delivery(session, actor, delivery, Action.DELIVERY_RECORDED)
    return delivery


def _is_same_record(newer: Delivery, actor: Actor, done: Elsewhere, reference: str) -> bool:
    told = (newer.made_by_id, newer.means, newer.delivered_on, newer.reference)
    return told == (actor.user_id, done.means, done.on, reference)


def _checked_day(done: Elsewhere, subject: Subject, actor: Actor) -> date:
    problems, latest = [], actor.at.date()
    if done.means not in ELSEWHERE:
        allowed = ", ".join(one.value for one in ELSEWHERE)
        problems.append(Problem("say which way it took", column="means", allowed=allowed))
    # Where the person is, the day may have begun that hasn't in UTC.
    if done.on is None or not subject.issued_on <= done.on or (done.on - latest).days > 1:
        problems.append(
            Problem(
                "say on which day it was delivered",
                column="on",
                found=str(done.on or ""),
                allowed=f"a day from {subject.issued_on} to {latest}",
            )
        )
    if problems or done.on is None:
        raise BadInput(problems)
    return done.on


def acknowledge(
    session: Session, actor: Actor, engagement: Engagement, subject: Subject
) -> Delivery:
    """Say for the client that it came; where nothing was sent, that it was taken from the pages.

    Whoever may dispute an invoice may say so. Where somebody has said it already, nothing changes.
    Raises Forbidden for others.
    """
    require(session, actor, engagement, Permission.DISPUTE_INVOICE)
    lock_engagement(session, engagement)
    delivery = _latest_sent(session, subject) or _taken_here(session, actor, engagement, subject)
    if delivery.acknowledged_at is not None:
        return delivery
    delivery.acknowledged_at, delivery.acknowledged_by_id = actor.at, actor.signed_in_id
    session.flush()
    record_delivery(session, actor, delivery, Action.DELIVERY_ACKNOWLEDGED)
    return delivery


def _latest_sent(session: Session, subject: Subject) -> Delivery | None:
    """The latest that was handed over, one that is acknowledged first."""
    return session.scalars(
        select(Delivery)
        .where(
            col(Delivery.subject) == subject.kind,
            col(Delivery.subject_id) == subject.id,
            col(Delivery.state) == DeliveryState.SENT,
        )
        .order_by(col(Delivery.acknowledged_at).is_(None), col(Delivery.number).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _taken_here(
    session: Session, actor: Actor, engagement: Engagement, subject: Subject
) -> Delivery:
    delivery = Delivery(
        engagement_id=engagement.id,
        subject=subject.kind,
        subject_id=subject.id,
        name=subject.name,
        number=latest_number(session, subject.kind, subject.id) + 1,
        means=Means.HERE,
        state=DeliveryState.SENT,
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
        delivered_on=actor.at.date(),
    )
    session.add(delivery)
    session.flush()
    return delivery


def _checked_reference(text: str) -> str:
    reference = one_line(text).strip()
    if len(reference) > LONGEST_REFERENCE:
        allowed = f"at most {LONGEST_REFERENCE} characters"
        raise BadInput.one(
            Problem("the reference is too long", column="reference", allowed=allowed)
        )
    return reference
