"""Attempts come back once to their browser; identities belong to one account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.database import session_scope
from app.mail.outbox import claim_next
from app.security.enrolment import remove_all_factors
from app.security.models import Proof, SingleSignOnAttempt
from app.security.openid import Identity
from app.security.people import Visit
from app.security.sessions import Origin, Timeouts, find_session
from app.security.single_sign_on import (
    begin_attempt,
    identities_of,
    sign_in_with_identity,
    take_attempt,
    unlink_identity,
)
from app.settings import Settings
from governance.audit.models import Action, AuditEntry
from governance.errors import Conflict, NotFound
from governance.parties.models import User
from tests.factories import NOW, make_actor, make_user

SETTINGS = Settings(secret_key="drawn for these tests: 9f2c71ab04")
KEY = b"the installation's secret"
BROWSER = "the browser's own secret"
LIMITS = Timeouts(timedelta(minutes=30), timedelta(hours=12))
ISSUER = "https://id.example"


def _identity(user: User, subject: str = "s-1", **changes: Any) -> Identity:
    known = Identity(ISSUER, subject, user.email, email_verified=True)
    return replace(known, **changes)


def _sign_in(session: Session, identity: Identity) -> User | None:
    token = sign_in_with_identity(session, SETTINGS, identity, Visit(NOW, "request-2"), Origin())
    if token is None:
        return None
    found = find_session(session, token, NOW, LIMITS)
    assert found is not None
    assert found.session.proof == Proof.SINGLE_SIGN_ON
    return found.user


def _count(session: Session, action: Action) -> int:
    counted = select(func.count()).select_from(AuditEntry).where(col(AuditEntry.action) == action)
    found: int = session.execute(counted).scalar_one()
    return found


def test_a_new_link_is_told_by_mail(session: Session) -> None:
    user = make_user(session)
    for _ in range(2):
        assert _sign_in(session, _identity(user)) is user
    mail = claim_next(session, SETTINGS.secret(), NOW)
    assert mail is not None
    assert mail.recipient == user.email
    assert "Single sign-on was linked" in mail.text
    assert claim_next(session, SETTINGS.secret(), NOW) is None


def test_an_identity_is_unlinked_unless_it_is_the_only_way_in(session: Session) -> None:
    user, actor = make_user(session), make_actor(session)
    _sign_in(session, _identity(user))
    (identity,) = identities_of(session, user.id)
    with pytest.raises(NotFound):
        unlink_identity(session, actor, make_user(session), identity.id)
    password, user.password_hash = user.password_hash, "none"
    with pytest.raises(Conflict, match="only way to sign in"):
        unlink_identity(session, actor, user, identity.id)
    user.password_hash = password
    unlink_identity(session, actor, user, identity.id)
    assert identities_of(session, user.id) == ()
    assert _count(session, Action.IDENTITY_UNLINKED) == 1


def test_who_lost_everything_loses_what_was_linked_too(session: Session) -> None:
    user = make_user(session)
    _sign_in(session, _identity(user))
    assert remove_all_factors(session, SETTINGS, make_actor(session), user) == 0
    assert identities_of(session, user.id) == ()
    assert _count(session, Action.IDENTITY_UNLINKED) == 1


def test_an_attempt_comes_back_once(session: Session) -> None:
    asked = begin_attempt(session, KEY, BROWSER, "/engagements/ENG-1", NOW)
    returned = take_attempt(session, KEY, asked.state, BROWSER, NOW)
    assert returned is not None
    assert (returned.question, returned.next_path) == (asked, "/engagements/ENG-1")
    assert take_attempt(session, KEY, asked.state, BROWSER, NOW) is None


def test_an_attempt_is_for_its_browser_its_state_and_its_time(session: Session) -> None:
    asked = begin_attempt(session, KEY, BROWSER, "/engagements", NOW)
    assert take_attempt(session, KEY, asked.state, "another browser", NOW) is None
    assert take_attempt(session, KEY, asked.state, "", NOW) is None
    assert take_attempt(session, KEY, "another state", BROWSER, NOW) is None
    assert take_attempt(session, KEY, "", BROWSER, NOW) is None
    assert take_attempt(session, KEY, asked.state, BROWSER, NOW + timedelta(minutes=10)) is None
    another = begin_attempt(session, KEY, BROWSER, "/engagements", NOW)
    assert take_attempt(session, b"another secret", another.state, BROWSER, NOW) is None


def test_nothing_readable_is_stored_and_old_attempts_are_swept(session: Session) -> None:
    begin_attempt(session, KEY, BROWSER, "/engagements", NOW)
    asked = begin_attempt(session, KEY, BROWSER, "/engagements", NOW + timedelta(minutes=10))
    (stored,) = session.scalars(select(SingleSignOnAttempt))
    assert asked.nonce.encode() not in stored.secrets_sealed
    assert asked.verifier.encode() not in stored.secrets_sealed


def test_a_verified_address_links_once_and_the_subject_counts_from_then_on(
    session: Session,
) -> None:
    user = make_user(session)
    shouting = _identity(user, email=f" {user.email.upper()} ")
    assert _sign_in(session, shouting) == user
    assert _sign_in(session, _identity(user, email="new@example.org")) == user
    assert _sign_in(session, _identity(user, email="", email_verified=False)) == user
    (linked,) = identities_of(session, user.id)
    assert (linked.issuer, linked.subject, linked.linked_at) == (ISSUER, "s-1", NOW)
    assert _count(session, Action.IDENTITY_LINKED) == 1
    assert _count(session, Action.USER_SIGNED_IN) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": False},
        {"email": ""},
        {"email": "nobody@example.org"},
        {"email": "nobody\0@example.org"},
    ],
)
def test_nobody_is_linked_by_less(session: Session, changes: dict[str, Any]) -> None:
    user = make_user(session)
    assert _sign_in(session, _identity(user, **changes)) is None
    assert identities_of(session, user.id) == ()
    assert _count(session, Action.USER_SIGN_IN_REFUSED) == 1


def test_a_linked_account_takes_no_second_identity(session: Session) -> None:
    user = make_user(session)
    assert _sign_in(session, _identity(user)) == user
    assert _sign_in(session, _identity(user, "s-2")) is None
    assert _sign_in(session, _identity(user, issuer="https://other.example")) is None
    assert len(identities_of(session, user.id)) == 1


def test_subjects_of_another_issuer_are_others(session: Session) -> None:
    user, other = make_user(session), make_user(session)
    assert _sign_in(session, _identity(user)) == user
    assert _sign_in(session, _identity(other, issuer="https://other.example")) == other


def test_a_closed_account_stays_closed(session: Session) -> None:
    user, never = make_user(session), make_user(session)
    assert _sign_in(session, _identity(user)) == user
    user.active = never.active = False
    session.flush()
    assert _sign_in(session, _identity(user)) is None
    assert _sign_in(session, _identity(never, "s-2")) is None
    assert identities_of(session, never.id) == ()


@pytest.mark.parametrize(("subjects", "signed_in"), [("aa", 2), ("ab", 1)])
def test_of_two_first_sign_ins_at_once_one_links(
    fresh_engine: Engine, subjects: str, signed_in: int
) -> None:
    with session_scope(fresh_engine) as session:
        user = make_user(session)
    barrier = Barrier(2, timeout=30)

    def one(subject: str) -> bool:
        barrier.wait()
        with session_scope(fresh_engine) as session:
            return _sign_in(session, _identity(user, subject)) is not None

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(one, subjects)) == signed_in
    with session_scope(fresh_engine) as session:
        assert len(identities_of(session, user.id)) == 1
