"""The table of audit events, to which rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Text
from sqlmodel import Field

from governance.tables import Table, UtcDateTime, maybe_row_of, open_text_of, row_key


class Action(StrEnum):
    """What happened, `subject:action`."""

    USER_CREATED = "user:created"
    USER_PASSWORD_SET = "user:password_set"  # noqa: S105 (names an action)
    USER_DEACTIVATED = "user:deactivated"
    USER_SIGNED_IN = "user:signed_in"
    USER_SIGN_IN_REFUSED = "user:sign_in_refused"
    USER_SIGNED_OUT = "user:signed_out"
    MEMBER_ADDED = "member:added"
    MEMBER_REMOVED = "member:removed"
    ENGAGEMENT_CREATED = "engagement:created"
    CONTRACT_ADDED = "contract:added"
    EVIDENCE_ACCEPTED = "evidence:accepted"
    EVIDENCE_REJECTED = "evidence:rejected"
    PERIOD_SETTLED = "period:settled"
    INVOICE_ISSUED = "invoice:issued"


class AuditEvent(Table, table=True):
    """Who did what to what, with the labels as they were at that time."""

    __tablename__ = "audit_event"

    id: int = row_key()
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor_id: int | None = maybe_row_of("user_account.id")
    """None for the command line and for strangers at the door."""
    actor_name: str = Field(sa_type=Text)
    action: Action = Field(sa_type=open_text_of(Action))
    engagement_id: int | None = maybe_row_of("engagement.id")
    subject_kind: str = Field(sa_type=Text)
    """Table of what was changed."""
    subject_id: str = Field(sa_type=Text)
    subject_label: str = Field(sa_type=Text)
    before: str | None = Field(default=None, sa_type=Text)
    """Canonical JSON of the changed fields before, None for something new."""
    after: str | None = Field(default=None, sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    request_id: str = Field(default="", sa_type=Text)
