"""A forgotten password: a link by mail to choose a new one.

Whether an address has an account shows neither in the answer nor in the time that it takes.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.mail.letters import changed_mail, reset_mail
from app.mail.outbox import queue_mail
from app.security.accounts import password_rules, use_up_resets
from app.security.models import PasswordReset
from app.security.sessions import revoke_other_sessions
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import NotFound
from governance.parties.models import User
from governance.parties.passwords import has_password
from governance.parties.service import find_user, get_user, set_password

_GONE = "This link was used or is out of date. Ask for a new one."
_NOBODY = User(id=0, email="nobody@invalid", name="Nobody")  # type: ignore[call-arg] # Never stored.
_CHANGED = (
    "A new password was chosen for your account by a link from your mailbox. All sessions have"
    " ended; look at your API tokens too"
)


def ask_reset(
    session: Session, settings: Settings, email: str, at: datetime, request_id: str
) -> None:
    """Queue a mail with a link, where the address belongs to an open account with a password.

    Otherwise the same work is done and undone.
    """
    user = find_user(session, email)
    known = user if user and user.active and has_password(user.password_hash) else None
    stranger = Actor(None, "not signed in", at, request_id)
    subject_id: int | str = known.id if known else ""
    label = email.strip()[:200]
    if known is not None:
        _queue_link(session, settings, known, at)
    else:
        with session.begin_nested() as undone:
            _queue(session, settings, _NOBODY, secrets.token_urlsafe(32), at)
            undone.rollback()
    record(
        session, stranger, Change(Action.PASSWORD_RESET_ASKED, "user_account", subject_id, label)
    )


def _queue_link(session: Session, settings: Settings, user: User, at: datetime) -> None:
    token = secrets.token_urlsafe(32)
    session.add(
        PasswordReset(
            user_id=user.id,
            token_sha256=_digest(token),
            created_at=at,
            expires_at=at + timedelta(minutes=settings.reset_minutes),
        )
    )
    session.flush()
    _queue(session, settings, user, token, at)


def _queue(session: Session, settings: Settings, user: User, token: str, at: datetime) -> None:
    until = at + timedelta(minutes=settings.reset_minutes)
    mail = reset_mail(settings, user, token, until, f"reset {_digest(token)}")
    queue_mail(session, settings.secret(), mail, at)


def open_reset(session: Session, token: str, at: datetime) -> PasswordReset:
    """The reset that a link stands for; NotFound where it was used or is out of date."""
    return _found(session, _open(token, at))


def _open(token: str, at: datetime) -> Select[PasswordReset]:
    return (
        select(PasswordReset)
        .join(User, col(User.id) == col(PasswordReset.user_id))
        .where(
            col(PasswordReset.token_sha256) == _digest(token),
            col(PasswordReset.used_at).is_(None),
            col(PasswordReset.expires_at) > at,
            col(User.active),
        )
    )


def _found(session: Session, query: Select[PasswordReset]) -> PasswordReset:
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(_GONE)
    return found


def use_reset(
    session: Session, settings: Settings, token: str, password: str, visit: Actor
) -> User:
    """Set the password by a link: all sessions end, other links too, and the person is told.

    `visit` says when and in which request. Raises NotFound for a link that is not open, BadInput
    for a password too weak, which leaves the link open.
    """
    # The lock lets the same link not be used twice at the same moment.
    reset = _found(session, _open(token, visit.at).with_for_update(of=PasswordReset))
    user = get_user(session, reset.user_id)
    actor = Actor(user.id, user.name, visit.at, visit.request_id)
    use_up_resets(session, user, visit.at)
    set_password(session, actor, user, password, password_rules(settings))
    revoke_other_sessions(session, actor, user)
    mail = changed_mail(settings, user, _CHANGED, visit.at)
    queue_mail(session, settings.secret(), mail, visit.at)
    return user


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
