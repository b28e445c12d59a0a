"""Single sign-on: attempts that are at the provider, and whose account an identity is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.mail.letters import changed_mail
from app.mail.outbox import queue_mail
from app.security.models import ForeignIdentity, Proof, SingleSignOnAttempt
from app.security.openid import Identity, Question
from app.security.people import Visit
from app.security.sealing import SealBroken, seal, unseal
from app.security.second_factors import lock_factors, passkey_count
from app.security.sessions import Origin, start_session
from app.security.throttle import Rate
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, one_line, record
from governance.errors import Conflict, NotFound
from governance.parties.models import User
from governance.parties.passwords import has_password
from governance.parties.service import get_user
from governance.tables import canonical_json

SINGLE_SIGN_ON = Rate("single sign-on", 30, timedelta(minutes=15))
"""Departures to the provider from one network address, and as many returns."""
_PURPOSE = "single sign-on"
_AWAY_TIME = timedelta(minutes=10)
_UNKNOWN = "no account is linked to this identity or has its verified e-mail address"
_CLOSED = "the account is closed"


@dataclass(frozen=True, slots=True)
class Returned:
    """An attempt whose browser has come back."""

    question: Question
    next_path: str


def begin_attempt(
    session: Session, key: bytes, binding: str, next_path: str, now: datetime
) -> Question:
    """Note that a browser leaves for the provider; `binding` is its own secret.

    `key` is the installation's secret. Attempts that nobody came back from are swept along.
    """
    question = Question.draw()
    session.execute(delete(SingleSignOnAttempt).where(col(SingleSignOnAttempt.expires_at) <= now))
    session.add(
        SingleSignOnAttempt(
            state_sha256=_digest(question.state),
            binding_sha256=_digest(binding),
            secrets_sealed=seal(key, _PURPOSE, canonical_json(asdict(question))),
            next_path=next_path,
            expires_at=now + _AWAY_TIME,
        )
    )
    session.flush()
    return question


def take_attempt(
    session: Session, key: bytes, state: str, binding: str, now: datetime
) -> Returned | None:
    """The attempt of that state, once and for the browser that began it; else None.

    To be committed before the provider is asked, so that nothing is returned to twice.
    """
    row = session.execute(
        select(SingleSignOnAttempt)
        .where(
            col(SingleSignOnAttempt.state_sha256) == _digest(state),
            col(SingleSignOnAttempt.binding_sha256) == _digest(binding),
        )
        .with_for_update()
    ).scalar_one_or_none()
    if row is None:
        return None
    session.delete(row)
    session.flush()
    if row.expires_at <= now:
        return None
    try:
        question = Question(**json.loads(unseal(key, _PURPOSE, row.secrets_sealed)))
    except SealBroken:
        return None
    return Returned(question, row.next_path)


def sign_in_with_identity(
    session: Session, settings: Settings, identity: Identity, visit: Visit, origin: Origin
) -> str | None:
    """Start a session for the user whose identity this is; None where there is no open account.

    The first time the account is found by its e-mail address, which the provider must have
    verified, and its owner is told by mail; from then on by issuer and subject only. No account
    is made here: people are invited first. Both outcomes are recorded, so the caller lets the
    transaction commit.
    """
    user = _linked(session, identity) or _link(session, settings, identity, visit)
    if user is None or not user.active:
        _record_refusal(session, user, visit, _CLOSED if user else _UNKNOWN)
        return None
    return start_session(session, user, visit.at, Proof.SINGLE_SIGN_ON, origin)


def identities_of(session: Session, user_id: int) -> tuple[ForeignIdentity, ...]:
    """The identities that a user signs in with, oldest first."""
    found = session.scalars(
        select(ForeignIdentity)
        .where(col(ForeignIdentity.user_id) == user_id)
        .order_by(col(ForeignIdentity.id))
    )
    return tuple(found)


def _linked(session: Session, identity: Identity) -> User | None:
    found = session.scalar(
        select(col(ForeignIdentity.user_id)).where(
            col(ForeignIdentity.issuer) == identity.issuer,
            col(ForeignIdentity.subject) == identity.subject,
        )
    )
    return get_user(session, found) if found is not None else None


def _link(session: Session, settings: Settings, identity: Identity, visit: Visit) -> User | None:
    """The account of a verified e-mail address, if it is open and no identity is linked to it."""
    email = identity.email.strip().casefold()
    if not identity.email_verified or not email or not email.isprintable():
        return None
    user = session.execute(
        select(User).where(col(User.email_key) == email, col(User.active)).with_for_update()
    ).scalar_one_or_none()
    if user is None:
        return None
    # Asked under the lock: of two first sign-ins at the same moment the second finds the first.
    if identities_of(session, user.id):
        return _linked(session, identity)
    session.add(
        ForeignIdentity(
            user_id=user.id,
            issuer=identity.issuer,
            subject=identity.subject,
            linked_at=visit.at,
        )
    )
    session.flush()
    actor = Actor(user.id, user.name, visit.at, visit.request_id)
    record(session, actor, _change(Action.IDENTITY_LINKED, user, identity.issuer))
    mail = changed_mail(settings, user, "Single sign-on was linked with your account", visit.at)
    queue_mail(session, settings.secret(), mail, visit.at)
    return user


def unlink_identity(session: Session, actor: Actor, user: User, identity_id: int) -> None:
    """Let a user no longer sign in by one of their identities.

    Raises NotFound where it isn't theirs, Conflict where it is their only way in: without a
    password and a passkey.
    """
    lock_factors(session, user.id)
    identities = identities_of(session, user.id)
    identity = next((one for one in identities if one.id == identity_id), None)
    if identity is None:
        raise NotFound("there is no such identity")
    others = len(identities) > 1 or passkey_count(session, user.id) > 0
    if not others and not has_password(user.password_hash):
        raise Conflict(
            "This is your only way to sign in. Choose a password or add a passkey first, then"
            " unlink it."
        )
    forget_identity(session, actor, user, identity)


def forget_identity(session: Session, actor: Actor, user: User, identity: ForeignIdentity) -> None:
    """The same without asking whether the user has another way in."""
    session.delete(identity)
    session.flush()
    record(session, actor, _change(Action.IDENTITY_UNLINKED, user, identity.issuer))


def _change(action: Action, user: User, issuer: str) -> Change:
    return Change(action, "user_account", user.id, user.email, after={"issuer": issuer})


def _record_refusal(session: Session, user: User | None, visit: Visit, why: str) -> None:
    change = Change(
        Action.USER_SIGN_IN_REFUSED,
        "user_account",
        user.id if user else "",
        user.email if user else "",
        after={"proof": Proof.SINGLE_SIGN_ON.value},
        reason=one_line(why),
    )
    record(session, Actor(None, "not signed in", visit.at, visit.request_id), change)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
