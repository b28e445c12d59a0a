"""Operators: appointed by the command line or by one another, never without a last one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from governance.access import Actor
from governance.errors import BadInput, Conflict, Forbidden
from governance.parties.operators import (
    appoint_operator,
    dismiss_operator,
    is_operator,
    operators,
)
from governance.parties.service import deactivate, erase_user
from tests.factories import NOW, actor_of, make_user

SERVER = Actor(None, "command line", NOW)
TODAY = NOW.date()
DAY = timedelta(days=1)


def test_an_operator_is_appointed_for_a_time(session: Session) -> None:
    user = make_user(session)
    assert not is_operator(session, user.id, TODAY)
    appoint_operator(session, SERVER, user, ends_on=TODAY + DAY)
    assert is_operator(session, user.id, TODAY)
    assert not is_operator(session, user.id, TODAY - DAY)
    assert not is_operator(session, user.id, TODAY + 2 * DAY)
    assert not is_operator(session, None, TODAY)
    with pytest.raises(Conflict, match="already"):
        appoint_operator(session, SERVER, user)
    ((found, term),) = operators(session, TODAY)
    assert (found.id, term.ends_on) == (user.id, TODAY + DAY)


def test_operators_appoint_and_dismiss_one_another(session: Session) -> None:
    first, second, stranger = (make_user(session) for _ in range(3))
    appoint_operator(session, SERVER, first)
    with pytest.raises(Forbidden, match="only an operator"):
        appoint_operator(session, actor_of(stranger), second)
    appoint_operator(session, actor_of(first), second)
    with pytest.raises(Forbidden, match="themselves"):
        dismiss_operator(session, actor_of(first), first)
    dismiss_operator(session, actor_of(second), first)
    assert not is_operator(session, first.id, TODAY)
    with pytest.raises(Forbidden):
        dismiss_operator(session, actor_of(first), second)
    with pytest.raises(Forbidden, match="themselves"):
        appoint_operator(session, actor_of(second), second)
    with pytest.raises(Conflict, match="doesn't run"):
        dismiss_operator(session, SERVER, stranger)


def test_the_last_operator_stays(session: Session) -> None:
    first, second = make_user(session), make_user(session)
    for user in (first, second):
        appoint_operator(session, SERVER, user)
    deactivate(session, SERVER, second)
    assert not is_operator(session, second.id, TODAY)
    with pytest.raises(Conflict, match="last operator"):
        dismiss_operator(session, SERVER, first)
    for end in (deactivate, erase_user):
        with pytest.raises(Conflict, match="last operator"):
            end(session, SERVER, first)
    assert is_operator(session, first.id, TODAY)
    deactivate(session, SERVER, make_user(session))


def test_a_term_has_days_and_an_open_account(session: Session) -> None:
    user = make_user(session)
    with pytest.raises(BadInput, match="past"):
        appoint_operator(session, SERVER, user, ends_on=TODAY - DAY)
    appoint_operator(session, SERVER, user, ends_on=TODAY)
    appoint_operator(session, replace(SERVER, at=NOW + DAY), user)
    assert is_operator(session, user.id, TODAY + DAY)
    closed = make_user(session)
    deactivate(session, SERVER, closed)
    with pytest.raises(Conflict, match="closed"):
        appoint_operator(session, SERVER, closed)
