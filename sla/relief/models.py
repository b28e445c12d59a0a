"""Table of relief events: what was claimed, and what the client granted of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Date, Integer, Text, UniqueConstraint
from sqlmodel import Field

from governance.tables import Sha256, Table, UtcDateTime, maybe_row_of, row_key, row_of, text_of
from governance.values import Period
from sla.relief.values import ReliefKind


class ReliefState(StrEnum):
    """How far both sides are with a relief event."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    PARTLY_APPROVED = "partly_approved"
    """Fewer rows or less time than were claimed."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """Taken back by the provider before the client decided."""


GRANTED = frozenset({ReliefState.APPROVED, ReliefState.PARTLY_APPROVED})
"""The states in which a relief event counts."""


class ReliefEventRecord(Table, table=True):
    """One relief event; what was claimed never changes."""

    __tablename__ = "relief_event"
    __table_args__ = (UniqueConstraint("engagement_id", "number"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; RE-3 is the third."""
    kind: ReliefKind = Field(sa_type=text_of(ReliefKind, "kind"))
    title: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    clause: str = Field(sa_type=Text)
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    service_levels_json: str = Field(sa_type=Text)
    """Ids as a list; an empty one is all service levels."""
    claimed_json: str = Field(sa_type=Text)
    granted_json: str | None = Field(default=None, sa_type=Text)
    """None unless the client granted it, wholly or in part."""
    late: bool = Field(default=False, sa_type=Boolean)
    """Whether the period was sealed already, so that only a restatement counts it."""
    document_name: str | None = Field(default=None, sa_type=Text)
    document_type: str | None = Field(default=None, sa_type=Text)
    document_sha256: str | None = Field(default=None, sa_type=Sha256)
    document_size: int | None = Field(default=None, sa_type=BigInteger)
    state: ReliefState = Field(sa_type=text_of(ReliefState, "state"))
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    proposed_by_id: int = row_of("user_account.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: int | None = maybe_row_of("user_account.id")
    decision_reason: str = Field(default="", sa_type=Text)

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"RE-{self.number}"

    @property
    def period(self) -> Period:
        """The days that it is claimed for."""
        return Period(self.period_start, self.period_end)
