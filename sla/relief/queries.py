"""Find relief events again."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import NotFound
from sla.relief.models import GRANTED, ReliefEventRecord
from sla.relief.serialise import claim_of
from sla.relief.values import ReliefEvent


def relief_events(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[ReliefEventRecord, ...]:
    """All relief events of an engagement, refused and withdrawn ones too, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(ReliefEventRecord)
        .where(col(ReliefEventRecord.engagement_id) == engagement.id)
        .order_by(col(ReliefEventRecord.number).desc())
    )
    return tuple(found)


def get_relief_event(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> ReliefEventRecord:
    """One relief event; NotFound where the engagement has none of that number."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.scalars(
        select(ReliefEventRecord).where(
            col(ReliefEventRecord.engagement_id) == engagement.id,
            col(ReliefEventRecord.number) == number,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no relief event RE-{number}")
    return row


def granted_events(session: Session, engagement: Engagement) -> tuple[ReliefEvent, ...]:
    """The events that the client granted, as calculations take them, in the order of numbers.

    The caller has checked the permission.
    """
    found = session.scalars(
        select(ReliefEventRecord)
        .where(
            col(ReliefEventRecord.engagement_id) == engagement.id,
            col(ReliefEventRecord.state).in_(GRANTED),
        )
        .order_by(col(ReliefEventRecord.number))
    )
    return tuple(granted_event(row) for row in found)


def granted_event(row: ReliefEventRecord) -> ReliefEvent:
    """What the client granted of an event."""
    claim = claim_of(json.loads(row.granted_json or row.claimed_json))
    return ReliefEvent(
        reference=row.reference,
        kind=row.kind,
        title=row.title,
        reason=row.reason,
        clause=row.clause,
        period=row.period,
        service_levels=frozenset(json.loads(row.service_levels_json)),
        relief=claim.relief,
        excused=claim.excused,
    )
