"""Finishing a sign-in after the password, and signing in with a passkey alone.

Every failure is recorded and answers alike; the caller commits before it turns a visitor away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from app.security.models import Proof
from app.security.passkeys import Answer, RelyingParty, use_passkey
from app.security.people import Visit
from app.security.recovery import use_recovery_code
from app.security.sessions import Origin, complete_session, find_pending, start_session
from app.security.throttle import Rate, attempt, clear
from app.security.totp import AppUnreadable, use_totp
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import NotSignedIn
from governance.parties.models import User
from governance.parties.service import get_user

SECOND_STEP = Rate("second step", 10, timedelta(minutes=15))
"""Answers of one user: at most forty codes an hour, of a million."""
PASSKEY_SIGN_IN = Rate("passkey sign-in", 60, timedelta(minutes=15))
"""Questions and answers of one network address."""
_WRONG_CODE = "the code is wrong or was used already"


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of an answer at the second step."""

    token: str | None
    """The session's new token; None where the answer is refused."""
    wait: int | None = None
    """How many seconds to wait, where there were too many answers."""
    advice: str = ""
    """What the person is told where there is more to say than that it is refused."""


def pending_user(session: Session, token: str, visit: Visit) -> User:
    """Whose sign-in waits for its second step; NotSignedIn where none does."""
    pending = find_pending(session, token, visit.at)
    if pending is None:
        raise NotSignedIn("The sign-in took too long. Please begin anew.")
    return get_user(session, pending.user_id)


def finish_with_code(session: Session, key: bytes, token: str, visit: Visit, code: str) -> Finished:
    """Finish a sign-in with a code of the authenticator app; `key` is the installation's secret."""

    def wrong(actor: Actor) -> str:
        right = use_totp(session, key, actor.signed_in_id, code, visit.at)
        return "" if right else _WRONG_CODE

    return _finish(session, token, visit, Proof.PASSWORD_AND_CODE, wrong)


def finish_with_recovery_code(session: Session, token: str, visit: Visit, code: str) -> Finished:
    """Finish a sign-in with a recovery code."""

    def wrong(actor: Actor) -> str:
        right = use_recovery_code(session, actor, actor.signed_in_id, code)
        return "" if right else _WRONG_CODE

    return _finish(session, token, visit, Proof.PASSWORD_AND_RECOVERY_CODE, wrong)


def finish_with_passkey(
    session: Session, party: RelyingParty, token: str, visit: Visit, answer: Answer
) -> Finished:
    """Finish a sign-in with one of the user's passkeys."""

    def wrong(actor: Actor) -> str:
        return use_passkey(session, party, answer, visit.at, actor.signed_in_id).why

    return _finish(session, token, visit, Proof.PASSWORD_AND_PASSKEY, wrong)


def _finish(
    session: Session, token: str, visit: Visit, proof: Proof, wrong: Callable[[Actor], str]
) -> Finished:
    user = pending_user(session, token, visit)
    actor = Actor(user.id, user.name, visit.at, visit.request_id)
    wait = attempt(session, SECOND_STEP, str(user.id), visit.at)
    if wait is not None:
        return Finished(None, wait)
    try:
        why, advice = wrong(actor), ""
    except AppUnreadable as error:
        why = advice = str(error)
    if why:
        _record_refusal(session, actor, user, proof, why)
        return Finished(None, advice=advice)
    clear(session, SECOND_STEP, str(user.id))
    return Finished(complete_session(session, token, visit.at, proof, visit.request_id))


def sign_in_with_passkey(
    session: Session, party: RelyingParty, answer: Answer, visit: Visit, origin: Origin
) -> str | None:
    """Start a session for the owner of a passkey; None where it is refused or its owner inactive.

    The passkey itself has verified its owner, so no password and no second step is asked for.
    """
    shown = use_passkey(session, party, answer, visit.at)
    user = get_user(session, shown.passkey.user_id) if shown.passkey is not None else None
    if user is None or not user.active:
        stranger = Actor(None, "not signed in", visit.at, visit.request_id)
        why = shown.why or "the account is closed"
        _record_refusal(session, stranger, user, Proof.PASSKEY, why)
        return None
    return start_session(session, user, visit.at, Proof.PASSKEY, origin)


def _record_refusal(
    session: Session, actor: Actor, user: User | None, proof: Proof, why: str
) -> None:
    change = Change(
        Action.USER_SIGN_IN_REFUSED,
        "user_account",
        user.id if user else "",
        user.email if user else "",
        after={"proof": proof.value},
        reason=why,
    )
    record(session, actor, change)


def drop_pending(session: Session, token: str, visit: Visit) -> None:
    """End a sign-in that waits for its second step; nothing where none does."""
    pending = find_pending(session, token, visit.at)
    if pending is not None:
        pending.revoked_at = visit.at
        session.flush()
