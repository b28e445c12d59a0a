"""Organisations, users and memberships: create, sign in, belong."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.erasure import erase_values
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.parties.models import Organisation, OrganisationKind, User
from governance.parties.operators import check_not_last
from governance.parties.passwords import (
    BASIC_RULES,
    Owner,
    PasswordRules,
    check_password,
    hash_password,
    needs_rehash,
    password_matches,
)

_ERASED = "erased"
"""Stands where a password's hash stood; such an account is never opened again."""
_EMAIL = re.compile(r"""[^@\s,;:<>()[\]"\\]{1,64}@[^@\s,;:<>()[\]"\\]{1,255}""")
"""What header fields of mails give a meaning of their own is left out."""


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


def check_organisation(name: str, country: str) -> None:
    """Raise BadInput for a name that can't be shown and for what is no country's code."""
    problems = []
    squeezed = " ".join(name.split())
    if not squeezed or len(squeezed) > 200 or not squeezed.isprintable():
        problems.append(Problem("the organisation's name is missing or too long", column="name"))
    if not re.fullmatch("[A-Z]{2}", country):
        problems.append(
            Problem("this is no country's code", column="country", found=country[:20], allowed="DE")
        )
    if problems:
        raise BadInput(problems)


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a user account is made from."""

    email: str
    name: str
    password: str


def create_user(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    new: NewUser,
    rules: PasswordRules = BASIC_RULES,
) -> User:
    """Add a user; BadInput for unusable e-mail, name or password, Conflict for a taken e-mail."""
    email, name = new.email.strip(), " ".join(new.name.split())
    check_person(email, name)
    check_password(new.password, Owner(email, name, organisation.name), rules)
    if find_user(session, email) is not None:
        raise _taken(email)
    user = User(
        email=email,
        email_key=email.casefold(),
        name=name,
        password_hash=hash_password(new.password),
        organisation_id=organisation.id,
        created_at=actor.at,
    )
    _store_address(session, user, email)
    after = {"email": email, "name": name, "organisation": organisation.name}
    record(session, actor, _change(Action.USER_CREATED, user, after))
    return user


def _store_address(session: Session, user: User, email: str) -> None:
    """Conflict where somebody else has taken the address since it was looked for."""
    session.add(user)
    try:
        session.flush()
    except IntegrityError:
        raise _taken(email) from None


def _taken(email: str) -> Conflict:
    return Conflict(f"there is a user with the e-mail address {email}")


def check_person(email: str, name: str) -> None:
    """Raise BadInput for what is no e-mail address, and for a name that can't be shown."""
    problems = []
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        problems.append(Problem("this is not an e-mail address", column="email", found=email[:80]))
    if not name or len(name) > 200 or not name.isprintable():
        problems.append(
            Problem(
                "the name is missing, too long or holds control characters",
                column="name",
                allowed="1 to 200 characters on one line",
            )
        )
    if problems:
        raise BadInput(problems)


def find_user(session: Session, email: str) -> User | None:
    """The user with that e-mail address, in any case; None where there is none."""
    if not email.isprintable():  # PostgreSQL's text has no NUL.
        return None
    return session.execute(
        select(User).where(col(User.email_key) == email.strip().casefold())
    ).scalar_one_or_none()


def user_by_email(session: Session, email: str) -> User:
    """The user with that e-mail address, in any case; NotFound where there is none."""
    user = find_user(session, email)
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

    Every failure takes as long and answers alike. A refusal is recorded, so the caller lets the
    transaction commit before it turns a visitor away; the sign-in itself is recorded by whoever
    opens the session, when all its steps are done.
    """
    user = find_user(session, email)
    right = password_matches(user.password_hash if user else None, password)
    if user is None or not right or not user.active:
        stranger = Actor(None, "not signed in", at, request_id)
        label = email.strip()[:200]
        refused = Change(Action.USER_SIGN_IN_REFUSED, "user_account", "", label)
        record(session, stranger, refused)
        return None
    if needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
        actor = Actor(user.id, user.name, at, request_id)
        record(session, actor, _change(Action.USER_PASSWORD_SET, user))
    return user


def is_own_password(session: Session, actor: Actor, password: str) -> bool:
    """Whether this is the actor's own password; a wrong one is recorded.

    The caller lets the transaction commit before it refuses what the password was asked for.
    """
    user = get_user(session, actor.signed_in_id)
    if password_matches(user.password_hash, password):
        return True
    refuse_identity(session, actor, user)
    return False


def refuse_identity(session: Session, actor: Actor, user: User) -> None:
    """Record that a person could not show that they are who is signed in."""
    record(session, actor, _change(Action.IDENTITY_REFUSED, user))


def set_password(
    session: Session,
    actor: Actor,
    user: User,
    password: str,
    rules: PasswordRules = BASIC_RULES,
) -> None:
    """Replace a user's password; BadInput for one too weak."""
    owner = Owner(user.email, user.name, organisation_of(session, user.id).name)
    check_password(password, owner, rules)
    user.password_hash = hash_password(password)
    record(session, actor, _change(Action.USER_PASSWORD_SET, user))


def deactivate(session: Session, actor: Actor, user: User) -> None:
    """Close an account; its open sessions end with the next request.

    Conflict where it is closed already, and for the last one who runs the installation.
    """
    if not user.active:
        raise Conflict(f"the account of {user.email} is closed already")
    check_not_last(session, user, actor.at.date())
    user.active = False
    record(session, actor, _change(Action.USER_DEACTIVATED, user))


def reactivate(session: Session, actor: Actor, user: User) -> None:
    """Open an account again that was closed; Conflict for one that is open or was erased."""
    if user.active:
        raise Conflict(f"the account of {user.email} is open")
    if user.password_hash == _ERASED:
        raise Conflict("the account was erased, so it can't be opened again")
    user.active = True
    record(session, actor, _change(Action.USER_REACTIVATED, user))


def change_email(session: Session, actor: Actor, user: User, email: str) -> str:
    """Give a user another e-mail address; answers the old one.

    Raises BadInput for what is none and Conflict for one that is taken.
    """
    address = email.strip()
    check_person(address, user.name)
    taken = find_user(session, address)
    if taken is not None and taken.id != user.id:
        raise _taken(address)
    before = user.email
    user.email, user.email_key = address, address.casefold()
    _store_address(session, user, address)
    change = Change(
        Action.USER_EMAIL_CHANGED,
        "user_account",
        user.id,
        address,
        before={"email": before},
        after={"email": address},
    )
    record(session, actor, change)
    return before


def erase_user(
    session: Session, actor: Actor, user: User, also: Collection[str] = frozenset()
) -> int:
    """Close an account and erase who it was, in the account and in the log.

    Entries keep the account's number and stay provable; what they said of name and address
    can't be read again; `also` are other names that the person was given. Answers how many
    values of the log were erased. Conflict for the last one who runs the installation.
    """
    check_not_last(session, user, actor.at.date())
    known = {user.email, user.name, *also}
    gone = f"erased-{user.id}"
    user.email = user.email_key = f"{gone}@invalid"
    user.name, user.password_hash, user.active = gone, _ERASED, False
    session.flush()
    erased = erase_values(session, user.id, known)
    record(session, actor, _change(Action.USER_ERASED, user, {"values": str(erased)}))
    return erased


def _change(action: Action, user: User, after: dict[str, str] | None = None) -> Change:
    return Change(action, "user_account", user.id, user.email, after=after)
