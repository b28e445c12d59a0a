"""How the installation is doing, read from its database in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.database import session_scope
from app.mail.models import OutboxMail
from billing.settlement.models import SettlementRecord
from governance.audit.models import AuditCheckpoint, AuditEntry, AuditHead
from governance.tenancy import EVERYTHING

_PATIENCE = 2_000
"""Milliseconds; who asks how things are wants to hear soon that they are stuck."""


@dataclass(frozen=True, slots=True)
class InstallationState:
    """Counts and moments over all engagements; nothing of what any of them holds."""

    tree_size: int
    """Entries in the audit log's tree."""
    signed_at: datetime | None
    """When the last checkpoint was signed."""
    pending: int
    """Audit entries that have no place in the tree yet."""
    pending_since: datetime | None
    mail_waiting: int
    mail_due_since: datetime | None
    """When the oldest mail that is due should have been sent."""
    mail_failed: int
    """Mails that were given up."""
    settled_periods: int
    """Settlements that no later one replaces."""


@contextmanager
def reading_all(engine: Engine) -> Iterator[Session]:
    """A reading transaction over every engagement, for the system's own counts."""
    with session_scope(engine, sees=EVERYTHING, read_only=True, patience=_PATIENCE) as session:
        yield session


def read_state(engine: Engine, now: datetime) -> InstallationState:
    """The state at a moment; raises what the database raises when it doesn't answer."""
    with reading_all(engine) as session:
        pending, since = _pending(session)
        waiting, due_since, failed = _mail(session, now)
        return InstallationState(
            tree_size=session.execute(select(col(AuditHead.size))).scalar_one(),
            signed_at=_last_signed(session),
            pending=pending,
            pending_since=since,
            mail_waiting=waiting,
            mail_due_since=due_since,
            mail_failed=failed,
            settled_periods=_settled(session),
        )


def _pending(session: Session) -> tuple[int, datetime | None]:
    entry = col(AuditEntry.leaf_index).is_(None)
    row = session.execute(
        select(func.count(), func.min(col(AuditEntry.at))).where(entry).select_from(AuditEntry)
    ).one()
    return row[0], row[1]


def _mail(session: Session, now: datetime) -> tuple[int, datetime | None, int]:
    failed = col(OutboxMail.failed_at).is_not(None)
    unsent = col(OutboxMail.sent_at).is_(None) & ~failed
    due_at = col(OutboxMail.next_attempt_at)
    waiting = session.execute(
        select(func.count()).select_from(OutboxMail).where(unsent)
    ).scalar_one()
    due_since = session.execute(select(func.min(due_at)).where(unsent, due_at <= now)).scalar_one()
    gone = session.execute(select(func.count()).select_from(OutboxMail).where(failed)).scalar_one()
    return waiting, due_since, gone


def _last_signed(session: Session) -> datetime | None:
    return session.execute(select(func.max(col(AuditCheckpoint.signed_at)))).scalar_one()


def _settled(session: Session) -> int:
    current = col(SettlementRecord.superseded_at).is_(None)
    return session.execute(
        select(func.count()).select_from(SettlementRecord).where(current)
    ).scalar_one()
