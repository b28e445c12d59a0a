"""Passkeys (WebAuthn): made, asked for and checked.

As a second step after the password, holding the passkey is enough; without a password it must
also have verified its owner by fingerprint, face or PIN, so that it is two factors by itself.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from sqlmodel import col
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.security.models import Passkey, PasskeyChallenge
from app.security.recovery import forget_codes_without_factor
from app.security.second_factors import lock_factors
from app.security.throttle import insert_for
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, one_line, record
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.parties.models import User

FACTOR = "passkey"
"""How the log and the pages name it."""
MOST_PASSKEYS = 20
_ANSWER_TIME = timedelta(minutes=5)
_NAME_LENGTH = 80
_CREDENTIAL_ID_BYTES = 1023
"""The longest credential id of the standard."""
_UNREADABLE = (WebAuthnException, ValueError, TypeError, RecursionError)
"""What comes of answers that no browser makes, such as brackets nested a thousand deep."""
_NO_CHALLENGE = "the question is out of date or was answered already"
_LOG = logging.getLogger("plumbline.passkeys")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are made for: this installation, by the address that browsers see."""

    id: str
    origin: str


def relying_party(settings: Settings) -> RelyingParty | None:
    """This installation; None where browsers make no passkeys for its address.

    They do for names reached by https, and for `localhost`; never for a bare IP address.
    """
    parts = urlsplit(settings.public_url)
    host = settings.public_host
    local = host == "localhost" or host.endswith(".localhost")
    if not local and (parts.scheme != "https" or not any(map(str.isalpha, host)) or ":" in host):
        return None
    standard = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in {None, standard} else f":{parts.port}"
    return RelyingParty(host, f"{parts.scheme}://{host}{port}")


def passkeys_of(session: Session, user_id: int) -> tuple[Passkey, ...]:
    """The user's passkeys, oldest first."""
    found = session.scalars(
        select(Passkey).where(col(Passkey.user_id) == user_id).order_by(col(Passkey.id))
    )
    return tuple(found)


def ask_for_new(
    session: Session, party: RelyingParty, user: User, binding: str, now: datetime
) -> str:
    """Options for making a passkey, as JSON for the browser; `binding` is its session's secret."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name="Plumbline",
        user_id=_handle(party, user.id),
        user_name=user.email,
        user_display_name=user.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[_described(one) for one in passkeys_of(session, user.id)],
    )
    _keep_challenge(session, binding, options.challenge, now)
    return options_to_json(options)


def ask_for_known(
    session: Session,
    party: RelyingParty,
    binding: str,
    now: datetime,
    user_id: int | None = None,
    *,
    alone: bool = False,
) -> str:
    """Options for showing a passkey: one of the user's, or of anybody's who is to be found out.

    `alone` says that no password comes with it; it always is so for anybody's.
    """
    known = [] if user_id is None else [_described(one) for one in passkeys_of(session, user_id)]
    options = generate_authentication_options(
        rp_id=party.id,
        allow_credentials=known,
        user_verification=_verification(alone=alone or user_id is None),
    )
    _keep_challenge(session, binding, options.challenge, now)
    return options_to_json(options)


def take_challenge(session: Session, binding: str, now: datetime) -> bytes | None:
    """What the browser was asked to sign, once; None where there is nothing or it is too old.

    To be committed whatever comes of the answer, so that no question is answered twice.
    """
    row = session.execute(
        select(PasskeyChallenge)
        .where(col(PasskeyChallenge.binding_sha256) == _digest(binding))
        .with_for_update()
    ).scalar_one_or_none()
    if row is None:
        return None
    session.delete(row)
    session.flush()
    return row.challenge if row.expires_at > now else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser sends back."""

    challenge: bytes | None
    """What it was asked to sign, as `take_challenge` gives it."""
    credential: str
    """The JSON of its answer."""


def add_passkey(
    session: Session, actor: Actor, user: User, party: RelyingParty, answer: Answer, *, name: str
) -> Passkey:
    """Store a new passkey; BadInput where the answer isn't one to this installation's question."""
    name = one_line(name).strip()
    if not 0 < len(name) <= _NAME_LENGTH:
        raise BadInput.one(
            Problem("the name is missing or too long", column="name", allowed="up to 80 characters")
        )
    lock_factors(session, user.id)
    if len(passkeys_of(session, user.id)) >= MOST_PASSKEYS:
        raise Conflict(f"you have {MOST_PASSKEYS} passkeys; remove one that you no longer use")
    passkey = _made(user, party, answer, name, actor.at)
    known = select(Passkey).where(col(Passkey.credential_id) == passkey.credential_id)
    if session.execute(known).scalar_one_or_none() is not None:
        raise Conflict("this passkey is registered already")
    session.add(passkey)
    session.flush()
    record(session, actor, _change(Action.SECOND_FACTOR_ADDED, user, name))
    return passkey


