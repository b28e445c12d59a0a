"""Recovery codes: for the day the phone or the key is lost."""

from __future__ import annotations

import base64
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import RecoveryCode
from app.security.second_factors import has_second_factor, lock_factors
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.parties.models import User
from governance.tables import digest

CODES = 10
_RANDOM_BYTES = 10
"""80 bits: nobody finds a code from its digest."""
_GROUP = 4


def make_recovery_codes(session: Session, actor: Actor, user: User) -> tuple[str, ...]:
    """Ten new codes; the old ones stop working. They can't be read again afterwards."""
    lock_factors(session, user.id)
    _forget(session, user.id)
    codes = tuple(_new_code() for _ in range(CODES))
    for code in codes:
        session.add(
            RecoveryCode(user_id=user.id, code_sha256=_digest(user.id, code), created_at=actor.at)
        )
    session.flush()
    change = Change(
        Action.RECOVERY_CODES_MADE, "user_account", user.id, user.email, after={"codes": CODES}
    )
    record(session, actor, change)
    return codes


def forget_codes_without_factor(session: Session, user_id: int) -> None:
    """Delete the codes of a user who has no factor left that they could stand in for.

    The caller records the removal of the factor.
    """
    if not has_second_factor(session, user_id):
        _forget(session, user_id)


def _forget(session: Session, user_id: int) -> None:
    for code in session.scalars(select(RecoveryCode).where(col(RecoveryCode.user_id) == user_id)):
        session.delete(code)
    session.flush()


def use_recovery_code(session: Session, actor: Actor, user_id: int, code: str) -> bool:
    """Whether the code is one of the user's that nobody has used; it works no second time.

    The caller records what the code was for.
    """
    found = session.execute(
        select(RecoveryCode)
        .where(
            col(RecoveryCode.code_sha256) == _digest(user_id, code),
            col(RecoveryCode.used_at).is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        return False
    found.used_at = actor.at
    session.flush()
    return True


def _new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def _digest(user_id: int, code: str) -> str:
    """Digest of a code as its owner may type it: in any case, with or without the dashes."""
    letters = "".join(code.replace("-", "").split()).lower()
    return digest(f"{user_id} {letters}".encode())
