"""What follows for an account when its second factors change."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.mail.letters import changed_mail
from app.mail.outbox import queue_mail
from app.security.models import Proof
from app.security.passkeys import passkeys_of, remove_passkey
from app.security.people import Person
from app.security.recovery import make_recovery_codes
from app.security.second_factors import (
    has_second_factor,
    has_totp,
    lock_factors,
    must_use_second_factor,
)
from app.security.sessions import confirm_session, revoke_other_sessions
from app.security.single_sign_on import forget_identity, identities_of, unlink_identity
from app.security.totp import remove_totp
from app.settings import Settings
from governance.access import Actor
from governance.errors import Conflict
from governance.parties.models import User


def after_adding(
    session: Session, settings: Settings, person: Person, user: User, *, token: str, proof: Proof
) -> str:
    """End the user's other sessions and make this one count as opened by `proof`.

    The person has just shown the new factor, so the session that only had a password becomes
    a strong one. Answers its new token.
    """
    revoke_other_sessions(session, person.actor, user, person.session_id)
    tell(session, settings, person.actor, user, "A second factor was added to your account")
    strong = person.proof is not None and person.proof.is_strong
    return confirm_session(session, token, person.actor, None if strong else proof)


def after_removal(session: Session, settings: Settings, person: Person, user: User) -> None:
    """End the user's other sessions and tell them by mail.

    Raises Conflict, which undoes the removal, where a role of the person demands a second
    factor and none is left.
    """
    actor = person.actor
    if not has_second_factor(session, user.id) and must_use_second_factor(session, actor, settings):
        raise Conflict(
            "A role of yours demands a second factor, and this is your last one. "
            "Add another first, then remove this one."
        )
    revoke_other_sessions(session, actor, user, person.session_id)
    tell(session, settings, actor, user, "A second factor was removed from your account")


def new_recovery_codes(
    session: Session, settings: Settings, actor: Actor, user: User
) -> tuple[str, ...]:
    """Ten new codes in place of the old; Conflict where there is nothing they could stand in for.

    The user is told by mail that there are new ones, never which.
    """
    lock_factors(session, user.id)
    if not has_second_factor(session, user.id):
        raise Conflict("Recovery codes stand in for a second factor. Add one first.")
    codes = make_recovery_codes(session, actor, user)
    tell(session, settings, actor, user, "New recovery codes were made for your account")
    return codes


def remove_all_factors(session: Session, settings: Settings, actor: Actor, user: User) -> int:
    """Take all second factors and recovery codes from a user who has lost them.

    Identities at the single sign-on provider are unlinked too: whoever took the account over may
    have linked theirs. The user's sessions end. Answers how many factors there were.
    """
    lock_factors(session, user.id)
    passkeys = passkeys_of(session, user.id)
    for passkey in passkeys:
        remove_passkey(session, actor, user, passkey.id)
    with_app = has_totp(session, user.id)
    if with_app:
        remove_totp(session, actor, user)
    for identity in identities_of(session, user.id):
        forget_identity(session, actor, user, identity)
    revoke_other_sessions(session, actor, user)
    tell(session, settings, actor, user, "The second factors of your account were removed")
    return len(passkeys) + with_app


def unlink(session: Session, settings: Settings, person: Person, user: User, number: int) -> None:
    """Let the person no longer sign in by one of their identities, and tell them by mail.

    Their other sessions end. NotFound where it isn't theirs, Conflict where it is their only way
    in.
    """
    unlink_identity(session, person.actor, user, number)
    revoke_other_sessions(session, person.actor, user, person.session_id)
    tell(session, settings, person.actor, user, "Single sign-on was unlinked from your account")


def tell(session: Session, settings: Settings, actor: Actor, user: User, what: str) -> None:
    """Queue a mail to the user that says what has happened to the account."""
    mail = changed_mail(settings, user, what, actor.at)
    queue_mail(session, settings.secret(), mail, actor.at)
