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

_ORIGIN = "https://plumbline.example"
_PARTY = RelyingParty("plumbline.example", _ORIGIN)
_VISIT = Visit(NOW, "request-2")


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
    assert sign_in_with_identity(session, settings, identity, _VISIT, Origin())
    for linked in identities_of(session, user.id):
        unlink_identity(session, actor_of(user), user, linked.id)
    assert sign_in_with_identity(session, settings, identity, _VISIT, Origin())


def _add_all(session: Session, settings: Settings, user: User) -> Authenticator:
    hour_ago = actor_of(user, NOW - timedelta(hours=1))
    offer = offer_totp(settings.secret(), user, "Plumbline", hour_ago.at)
    code = pyotp.TOTP(offer.secret).at(hour_ago.at)
    add_totp(session, hour_ago, user, settings.secret(), offer, code=code)
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    now = pyotp.TOTP(offer.secret).at(NOW)
    assert finish_with_code(session, settings.secret(), token, _VISIT, now).token
    device = Authenticator(_ORIGIN)
    made = device.make(ask_for_new(session, _PARTY, user, "browser", NOW))
    answer = Answer(take_challenge(session, "browser", NOW), made)
    add_passkey(session, actor_of(user), user, _PARTY, answer, name="Laptop")
    return device


def _sign_in_with_all(
    session: Session, settings: Settings, user: User, device: Authenticator
) -> None:
    codes = new_recovery_codes(session, settings, actor_of(user), user)
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    assert finish_with_recovery_code(session, token, _VISIT, "wrong").token is None
    assert finish_with_recovery_code(session, token, _VISIT, codes[0]).token
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    shown = device.show(ask_for_known(session, _PARTY, token, NOW, user.id))
    answer = Answer(take_challenge(session, token, NOW), shown)
    assert finish_with_passkey(session, _PARTY, token, _VISIT, answer).token
    shown = device.show(ask_for_known(session, _PARTY, "browser", NOW))
    answer = Answer(take_challenge(session, "browser", NOW), shown)
    assert sign_in_with_passkey(session, _PARTY, answer, _VISIT, Origin())
