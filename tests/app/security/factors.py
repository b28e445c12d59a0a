"""Everything that can happen to a user's second factors, once."""

from __future__ import annotations

from datetime import timedelta

import pyotp
from sqlmodel import Session

from app.security.enrolment import new_recovery_codes, remove_all_factors
from app.security.models import Proof
from app.security.openid import Identity
from app.security.passkeys import (
    Answer,
    RelyingParty,
    add_passkey,
    ask_for_known,
    ask_for_new,
    take_challenge,
)
from app.security.people import Visit
from app.security.second_step import (
    finish_with_code,
    finish_with_passkey,
    finish_with_recovery_code,
    sign_in_with_passkey,
)
from app.security.sessions import Origin, start_session
from app.security.single_sign_on import (
    begin_attempt,
    identities_of,
    sign_in_with_identity,
    take_attempt,
    unlink_identity,
)
from app.security.totp import add_totp, offer_totp
from app.settings import Settings
from governance.parties.models import User
from tests.app.security.authenticator import Authenticator
from tests.factories import NOW, actor_of

ORIGIN = "https://plumbline.example"
PARTY = RelyingParty("plumbline.example", ORIGIN)
VISIT = Visit(NOW, "request-2")


def give_passkey(session: Session, user: User) -> Authenticator:
    """A device that has just been registered."""
    device = Authenticator(ORIGIN)
    made = device.make(ask_for_new(session, PARTY, user, "browser", NOW))
    answer = Answer(take_challenge(session, "browser", NOW), made)
    add_passkey(session, actor_of(user), user, PARTY, answer, name="Laptop")
    return device


def answer_of(
    session: Session, device: Authenticator, binding: str, user: User | None = None
) -> Answer:
    """What a device answers to the question at the second step of a user, or at the door."""
    user_id = user.id if user else None
    shown = device.show(ask_for_known(session, PARTY, binding, NOW, user_id))
    return Answer(take_challenge(session, binding, NOW), shown)


def use_every_factor(session: Session, settings: Settings, user: User) -> None:
    """Each service of second factors and single sign-on; at the end the user has them all."""
    for again in (True, False):
        device = _add_all(session, settings, user)
        _sign_in_with_all(session, settings, user, device)
        if again:
            remove_all_factors(session, settings, actor_of(user), user)
    identity = Identity("https://id.example", "s-1", user.email, email_verified=True)
    asked = begin_attempt(session, settings.secret(), "browser", "/engagements", NOW)
    assert take_attempt(session, settings.secret(), asked.state, "browser", NOW)
    assert sign_in_with_identity(session, settings, identity, VISIT, Origin())
    for linked in identities_of(session, user.id):
        unlink_identity(session, actor_of(user), user, linked.id)
    assert sign_in_with_identity(session, settings, identity, VISIT, Origin())


def _add_all(session: Session, settings: Settings, user: User) -> Authenticator:
    hour_ago = actor_of(user, NOW - timedelta(hours=1))
    offer = offer_totp(settings.secret(), user, "Plumbline", hour_ago.at)
    code = pyotp.TOTP(offer.secret).at(hour_ago.at)
    add_totp(session, hour_ago, user, settings.secret(), offer, code=code)
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    now = pyotp.TOTP(offer.secret).at(NOW)
    assert finish_with_code(session, settings.secret(), token, VISIT, now).token
    return give_passkey(session, user)


def _sign_in_with_all(
    session: Session, settings: Settings, user: User, device: Authenticator
) -> None:
    codes = new_recovery_codes(session, settings, actor_of(user), user)
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    assert finish_with_recovery_code(session, token, VISIT, "wrong").token is None
    assert finish_with_recovery_code(session, token, VISIT, codes[0]).token
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    answer = answer_of(session, device, token, user)
    assert finish_with_passkey(session, PARTY, token, VISIT, answer).token
    answer = answer_of(session, device, "browser")
    assert sign_in_with_passkey(session, PARTY, answer, VISIT, Origin())
