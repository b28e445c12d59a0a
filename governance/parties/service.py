"""Organisations, users and memberships: create, sign in, belong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.erasure import erase_values
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.parties.models import Organisation, OrganisationKind, User
from governance.parties.passwords import (
    check_password,
    hash_password,
    needs_rehash,
    password_matches,
)

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def name_key(name: str) -> str:
    """The form in which names are compared: case-folded, single spaces."""
    return " ".join(name.split()).casefold()


def find_or_create_organisation(
    session: Session, kind: OrganisationKind, name: str, country: str, at: datetime
) -> Organisation:
    """The organisation of that name and country, created where there is none."""
    found = session.execute(
        select(Organisation).where(
            col(Organisation.name_key) == name_key(name), col(Organisation.country) == country
        )
    ).scalar_one_or_none()
    if found is not None:
        return found
    organisation = Organisation(
        kind=kind,
        name=" ".join(name.split()),
        name_key=name_key(name),
        country=country,
        created_at=at,
    )
    session.add(organisation)
    session.flush()
    return organisation


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a user account is made from."""

    email: str
    name: str
    password: str


def create_user(session: Session, actor: Actor, organisation: Organisation, new: NewUser) -> User:
    """Add a user; BadInput for unusable e-mail, name or password, Conflict for a taken e-mail."""
    email, name = new.email.strip(), " ".join(new.name.split())
    _check_user(email, name)
    check_password(new.password, email=email)
    if _by_email(session, email) is not None:
        raise Conflict(f"there is a user with the e-mail address {email}")
    user = User(
        email=email,
        email_key=email.casefold(),
        name=name,
        password_hash=hash_password(new.password),
        organisation_id=organisation.id,
        created_at=actor.at,
    )
    session.add(user)
    session.flush()
    after = {"email": email, "name": name, "organisation": organisation.name}
    record(session, actor, _change(Action.USER_CREATED, user, after))
    return user


def _check_user(email: str, name: str) -> None:
    problems = []
    if not _EMAIL.fullmatch(email):
        problems.append(Problem("this is not an e-mail address", column="email", found=email[:80]))
    if not name or len(name) > 200:
        problems.append(Problem("the name is missing or too long", column="name"))
    if problems:
        raise BadInput(problems)


def _by_email(session: Session, email: str) -> User | None:
    if not email.isprintable():  # PostgreSQL's text has no NUL.
        return None
    return session.execute(
        select(User).where(col(User.email_key) == email.strip().casefold())
    ).scalar_one_or_none()


def user_by_email(session: Session, email: str) -> User:
    """The user with that e-mail address, in any case; NotFound where there is none."""
    user = _by_email(session, email)
    if user is None:
        raise NotFound(f"there is no user with the e-mail address {email}")
    return user


def get_user(session: Session, user_id: int) -> User:
    """The user of that id; NotFound where there is none."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("there is no such user")
    return user


def list_users(session: Session) -> tuple[tuple[User, Organisation], ...]:
    """All users with their organisations, by e-mail address."""
    rows = session.execute(
        select(User, Organisation)
        .join(Organisation, col(Organisation.id) == col(User.organisation_id))
        .order_by(col(User.email_key))
    )
    return tuple((row.User, row.Organisation) for row in rows)


def organisation_of(session: Session, user_id: int) -> Organisation:
    """The organisation that a user works for."""
    return session.execute(
        select(Organisation)
        .join(User, col(User.organisation_id) == col(Organisation.id))
        .where(col(User.id) == user_id)
    ).scalar_one()


def authenticate(
    session: Session, email: str, password: str, at: datetime, request_id: str = ""
) -> User | None:
    """The user, where e-mail and password are right and the account is active; else None.

    Every failure takes as long and answers alike. Both outcomes record an event, so the caller
    lets the transaction commit before it turns a visitor away.
    """
    user = _by_email(session, email)
    right = password_matches(user.password_hash if user else None, password)
    if user is None or not right or not user.active:
        stranger = Actor(None, "not signed in", at, request_id)
        label = email.strip()[:200]
        refused = Change(Action.USER_SIGN_IN_REFUSED, "user_account", "", label)
        record(session, stranger, refused)
        return None
    if needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    record(session, Actor(user.id, user.name, at, request_id), _change(Action.USER_SIGNED_IN, user))
    return user


def set_password(session: Session, actor: Actor, user: User, password: str) -> None:
    """Replace a user's password; BadInput for one too weak."""
    check_password(password, email=user.email)
    user.password_hash = hash_password(password)
    record(session, actor, _change(Action.USER_PASSWORD_SET, user))


def deactivate(session: Session, actor: Actor, user: User) -> None:
    """Close an account; its open sessions end with the next request."""
    user.active = False
    record(session, actor, _change(Action.USER_DEACTIVATED, user))


def erase_user(session: Session, actor: Actor, user: User) -> int:
    """Close an account and erase who it was, in the account and in the log.

    Entries keep the account's number and stay provable; what they said of name and address
    can't be read again. Answers how many values of the log were erased.
    """
    known = {user.email, user.name}
    gone = f"erased-{user.id}"
    user.email = user.email_key = f"{gone}@invalid"
    user.name, user.password_hash, user.active = gone, "erased", False
    session.flush()
    erased = erase_values(session, user.id, known)
    record(session, actor, _change(Action.USER_ERASED, user, {"values": str(erased)}))
    return erased


def _change(action: Action, user: User, after: dict[str, str] | None = None) -> Change:
    return Change(action, "user_account", user.id, user.email, after=after)
