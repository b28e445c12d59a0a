"""Which second factors a person has, and whether a role of theirs demands one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import Passkey, Proof, RecoveryCode, TotpCredential
from app.settings import Settings
from governance.access import Actor, Role
from governance.engagements.queries import memberships_of
from governance.parties.models import OperatorTerm, User

_SECOND_STEP = "/sign-in/second-step"
_ENROLMENT = "/account/second-factors"


def second_step_path() -> str:
    """Where a session goes whose password was right and whose second step is due."""
    return _SECOND_STEP


def enrolment_path() -> str:
    """Where a person goes whose role demands a second factor that they don't have yet."""
    return _ENROLMENT


def has_second_factor(session: Session, user_id: int) -> bool:
    """Whether the user has a confirmed authenticator app or a passkey.

    Recovery codes are no factor of their own: they stand in for one that is lost.
    """
    return has_totp(session, user_id) or passkey_count(session, user_id) > 0


def lock_factors(session: Session, user_id: int) -> None:
    """What changes a user's second factors follows one another; taken before anything is read.

    So the last factor is known to be the last, and none is stored twice.
    """
    session.execute(
        select(col(User.id)).where(col(User.id) == user_id).with_for_update(key_share=True)
    )


def has_totp(session: Session, user_id: int) -> bool:
    """Whether the user has an authenticator app that was confirmed by a first code."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    col(TotpCredential.user_id) == user_id,
                    col(TotpCredential.confirmed_at).is_not(None),
                )
            )
        )
    )


def passkey_count(session: Session, user_id: int) -> int:
    """How many passkeys the user has."""
    counted = select(func.count()).select_from(Passkey).where(col(Passkey.user_id) == user_id)
    return session.execute(counted).scalar_one()


def recovery_codes_left(session: Session, user_id: int) -> int:
    """How many of the user's recovery codes still work."""
    counted = (
        select(func.count())
        .select_from(RecoveryCode)
        .where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None))
    )
    return session.execute(counted).scalar_one()


def must_use_second_factor(session: Session, actor: Actor, settings: Settings) -> bool:
    """Whether the actor holds, at `actor.at`, a role that must sign in with a second factor.

    Roles in all engagements count, so the session must see at least all of the actor's.
    """
    strong = frozenset(settings.strong_sign_in_roles)
    return bool(strong) and bool(strong & _roles_held(session, actor))


def must_enrol(session: Session, actor: Actor, proof: Proof | None, settings: Settings) -> bool:
    """Whether a session opened by `proof` is too weak for a role that the actor holds."""
    if proof is not None and proof.is_strong:
        return False
    return must_use_second_factor(session, actor, settings)


def _roles_held(session: Session, actor: Actor) -> frozenset[Role]:
    held = {row.role for row in session.execute(memberships_of(actor))}
    if _runs_the_installation(session, actor.user_id, actor.at):
        held.add(Role.OPERATOR)
    return frozenset(held)


def _runs_the_installation(session: Session, user_id: int | None, at: datetime) -> bool:
    today = at.date()
    return bool(
        session.scalar(
            select(
                exists().where(
                    col(OperatorTerm.user_id) == user_id,
                    or_(
                        col(OperatorTerm.starts_on).is_(None), col(OperatorTerm.starts_on) <= today
                    ),
                    or_(col(OperatorTerm.ends_on).is_(None), col(OperatorTerm.ends_on) >= today),
                )
            )
        )
    )