def _made(user: User, party: RelyingParty, answer: Answer, name: str, at: datetime) -> Passkey:
    if answer.challenge is None:
        raise BadInput.one(_unusable(_NO_CHALLENGE))
    try:
        credential = parse_registration_credential_json(answer.credential)
        made = verify_registration_response(
            credential=credential,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
    except _UNREADABLE as error:
        _LOG.warning("new passkey refused: %s", _reason(error))
        raise BadInput.one(_unusable("the answer of the browser doesn't fit")) from error
    if len(made.credential_id) > _CREDENTIAL_ID_BYTES:
        raise BadInput.one(_unusable("the id of the passkey is too long"))
    transports = [one.value for one in credential.response.transports or ()]
    return Passkey(
        user_id=user.id,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        name=name,
        transports=" ".join(transports),
        created_at=at,
    )


def remove_passkey(session: Session, actor: Actor, user: User, passkey_id: int) -> None:
    """Forget one of the user's passkeys; NotFound where it isn't one."""
    lock_factors(session, user.id)
    passkey = session.execute(
        select(Passkey).where(col(Passkey.id) == passkey_id, col(Passkey.user_id) == user.id)
    ).scalar_one_or_none()
    if passkey is None:
        raise NotFound("there is no such passkey")
    session.delete(passkey)
    session.flush()
    forget_codes_without_factor(session, user.id)
    record(session, actor, _change(Action.SECOND_FACTOR_REMOVED, user, passkey.name))


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of an answer."""

    passkey: Passkey | None
    """The one that was shown; None where the answer is refused."""
    why: str = ""
    """Why it is refused, for the log only."""


def use_passkey(
    session: Session,
    party: RelyingParty,
    answer: Answer,
    at: datetime,
    user_id: int | None = None,
    *,
    alone: bool = False,
) -> Shown:
    """Check a passkey that was shown; the caller records what it was for.

    With `user_id` it must be that user's. Without, or `alone`, it must have verified its owner
    itself. A signature counter that doesn't go up means that the passkey may have been copied:
    refused.
    """
    if answer.challenge is None:
        return Shown(None, _NO_CHALLENGE)
    try:
        credential = parse_authentication_credential_json(answer.credential)
    except _UNREADABLE as error:
        return Shown(None, _reason(error))
    passkey = session.execute(
        select(Passkey)
        .where(col(Passkey.credential_id) == credential.raw_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if passkey is None or user_id not in {None, passkey.user_id}:
        return Shown(None, "the passkey is unknown")
    alone = alone or user_id is None
    why = _refusal(party, answer.challenge, credential, passkey, alone=alone)
    if why:
        _LOG.warning("passkey %s of user %s refused: %s", passkey.id, passkey.user_id, why)
        return Shown(None, why)
    passkey.last_used_at = at
    session.flush()
    return Shown(passkey)


def _refusal(
    party: RelyingParty,
    challenge: bytes,
    credential: AuthenticationCredential,
    passkey: Passkey,
    *,
    alone: bool,
) -> str:
    """Why the answer is refused, empty where it is right; then the counter is moved on."""
    handle = credential.response.user_handle
    if handle is not None and handle != _handle(party, passkey.user_id):
        return "the passkey is somebody else's"
    try:
        checked = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=alone,
        )
    except _UNREADABLE as error:
        return _reason(error)
    counted, before = checked.new_sign_count, passkey.sign_count
    if (counted or before) and counted <= before:
        return "its signature counter went back: it may have been copied"
    passkey.sign_count = counted
    return ""


def _keep_challenge(session: Session, binding: str, challenge: bytes, now: datetime) -> None:
    """A browser has one open question; those that nobody answered are swept along."""
    session.execute(delete(PasskeyChallenge).where(col(PasskeyChallenge.expires_at) <= now))
    asked = {"challenge": challenge, "expires_at": now + _ANSWER_TIME}
    new = insert_for(session)(PasskeyChallenge).values(binding_sha256=_digest(binding), **asked)
    session.execute(new.on_conflict_do_update(index_elements=["binding_sha256"], set_=asked))


def _verification(*, alone: bool) -> UserVerificationRequirement:
    if alone:
        return UserVerificationRequirement.REQUIRED
    return UserVerificationRequirement.PREFERRED


def _described(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=passkey.credential_id,
        transports=[AuthenticatorTransport(one) for one in passkey.transports.split()],
    )


def _handle(party: RelyingParty, user_id: int) -> bytes:
    """What the passkey knows its user by: the same for all of the user's, and no personal data."""
    return sha256(f"{party.origin} user {user_id}".encode()).digest()


def _digest(binding: str) -> str:
    return sha256(binding.encode()).hexdigest()


def _reason(error: Exception) -> str:
    return one_line(str(error))[:200]


def _unusable(what: str) -> Problem:
    return Problem(what, column="credential", allowed="begin again")


def _change(action: Action, user: User, name: str) -> Change:
    after = {"factor": FACTOR, "name": name}
    return Change(action, "user_account", user.id, user.email, after=after)
