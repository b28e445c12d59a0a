"""Forgotten passwords: links by mail, with a clock that the test turns."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import Session, col

from app.mail.models import OutboxMail
from app.mail.outbox import claim_next
from app.security.models import PasswordReset
from app.security.password_resets import ask_reset, open_reset, use_reset
from app.security.sessions import Timeouts, find_session, start_session
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action, AuditEntry
from governance.errors import BadInput, NotFound
from governance.parties.models import User
from governance.parties.service import authenticate, deactivate
from tests.factories import NOW, PASSWORD, actor_of, make_user

SETTINGS = Settings(secret_key="drawn for these tests: 9f2c71ab04", public_url="http://localhost")
LIMITS = Timeouts(timedelta(hours=1), timedelta(hours=12))
NEW = "another long sentence"
VISIT = Actor(None, "not signed in", NOW, "request-2")


def _asked(session: Session, user: User) -> str:
    ask_reset(session, SETTINGS, user.email.upper(), NOW, "request-1")
    mail = claim_next(session, SETTINGS.secret(), NOW)
    assert mail is not None
    assert mail.recipient == user.email
    found = re.search(r"http://localhost/reset/([\w-]{43})", mail.text)
    assert found
    assert found[0] in mail.html
    return found[1]


def _count(session: Session, table: type[OutboxMail] | type[PasswordReset]) -> int:
    counted: int = session.execute(select(func.count()).select_from(table)).scalar_one()
    return counted


def test_a_link_sets_the_password_once_and_ends_every_session(session: Session) -> None:
    user = make_user(session)
    signed_in = start_session(session, user, NOW)
    token = _asked(session, user)
    use_reset(session, SETTINGS, token, NEW, VISIT)
    assert find_session(session, signed_in, NOW, LIMITS) is None
    assert authenticate(session, user.email, PASSWORD, NOW) is None
    assert authenticate(session, user.email, NEW, NOW) is user
    with pytest.raises(NotFound):
        use_reset(session, SETTINGS, token, NEW, VISIT)
    told = claim_next(session, SETTINGS.secret(), NOW)
    assert told is not None
    assert "new password was chosen" in told.text


def test_using_one_link_uses_up_the_others(session: Session) -> None:
    user = make_user(session)
    first, second = _asked(session, user), _asked(session, user)
    use_reset(session, SETTINGS, first, NEW, VISIT)
    with pytest.raises(NotFound):
        open_reset(session, second, NOW)


def test_a_link_is_good_for_an_hour(session: Session) -> None:
    token = _asked(session, make_user(session))
    assert open_reset(session, token, NOW + timedelta(minutes=59))
    with pytest.raises(NotFound):
        open_reset(session, token, NOW + timedelta(minutes=60))


def test_a_weak_password_is_refused_and_the_link_stays(session: Session) -> None:
    user = make_user(session)
    token = _asked(session, user)
    with pytest.raises(BadInput), session.begin_nested():
        use_reset(session, SETTINGS, token, "password123", VISIT)
    assert open_reset(session, token, NOW)
    assert authenticate(session, user.email, PASSWORD, NOW) is user


def test_nobody_else_gets_a_link(session: Session) -> None:
    closed, without = make_user(session), make_user(session)
    deactivate(session, actor_of(closed), closed)
    without.password_hash = ""
    for email in ("nobody@example.org", closed.email, without.email, "a\0b@example.org", ""):
        ask_reset(session, SETTINGS, email, NOW, "request-1")
    assert _count(session, OutboxMail) == 0
    assert _count(session, PasswordReset) == 0


def test_asking_is_recorded_alike_for_everyone_and_without_the_address(session: Session) -> None:
    user = make_user(session)
    for email in (user.email, "nobody@example.org"):
        ask_reset(session, SETTINGS, email, NOW, "request-1")
    asked = Action.PASSWORD_RESET_ASKED
    entries = session.scalars(select(AuditEntry).where(col(AuditEntry.action) == asked)).all()
    assert len(entries) == 2
    assert all(entry.actor_id is None for entry in entries)
    assert b"nobody@example.org" not in entries[1].data
