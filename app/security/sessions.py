"""Sign-in sessions kept on the server: a random token in a cookie, its digest in the database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import SignInSession
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.parties.models import User

_TOUCH_EVERY = timedelta(minutes=1)
"""How exactly the last use is kept: one write a minute, not one a request."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """When a session ends by itself."""

    idle: timedelta
    """After so long without a request."""
    absolute: timedelta
    """So long after the sign-in, whatever happens."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A valid session."""

    user: User
    needs_touch: bool
    """Whether the time of last use should be written again."""


def timeouts(settings: Settings) -> Timeouts:
    """The time-outs of an installation."""
    return Timeouts(
        timedelta(minutes=settings.session_idle_minutes),
        timedelta(hours=settings.session_absolute_hours),
    )


def start_session(session: Session, user: User, now: datetime) -> str:
    """Open a session for a user who has just signed in; returns the token for the cookie.

    The token is new at every sign-in and carries 256 random bits.
    """
    token = secrets.token_urlsafe(32)
    session.add(
        SignInSession(
            token_sha256=_digest(token), user_id=user.id, created_at=now, last_seen_at=now
        )
    )
    session.flush()
    return token


def find_session(session: Session, token: str, now: datetime, limits: Timeouts) -> SignedIn | None:
    """The user behind a token; None where it is unknown, ended, timed out or the user inactive."""
    row = session.execute(
        select(SignInSession, User)
        .join(User, col(User.id) == col(SignInSession.user_id))
        .where(
            col(SignInSession.token_sha256) == _digest(token),
            col(SignInSession.revoked_at).is_(None),
            col(SignInSession.last_seen_at) > now - limits.idle,
            col(SignInSession.created_at) > now - limits.absolute,
            col(User.active),
        )
    ).one_or_none()
    if row is None:
        return None
    return SignedIn(row.User, now - row.SignInSession.last_seen_at >= _TOUCH_EVERY)


def touch_session(session: Session, token: str, now: datetime) -> None:
    """Note that the session was used, which starts the idle time anew."""
    session.execute(
        update(SignInSession)
        .where(
            col(SignInSession.token_sha256) == _digest(token),
            col(SignInSession.revoked_at).is_(None),
        )
        .values(last_seen_at=now)
    )


def end_session(session: Session, token: str, actor: Actor) -> None:
    """Sign out: the token is worth nothing from now on."""
    row = session.execute(
        select(SignInSession).where(
            col(SignInSession.token_sha256) == _digest(token),
            col(SignInSession.revoked_at).is_(None),
        )
    ).scalar_one_or_none()
    if row is None:
        return
    row.revoked_at = actor.at
    record(session, actor, Change(Action.USER_SIGNED_OUT, "user_account", row.user_id, actor.name))


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
