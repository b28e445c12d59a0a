"""Sign-in sessions, with a clock that the test turns."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import Session

from app.security.models import SignInSession
from app.security.sessions import (
    Timeouts,
    end_session,
    find_session,
    start_session,
    timeouts,
    touch_session,
)
from app.settings import Settings
from governance.audit.models import Action, AuditEntry
from governance.parties.service import deactivate
from tests.factories import NOW, actor_of, make_actor, make_user

LIMITS = Timeouts(idle=timedelta(minutes=30), absolute=timedelta(hours=12))
MINUTE = timedelta(minutes=1)


def test_the_database_knows_only_the_digest_of_the_token(session: Session) -> None:
    token = start_session(session, make_user(session), NOW)
    (row,) = session.scalars(select(SignInSession))
    assert len(token) >= 43
    assert token not in row.model_dump_json()


def test_each_sign_in_gets_a_token_of_its_own(session: Session) -> None:
    user = make_user(session)
    first, second = start_session(session, user, NOW), start_session(session, user, NOW)
    assert first != second
    found = find_session(session, first, NOW, LIMITS)
    assert found is not None
    assert found.user is user
    assert find_session(session, "guess", NOW, LIMITS) is None


def test_an_idle_session_ends_and_use_keeps_it(session: Session) -> None:
    token = start_session(session, make_user(session), NOW)
    assert find_session(session, token, NOW + 29 * MINUTE, LIMITS)
    touch_session(session, token, NOW + 29 * MINUTE)
    assert find_session(session, token, NOW + 58 * MINUTE, LIMITS)
    assert find_session(session, token, NOW + 59 * MINUTE, LIMITS) is None


def test_use_is_written_once_a_minute(session: Session) -> None:
    token = start_session(session, make_user(session), NOW)
    fresh = find_session(session, token, NOW + MINUTE / 2, LIMITS)
    older = find_session(session, token, NOW + MINUTE, LIMITS)
    assert fresh is not None
    assert older is not None
    assert (fresh.needs_touch, older.needs_touch) == (False, True)


def test_every_session_ends_in_the_end(session: Session) -> None:
    token = start_session(session, make_user(session), NOW)
    for minute in range(0, 12 * 60, 20):
        touch_session(session, token, NOW + minute * MINUTE)
    assert find_session(session, token, NOW + 719 * MINUTE, LIMITS)
    assert find_session(session, token, NOW + 720 * MINUTE, LIMITS) is None


def test_signing_out_ends_the_session_for_good(session: Session) -> None:
    user = make_user(session)
    token, other = start_session(session, user, NOW), start_session(session, user, NOW)
    end_session(session, token, actor_of(user))
    end_session(session, token, actor_of(user))
    touch_session(session, token, NOW)
    assert find_session(session, token, NOW, LIMITS) is None
    assert find_session(session, other, NOW, LIMITS)
    (event,) = session.scalars(select(AuditEntry))
    assert event.action is Action.USER_SIGNED_OUT


def test_closing_the_account_ends_its_sessions(session: Session) -> None:
    user = make_user(session)
    token = start_session(session, user, NOW)
    deactivate(session, make_actor(session), user)
    assert find_session(session, token, NOW, LIMITS) is None


def test_the_time_outs_come_from_the_settings() -> None:
    settings = Settings(session_idle_minutes=5, session_absolute_hours=2)
    assert timeouts(settings) == Timeouts(timedelta(minutes=5), timedelta(hours=2))
