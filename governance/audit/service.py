"""Record what happened, in the transaction in which it happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.models import Action, AuditEvent
from governance.tables import canonical_json


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to what."""

    action: Action
    subject_kind: str
    """Table of what was changed."""
    subject_id: int | str
    subject_label: str
    """How people know it, as it reads now."""
    engagement_id: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str = ""


def record(session: Session, actor: Actor, change: Change) -> AuditEvent:
    """Add one event; it stands or falls with the change itself."""
    event = AuditEvent(
        at=actor.at,
        actor_id=actor.user_id,
        actor_name=one_line(actor.name),
        action=change.action,
        engagement_id=change.engagement_id,
        subject_kind=change.subject_kind,
        subject_id=str(change.subject_id),
        subject_label=one_line(change.subject_label),
        before=_json(change.before),
        after=_json(change.after),
        reason=one_line(change.reason),
        request_id=one_line(actor.request_id),
    )
    session.add(event)
    session.flush()
    return event


def events_of(session: Session, engagement_id: int, limit: int = 100) -> tuple[AuditEvent, ...]:
    """The latest events of an engagement, newest first; the caller checks the permission."""
    found = session.scalars(
        select(AuditEvent)
        .where(col(AuditEvent.engagement_id) == engagement_id)
        .order_by(col(AuditEvent.id).desc())
        .limit(limit)
    )
    return tuple(found)


def one_line(text: str) -> str:
    """Text without control characters, so that no name can forge a second entry."""
    return "".join(char if char.isprintable() else " " for char in text)


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else canonical_json(value).decode()
