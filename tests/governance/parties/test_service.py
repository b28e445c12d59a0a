"""Users: created, signed in, closed, each with one event."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.database import session_scope
from governance.audit.models import Action, AuditEntry
from governance.errors import BadInput, Conflict, NotFound
from governance.parties import passwords
from governance.parties.models import OrganisationKind
from governance.parties.passwords import needs_rehash
from governance.parties.service import (
    NewUser,
    authenticate,
    create_user,
    deactivate,
    find_or_create_organisation,
    get_user,
    list_users,
    organisation_of,
    set_password,
    user_by_email,
)
from tests.factories import NOW, PASSWORD, make_actor, make_user

NEW = NewUser("Grace.Hopper@Example.org", " Grace  Hopper ", PASSWORD)


def _actions(session: Session) -> list[Action]:
    return list(session.scalars(select(col(AuditEntry.action)).order_by(col(AuditEntry.id))))


def test_an_organisation_is_found_again_in_any_case_and_spacing(session: Session) -> None:
    first = find_or_create_organisation(session, OrganisationKind.CLIENT, "Nord  GmbH", "DE", NOW)
    again = find_or_create_organisation(session, OrganisationKind.CLIENT, "NORD gmbh", "DE", NOW)
    abroad = find_or_create_organisation(session, OrganisationKind.CLIENT, "Nord GmbH", "AT", NOW)
    assert first.id == again.id != abroad.id
    assert first.name == "Nord GmbH"


def test_a_user_is_created_with_one_event_and_no_password_in_it(session: Session) -> None:
    actor = make_actor(session)
    organisation = organisation_of(session, actor.signed_in_id)
    user = create_user(session, actor, organisation, NEW)
    assert user_by_email(session, "grace.hopper@EXAMPLE.ORG").id == user.id
    assert user.name == "Grace Hopper"
    (event,) = session.scalars(select(AuditEntry))
    assert (event.action, event.actor_id) == (Action.USER_CREATED, actor.user_id)
    assert PASSWORD.encode() not in event.data
    assert (user, organisation) in list_users(session)


def test_an_email_address_is_taken_once(session: Session) -> None:
    actor = make_actor(session)
    organisation = organisation_of(session, actor.signed_in_id)
    create_user(session, actor, organisation, NEW)
    with pytest.raises(Conflict):
        create_user(session, actor, organisation, NewUser(NEW.email.upper(), "Other", PASSWORD))


@pytest.mark.parametrize(
    ("new", "problems"),
    [
        (NewUser("no address", "", PASSWORD), 2),
        (NewUser("a b@example.org", "Ada", PASSWORD), 1),
        (NewUser("a,b@example.org", "Ada", PASSWORD), 1),
        (NewUser("ada@example.org", "Ada\r\nBcc: eve@example.org", "short"), 1),
        (NewUser("ada@example.org", "Ada", "short"), 1),
    ],
)
def test_unusable_users_are_refused_with_every_problem(
    session: Session, new: NewUser, problems: int
) -> None:
    actor = make_actor(session)
    with pytest.raises(BadInput) as refused:
        create_user(session, actor, organisation_of(session, actor.signed_in_id), new)
    assert len(refused.value.problems) == problems


def test_signing_in(session: Session) -> None:
    user = make_user(session)
    assert authenticate(session, f" {user.email.upper()} ", PASSWORD, NOW) is user
    assert _actions(session) == []


def test_an_account_is_closed_once(session: Session) -> None:
    user = make_user(session)
    deactivate(session, make_actor(session), user)
    with pytest.raises(Conflict, match="closed already"):
        deactivate(session, make_actor(session), user)


def test_a_wrong_password_an_unknown_user_and_a_closed_account_look_alike(session: Session) -> None:
    user = make_user(session)
    assert authenticate(session, user.email, "wrong", NOW) is None
    assert authenticate(session, "nobody@example.org\nforged\x00", PASSWORD, NOW) is None
    deactivate(session, make_actor(session), user)
    assert authenticate(session, user.email, PASSWORD, NOW) is None
    refused = Action.USER_SIGN_IN_REFUSED
    assert _actions(session) == [refused, refused, Action.USER_DEACTIVATED, refused]


class _CountingHasher(PasswordHasher):
    verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 (argon2's name)
        self.verified += 1
        return super().verify(hash, password)


def test_an_unknown_user_costs_a_hash_too(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = _CountingHasher()
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    authenticate(session, "nobody@example.org", PASSWORD, NOW)
    authenticate(session, make_user(session).email, "wrong", NOW)
    assert hasher.verified == 2


def test_a_hash_of_older_parameters_is_renewed_at_sign_in(session: Session) -> None:
    user = make_user(session)
    older = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    user.password_hash = older.hash(PASSWORD)
    assert authenticate(session, user.email, PASSWORD, NOW) is user
    assert not needs_rehash(user.password_hash)
    assert authenticate(session, user.email, PASSWORD, NOW) is user


def test_a_password_is_replaced(session: Session) -> None:
    user, actor = make_user(session), make_actor(session)
    set_password(session, actor, user, "another long sentence")
    assert authenticate(session, user.email, PASSWORD, NOW) is None
    assert authenticate(session, user.email, "another long sentence", NOW) is user


def test_unknown_users_are_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        user_by_email(session, "nobody@example.org")
    with pytest.raises(NotFound):
        get_user(session, 999_999)


def test_of_two_accounts_with_one_address_at_once_one_is_made(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine) as session:
        actor = make_actor(session)
        organisation = organisation_of(session, actor.signed_in_id)
    barrier = Barrier(2, timeout=30)

    def one(_: int) -> bool:
        barrier.wait()
        try:
            with session_scope(fresh_engine) as session:
                create_user(session, actor, organisation, NEW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, range(2))) == [False, True]
