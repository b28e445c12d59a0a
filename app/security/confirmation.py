"""Showing anew who one is, by no less than what a sign-in asks for.

Every failure is recorded; the caller commits before it turns the person away.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.security.models import Proof
from app.security.passkeys import Answer, RelyingParty, use_passkey
from app.security.people import Person
from app.security.second_factors import has_totp, passkey_count
from app.security.sessions import confirm_session
from app.security.throttle import CONFIRM, clear
from app.security.totp import AppUnreadable, use_totp
from governance.parties.models import User
from governance.parties.passwords import has_password
from governance.parties.service import get_user, is_own_password, refuse_identity


@dataclass(frozen=True, slots=True)
class Ways:
    """What a person can confirm with; without any of it they sign in again."""

    password: bool
    """By the form: the password, and the code of the app too where there is one."""
    code: bool
    passkey: bool
    """By a passkey that checks who holds it, which takes the place of both."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What came of it."""

    token: str | None
    """The session's new token; None where what was shown is refused."""
    advice: str = ""
    """What the person is told where there is more to say than that it wasn't right."""


def ways_of(session: Session, user: User, party: RelyingParty | None) -> Ways:
    """What the account has; `party` is None where no passkeys can be used.

    The password alone is enough only where it is all that the sign-in asks for.
    """
    code, passkeys = has_totp(session, user.id), passkey_count(session, user.id) > 0
    password = has_password(user.password_hash) and (code or not passkeys)
    return Ways(password, code, passkeys and party is not None)


def confirm_with_form(
    session: Session, key: bytes, person: Person, token: str, *, password: str, code: str
) -> Confirmed:
    """Confirm with the password and, where the account has an app, its code.

    `key` is the installation's secret. Where there is no password, the code stands beside the
    sign-in at the organisation's own provider.
    """
    user = get_user(session, person.actor.signed_in_id)
    ways = ways_of(session, user, None)
    if ways.password and not is_own_password(session, person.actor, password):
        return Confirmed(None)
    advice = ""
    try:
        right = ways.code and use_totp(session, key, user.id, code, person.actor.at)
    except AppUnreadable as error:
        right, advice = False, str(error)
    if right or (ways.password and not ways.code):
        return _confirmed(session, person, token, Proof.PASSWORD_AND_CODE if right else None)
    refuse_identity(session, person.actor, user)
    return Confirmed(None, advice)


def confirm_with_passkey(
    session: Session, party: RelyingParty, person: Person, token: str, answer: Answer
) -> Confirmed:
    """Confirm with one of the person's passkeys, which must have verified its owner itself."""
    actor = person.actor
    shown = use_passkey(session, party, answer, actor.at, actor.signed_in_id, alone=True)
    if shown.passkey is None:
        refuse_identity(session, actor, get_user(session, actor.signed_in_id))
        return Confirmed(None)
    return _confirmed(session, person, token, Proof.PASSKEY)


def _confirmed(session: Session, person: Person, token: str, proof: Proof | None) -> Confirmed:
    """A session that only had a password becomes a strong one by what is shown now."""
    clear(session, CONFIRM, str(person.actor.user_id))
    strong = person.proof is not None and person.proof.is_strong
    return Confirmed(confirm_session(session, token, person.actor, None if strong else proof))
