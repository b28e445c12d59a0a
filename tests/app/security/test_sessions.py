"""Sign-in sessions, with a clock that the test turns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from app.security.models import Proof, SignInSession
from app.security.sessions import (
    Origin,
    Timeouts,
    complete_session,
    confirm_session,
    end_session,
    find_pending,
    find_session,
    revoke_other_sessions,
    revoke_session,
    sessions_of,
    start_session,
    timeouts,
    touch_session,
)
from app.settings import Settings
from governance.audit.models import Action, AuditEntry
from governance.errors import NotFound, NotSignedIn
from governance.parties.service import deactivate
from tests.factories import NOW, actor_of, make_actor, make_user

LIMITS = Timeouts(idle=timedelta(minutes=30), absolute=timedelta(hours=12))
MINUTE = timedelta(minutes=1)


def _actions(session: Session) -> list[Action]:
    return list(session.scalars(select(col(AuditEntry.action)).order_by(col(AuditEntry.id))))


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
    assert _actions(session) == [Action.USER_SIGNED_IN] * 2 + [Action.USER_SIGNED_OUT]


def test_closing_the_account_ends_its_sessions(session: Session) -> None:
    user = make_user(session)
    token = start_session(session, user, NOW)
    deactivate(session, make_actor(session), user)
    assert find_session(session, token, NOW, LIMITS) is None


def test_the_time_outs_come_from_the_settings() -> None:
    settings = Settings(session_idle_minutes=5, session_absolute_hours=2)
    assert timeouts(settings) == Timeouts(timedelta(minutes=5), timedelta(hours=2))


def test_a_session_keeps_where_it_came_from_on_one_line(session: Session) -> None:
    user = make_user(session)
    start_session(session, user, NOW, Proof.PASSWORD, Origin("192.0.2.1", "Fire\nfox" + "x" * 500))
    (row,) = sessions_of(session, user.id, NOW, LIMITS)
    assert (row.address, row.browser[:8], len(row.browser)) == ("192.0.2.1", "Firefoxx", 300)


def test_a_session_that_waits_for_its_second_step_opens_nothing(session: Session) -> None:
    user = make_user(session)
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    assert find_session(session, token, NOW, LIMITS) is None
    assert find_pending(session, token, NOW + 4 * MINUTE) is not None
    assert find_pending(session, token, NOW + 5 * MINUTE) is None
    assert sessions_of(session, user.id, NOW, LIMITS) == ()
    assert _actions(session) == []


def test_the_second_step_makes_it_whole_with_a_new_token(session: Session) -> None:
    token = start_session(session, make_user(session), NOW, Proof.PASSWORD, complete=False)
    fresh = complete_session(session, token, NOW + MINUTE, Proof.PASSWORD_AND_CODE)
    found = find_session(session, fresh, NOW + MINUTE, LIMITS)
    assert found is not None
    assert found.session.proof is Proof.PASSWORD_AND_CODE
    assert find_session(session, token, NOW + MINUTE, LIMITS) is None
    assert find_pending(session, fresh, NOW + MINUTE) is None
    assert _actions(session) == [Action.USER_SIGNED_IN]
    with pytest.raises(NotSignedIn):
        complete_session(session, token, NOW + MINUTE, Proof.PASSWORD_AND_CODE)


def test_confirming_gives_a_new_token_and_is_recorded(session: Session) -> None:
    user = make_user(session)
    token = start_session(session, user, NOW)
    later = actor_of(user, NOW + 20 * MINUTE)
    fresh = confirm_session(session, token, later)
    found = find_session(session, fresh, later.at, LIMITS)
    assert found is not None
    assert found.session.confirmed_at == later.at
    assert find_session(session, token, later.at, LIMITS) is None
    assert _actions(session)[-1] is Action.IDENTITY_CONFIRMED
    with pytest.raises(NotSignedIn):
        confirm_session(session, fresh, actor_of(make_user(session)))


def test_one_ends_ones_own_sessions_and_no_others(session: Session) -> None:
    user, other = make_user(session), make_user(session)
    token = start_session(session, user, NOW)
    start_session(session, other, NOW)
    (mine,) = sessions_of(session, user.id, NOW, LIMITS)
    (theirs,) = sessions_of(session, other.id, NOW, LIMITS)
    with pytest.raises(NotFound):
        revoke_session(session, actor_of(user), theirs.id)
    revoke_session(session, actor_of(user), mine.id)
    with pytest.raises(NotFound):
        revoke_session(session, actor_of(user), mine.id)
    assert find_session(session, token, NOW, LIMITS) is None
    assert _actions(session).count(Action.SESSION_REVOKED) == 1


def test_all_other_sessions_end_together(session: Session) -> None:
    user = make_user(session)
    kept, *gone = (start_session(session, user, NOW) for _ in range(3))
    found = find_session(session, kept, NOW, LIMITS)
    assert found is not None
    assert revoke_other_sessions(session, actor_of(user), user, found.session.id) == 2
    assert revoke_other_sessions(session, actor_of(user), user, found.session.id) == 0
    assert find_session(session, kept, NOW, LIMITS) is not None
    assert all(find_session(session, token, NOW, LIMITS) is None for token in gone)
    assert _actions(session).count(Action.SESSION_REVOKED) == 1
