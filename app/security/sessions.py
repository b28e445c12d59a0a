"""Sign-in sessions kept on the server: a random token in a cookie, its digest in the database.

A session gets a new token whenever it comes to mean more: at sign-in, when the second step is
done, and when the person shows anew who they are.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import Proof, SignInSession
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import NotFound, NotSignedIn
from governance.parties.models import User
from governance.parties.service import get_user

_TOUCH_EVERY = timedelta(minutes=1)
"""How exactly the last use is kept: one write a minute, not one a request."""
_SECOND_STEP_WITHIN = timedelta(minutes=5)
"""How long a right password waits for its second step."""
_LONGEST_ORIGIN = 300


@dataclass(frozen=True, slots=True)
class Timeouts:
    """When a session ends by itself."""

    idle: timedelta
    """After so long without a request."""
    absolute: timedelta
    """So long after the sign-in, whatever happens."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from, as its owner will see it in the list of sessions."""

    address: str = ""
    """Network address."""
    browser: str = ""
    """What the browser says it is."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A valid session."""

    user: User
    session: SignInSession
    needs_touch: bool
    """Whether the time of last use should be written again."""


def timeouts(settings: Settings) -> Timeouts:
    """The time-outs of an installation."""
    return Timeouts(
        timedelta(minutes=settings.session_idle_minutes),
        timedelta(hours=settings.session_absolute_hours),
    )


def start_session(
    session: Session,
    user: User,
    now: datetime,
    proof: Proof | None = Proof.PASSWORD,
    origin: Origin = Origin(),
    *,
    complete: bool = True,
) -> str:
    """Open a session for a user who has just shown who they are; returns the cookie's token.

    A complete one is recorded as the sign-in. One that still waits for its second step opens
    nothing else, and is recorded when `complete_session` makes it whole.
    """
    token = open_session(session, user, now, proof, origin, complete=complete)
    if complete:
        _record_sign_in(session, user, now, proof, origin.request_id)
    return token


def open_session(
    session: Session,
    user: User,
    now: datetime,
    proof: Proof | None = Proof.PASSWORD,
    origin: Origin = Origin(),
    *,
    complete: bool = True,
) -> str:
    """The row of a new session without an entry in the log; its token carries 256 random bits."""
    token = _new_token()
    session.add(
        SignInSession(
            token_sha256=_digest(token),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            proof=proof,
            completed_at=now if complete else None,
            confirmed_at=now if complete else None,
            address=_line(origin.address),
            browser=_line(origin.browser),
        )
    )
    session.flush()
    return token


def _line(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:_LONGEST_ORIGIN]


def find_session(session: Session, token: str, now: datetime, limits: Timeouts) -> SignedIn | None:
    """The user behind a token; None where it is unknown, ended, timed out, waiting for its second
    step, or the user is inactive.
    """
    row = session.execute(
        _with_user(token).where(
            col(SignInSession.completed_at).is_not(None),
            col(SignInSession.last_seen_at) > now - limits.idle,
            col(SignInSession.created_at) > now - limits.absolute,
        )
    ).one_or_none()
    if row is None:
        return None
    needs_touch = now - row.SignInSession.last_seen_at >= _TOUCH_EVERY
    return SignedIn(row.User, row.SignInSession, needs_touch)


def find_pending(session: Session, token: str, now: datetime) -> SignInSession | None:
    """The session whose password was right and whose second step is due; None after 5 minutes."""
    row = session.execute(
        _with_user(token).where(
            col(SignInSession.completed_at).is_(None),
            col(SignInSession.created_at) > now - _SECOND_STEP_WITHIN,
        )
    ).one_or_none()
    return row.SignInSession if row else None


def _with_user(token: str) -> Select[SignInSession, User]:
    return (
        select(SignInSession, User)
        .join(User, col(User.id) == col(SignInSession.user_id))
        .where(
            col(SignInSession.token_sha256) == _digest(token),
            col(SignInSession.revoked_at).is_(None),
            col(User.active),
        )
    )


def complete_session(
    session: Session, token: str, now: datetime, proof: Proof, request_id: str = ""
) -> str:
    """Make a waiting session whole after its second step; answers its new token.

    This is the sign-in that the log records. Raises NotSignedIn where no such session waits.
    """
    pending = find_pending(session, token, now)
    if pending is None:
        raise NotSignedIn("The sign-in took too long. Please begin anew.")
    fresh = _renew(pending)
    pending.proof = proof
    pending.completed_at = pending.confirmed_at = pending.last_seen_at = now
    session.flush()
    _record_sign_in(session, get_user(session, pending.user_id), now, proof, request_id)
    return fresh


