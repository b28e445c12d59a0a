"""Authenticator apps: six digits that change every thirty seconds (RFC 6238)."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import TotpCredential
from app.security.recovery import forget_codes_without_factor
from app.security.sealing import SealBroken, seal, unseal
from app.security.second_factors import lock_factors
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import BadInput, NotFound, Problem
from governance.parties.models import User
from governance.tables import canonical_json

FACTOR = "authenticator app"
"""How the log and the pages name it."""
_STORED = "authenticator app"
_OFFERED = "authenticator app being set up"
_SET_UP_TIME = timedelta(minutes=30)
_WINDOW_STEPS = 1
"""Steps of thirty seconds that a device's clock may be early or late."""
_UNREADABLE = (
    "This authenticator app can't be checked any more, because the installation's secret has"
    " changed. Sign in with a passkey or a recovery code and set the app up again, or ask whoever"
    " runs this installation to remove it."
)
_LOG = logging.getLogger("plumbline.totp")
_CODE = re.compile(r"[0-9]{6}")


class AppUnreadable(SealBroken):
    """What the application knows of an authenticator app can't be read any more."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A new secret that its owner hasn't confirmed yet; nothing of it is stored."""

    secret: str
    """In base32, as apps take it."""
    sealed: str
    """What the form carries back, unreadable: the secret, whom it is for and until when."""
    address: str
    """The otpauth address that the QR code holds."""

    @property
    def spelled(self) -> str:
        """The secret in groups of four letters, for typing it in."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))

    @property
    def qr_code(self) -> str:
        """The address as a QR code: an SVG picture in a data address."""
        return segno.make(self.address, error="m").svg_data_uri(scale=5, border=3)


def offer_totp(key: bytes, user: User, issuer: str, now: datetime) -> Offer:
    """Draw a secret for an authenticator app, good for thirty minutes.

    `key` is the installation's secret, `issuer` what the app shows beside the e-mail address.
    """
    secret, until = pyotp.random_base32(), now + _SET_UP_TIME
    content = {"secret": secret, "user": user.id, "until": until.isoformat()}
    return _offer(user, issuer, secret, seal(key, _OFFERED, canonical_json(content)).hex())


def read_offer(key: bytes, user: User, issuer: str, sealed: str, now: datetime) -> Offer:
    """The offer that a form carries back; BadInput where it is too old or not this user's."""
    try:
        content = json.loads(unseal(key, _OFFERED, bytes.fromhex(sealed)))
    except (ValueError, SealBroken):
        content = {}
    if content.get("user") != user.id or datetime.fromisoformat(content["until"]) <= now:
        raise BadInput.one(
            Problem("this set-up is out of date", column="sealed", allowed="begin it again")
        )
    return _offer(user, issuer, content["secret"], sealed)


def _offer(user: User, issuer: str, secret: str, sealed: str) -> Offer:
    address = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)
    return Offer(secret, sealed, address)


def add_totp(
    session: Session, actor: Actor, user: User, key: bytes, offer: Offer, *, code: str
) -> TotpCredential:
    """Store an offered secret once a first code shows that the app holds it.

    It takes the place of the app before. BadInput for a code that isn't the app's.
    """
    lock_factors(session, user.id)
    step = _step_of(offer.secret, code, actor.at)
    if step is None:
        raise BadInput.one(
            Problem(
                "this isn't the code that the app shows now",
                column="code",
                allowed="the six digits of the newest code; check that the device's clock is right",
            )
        )
    if _delete(session, user.id):
        record(session, actor, _change(Action.SECOND_FACTOR_REMOVED, user))
    credential = TotpCredential(
        user_id=user.id,
        secret_sealed=seal(key, _STORED, offer.secret.encode()),
        created_at=actor.at,
        confirmed_at=actor.at,
        last_step=step,
    )
    session.add(credential)
    session.flush()
    record(session, actor, _change(Action.SECOND_FACTOR_ADDED, user))
    return credential


def totp_since(session: Session, user_id: int) -> datetime | None:
    """Since when the user has an authenticator app; None without one."""
    return session.scalar(
        select(col(TotpCredential.confirmed_at)).where(col(TotpCredential.user_id) == user_id)
    )


def remove_totp(session: Session, actor: Actor, user: User) -> None:
    """Forget the user's authenticator app; NotFound where there is none."""
    lock_factors(session, user.id)
    if not _delete(session, user.id):
        raise NotFound("there is no authenticator app to remove")
    forget_codes_without_factor(session, user.id)
    record(session, actor, _change(Action.SECOND_FACTOR_REMOVED, user))


def _delete(session: Session, user_id: int) -> bool:
    credential = _locked(session, user_id)
    if credential is None:
        return False
    session.delete(credential)
    session.flush()
    return True


def use_totp(session: Session, key: bytes, user_id: int, code: str, at: datetime) -> bool:
    """Whether `code` is right now; one that was taken once, or is older, is not.

    The row is locked, so of two parallel uses of a code one fails. The caller records what the
    code was for. Raises AppUnreadable where the installation's secret isn't the one of set-up.
    """
    credential = _locked(session, user_id)
    if credential is None or credential.confirmed_at is None:
        return False
    step = _step_of(_unsealed(key, credential), code, at)
    if step is None or step <= (credential.last_step or 0):
        return False
    credential.last_step = step
    session.flush()
    return True


def _unsealed(key: bytes, credential: TotpCredential) -> str:
    try:
        return unseal(key, _STORED, credential.secret_sealed).decode()
    except SealBroken:
        _LOG.warning("the authenticator app of user %s can't be read", credential.user_id)
        raise AppUnreadable(_UNREADABLE) from None


def _locked(session: Session, user_id: int) -> TotpCredential | None:
    """The user's credential as it stands now, and nobody else may change it meanwhile."""
    return session.execute(
        select(TotpCredential)
        .where(col(TotpCredential.user_id) == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def _step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step that a code belongs to, None where it is none of those that are near."""
    digits = "".join(code.split())
    if not _CODE.fullmatch(digits):
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(
            digits, for_time=at, valid_window=_WINDOW_STEPS
        )
    except OTPVerificationError:
        return None


def _change(action: Action, user: User) -> Change:
    return Change(action, "user_account", user.id, user.email, after={"factor": FACTOR})
