"""What who runs the installation wants to see at a glance; nothing of any engagement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.operation.readiness import unready_part
from app.operation.state import InstallationState, read_state, reading_all
from app.security.models import SignInSession
from app.security.sessions import timeouts
from app.settings import Settings
from governance.audit.models import AuditCosignature, AuditTimestamp
from governance.parties.models import User
from governance.parties.operators import operators

_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Outside:
    """What somebody else has last confirmed of the log."""

    at: datetime
    size: int
    """Entries of the checkpoint that was confirmed."""
    who: str
    """Name of the witness, or address of the authority."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The installation at a moment."""

    state: InstallationState
    not_ready: str
    """The part that keeps it from its work, as /ready names it; empty when all is well."""
    timestamp: Outside | None
    cosignature: Outside | None
    users: int
    closed_users: int
    operators: int
    sessions: int
    """Sessions that are open now."""
    version: str
    database: str
    environment: str


def read_overview(engine: Engine, settings: Settings, now: datetime) -> Overview:
    """The overview; raises what the database raises when it doesn't answer."""
    not_ready, state = unready_part(engine, settings, now), read_state(engine, now)
    with reading_all(engine) as session:
        return Overview(
            state=state,
            not_ready=not_ready,
            timestamp=_timestamp(session),
            cosignature=_cosignature(session),
            users=_users(session, active=True),
            closed_users=_users(session, active=False),
            operators=len(operators(session, now.date())),
            sessions=_sessions(session, settings, now),
            version=version("plumbline-governance"),
            database=_DATABASES[engine.dialect.name],
            environment=settings.environment,
        )


def _timestamp(session: Session) -> Outside | None:
    newest = select(AuditTimestamp).order_by(col(AuditTimestamp.id).desc()).limit(1)
    found = session.scalars(newest).first()
    return Outside(found.stamped_at, found.size, found.authority) if found else None


def _cosignature(session: Session) -> Outside | None:
    newest = select(AuditCosignature).order_by(col(AuditCosignature.id).desc()).limit(1)
    found = session.scalars(newest).first()
    name = found.witness_key.partition("+")[0] if found else ""
    return Outside(found.cosigned_at, found.size, name) if found else None


def _users(session: Session, *, active: bool) -> int:
    chosen = select(func.count()).select_from(User).where(col(User.active).is_(active))
    return session.execute(chosen).scalar_one()


def _sessions(session: Session, settings: Settings, now: datetime) -> int:
    limits = timeouts(settings)
    open_now = (
        col(SignInSession.revoked_at).is_(None),
        col(SignInSession.completed_at).is_not(None),
        col(SignInSession.last_seen_at) > now - limits.idle,
        col(SignInSession.created_at) > now - limits.absolute,
    )
    chosen = select(func.count()).select_from(SignInSession).where(*open_now)
    return session.execute(chosen).scalar_one()