def confirm_session(session: Session, token: str, actor: Actor, proof: Proof | None = None) -> str:
    """Note that the person has shown anew who they are; answers the session's new token.

    The caller has checked it and puts the token into the cookie. `proof` is what the person
    has shown, where that is more than the session was opened with. Raises NotSignedIn where the
    session has ended meanwhile.
    """
    row = _own_row(session, token, actor)
    fresh = _renew(row)
    row.confirmed_at = row.last_seen_at = actor.at
    if proof is not None:
        row.proof = proof
    session.flush()
    after = {"proof": proof.value} if proof else None
    record(session, actor, _own_change(Action.IDENTITY_CONFIRMED, actor, after))
    return fresh


def renew_session(session: Session, token: str, actor: Actor) -> str:
    """Give the session a new token, as after a change of the password.

    It doesn't count as showing who one is. Raises NotSignedIn where the session has ended.
    """
    fresh = _renew(_own_row(session, token, actor))
    session.flush()
    return fresh


def _own_row(session: Session, token: str, actor: Actor) -> SignInSession:
    row = _open_row(session, token)
    if row is None or row.user_id != actor.user_id:
        raise NotSignedIn("The session has ended. Please sign in.")
    return row


def _renew(row: SignInSession) -> str:
    token = _new_token()
    row.token_sha256 = _digest(token)
    return token


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
    row = _open_row(session, token)
    if row is None:
        return
    row.revoked_at = actor.at
    record(session, actor, Change(Action.USER_SIGNED_OUT, "user_account", row.user_id, actor.name))


def _open_row(session: Session, token: str) -> SignInSession | None:
    return session.execute(
        select(SignInSession).where(
            col(SignInSession.token_sha256) == _digest(token),
            col(SignInSession.revoked_at).is_(None),
        )
    ).scalar_one_or_none()


def sessions_of(
    session: Session, user_id: int, now: datetime, limits: Timeouts
) -> tuple[SignInSession, ...]:
    """The open sessions of a user, the one used last first."""
    found = session.scalars(
        select(SignInSession)
        .where(
            col(SignInSession.user_id) == user_id,
            col(SignInSession.revoked_at).is_(None),
            col(SignInSession.completed_at).is_not(None),
            col(SignInSession.last_seen_at) > now - limits.idle,
            col(SignInSession.created_at) > now - limits.absolute,
        )
        .order_by(col(SignInSession.last_seen_at).desc(), col(SignInSession.id).desc())
    )
    return tuple(found)


def revoke_session(session: Session, actor: Actor, session_id: int) -> None:
    """End one of the actor's own sessions; NotFound for any other."""
    row = session.get(SignInSession, session_id)
    if row is None or row.user_id != actor.signed_in_id or row.revoked_at is not None:
        raise NotFound("there is no such session")
    row.revoked_at = actor.at
    session.flush()
    record(session, actor, _own_change(Action.SESSION_REVOKED, actor, {"sessions": "1"}))


def revoke_other_sessions(
    session: Session, actor: Actor, user: User, keep: int | None = None
) -> int:
    """End all sessions of a user but `keep`; answers how many that were.

    Called whenever the account's secrets change or the account is closed. Records nothing where
    no session was open.
    """
    rows = session.scalars(
        select(SignInSession).where(
            col(SignInSession.user_id) == user.id, col(SignInSession.revoked_at).is_(None)
        )
    ).all()
    ended = [row for row in rows if row.id != keep]
    for row in ended:
        row.revoked_at = actor.at
    session.flush()
    if ended:
        after = {"sessions": str(len(ended))}
        label = user.email
        change = Change(Action.SESSION_REVOKED, "user_account", user.id, label, after=after)
        record(session, actor, change)
    return len(ended)


def _record_sign_in(
    session: Session, user: User, now: datetime, proof: Proof | None, request_id: str
) -> None:
    actor = Actor(user.id, user.name, now, request_id)
    after = {"proof": proof.value} if proof else None
    change = Change(Action.USER_SIGNED_IN, "user_account", user.id, user.email, after=after)
    record(session, actor, change)


def _own_change(action: Action, actor: Actor, after: dict[str, str] | None = None) -> Change:
    return Change(action, "user_account", actor.signed_in_id, actor.name, after=after)


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
