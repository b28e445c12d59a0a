"""The same thing twice at the same moment: one wins, the other is told, and nothing breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.database import session_scope
from app.mail.outbox import claim_next
from app.security.accounts import close_account
from app.security.enrolment import after_removal
from app.security.models import ForeignIdentity, Passkey, TotpCredential
from app.security.openid import Identity
from app.security.passkeys import remove_passkey
from app.security.password_resets import ask_reset, use_reset
from app.security.people import Person, Visit
from app.security.second_factors import has_second_factor
from app.security.sessions import Origin
from app.security.single_sign_on import sign_in_with_identity
from app.security.totp import remove_totp
from app.settings import Settings
from governance.access import Actor, Role
from governance.engagements.invitations import Guest, invite_member
from governance.engagements.joining import accept_as_new, accept_as_user
from governance.errors import Conflict, NotFound, PlumblineError
from governance.parties.models import OperatorTerm, User
from governance.parties.operators import operators
from governance.parties.service import NewUser, create_user, get_user, organisation_of
from governance.tenancy import EVERYTHING
from tests.app.security.test_totp import enrol
from tests.factories import NOW, PASSWORD, actor_of, make_contract, make_user

SETTINGS = Settings(secret_key="drawn for these tests: 9f2c71ab04", public_url="http://localhost")
VISIT = Actor(None, "visitor", NOW, "request-2")
_EMAIL = "grace@example.org"


def _at_once(engine: Engine, *acts: Callable[[Session], Any]) -> list[Any]:
    """What transactions answer that begin together, or the error that they end with."""
    barrier = Barrier(len(acts), timeout=30)

    def one(act: Callable[[Session], Any]) -> Any:
        barrier.wait()
        try:
            with session_scope(engine, sees=EVERYTHING) as session:
                return act(session)
        except PlumblineError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def _check_one_won(answers: list[Any], *errors: type[PlumblineError]) -> None:
    lost = [one for one in answers if isinstance(one, PlumblineError)]
    assert len(lost) == 1, answers
    assert isinstance(lost[0], errors)
    assert str(lost[0])


def _users(engine: Engine, email: str) -> int:
    with session_scope(engine, sees=EVERYTHING) as session:
        counted = select(func.count()).select_from(User).where(col(User.email_key) == email)
        found: int = session.execute(counted).scalar_one()
        return found


def test_an_identity_is_linked_once_and_signs_in_twice(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)

    def come_back(session: Session) -> str | None:
        identity = Identity("https://id.example", "s-1", user.email, email_verified=True)
        return sign_in_with_identity(session, SETTINGS, identity, Visit(NOW, "request-2"), Origin())

    answers = _at_once(fresh_engine, come_back, come_back)
    assert all(isinstance(one, str) for one in answers)
    with session_scope(fresh_engine) as session:
        assert session.scalars(select(ForeignIdentity)).one().user_id == user.id


def test_an_account_is_linked_to_one_of_two_identities(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)

    def come_back(subject: str) -> Callable[[Session], str | None]:
        identity = Identity("https://id.example", subject, user.email, email_verified=True)
        visit = Visit(NOW, "request-2")
        return lambda session: sign_in_with_identity(session, SETTINGS, identity, visit, Origin())

    answers = _at_once(fresh_engine, come_back("s-1"), come_back("s-2"))
    assert sorted(one is None for one in answers) == [False, True]


def test_an_identity_that_two_accounts_could_have_goes_to_one(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        emails = [make_user(session).email, make_user(session).email]

    def come_back(email: str) -> Callable[[Session], str | None]:
        identity = Identity("https://id.example", "s-1", email, email_verified=True)
        visit = Visit(NOW, "request-2")
        return lambda session: sign_in_with_identity(session, SETTINGS, identity, visit, Origin())

    answers = _at_once(fresh_engine, *map(come_back, emails))
    assert all(isinstance(one, str | Conflict) for one in answers)
    with session_scope(fresh_engine) as session:
        assert session.scalars(select(ForeignIdentity)).one().subject == "s-1"


def _invited(engine: Engine, email: str) -> str:
    with session_scope(engine, sees=EVERYTHING) as session:
        lead = actor_of(make_user(session))
        engagement = make_contract(session, lead).engagement
        guest, until = Guest(email, "Grace"), NOW + timedelta(days=1)
        role = Role.PROVIDER_FINANCE
        return invite_member(session, lead, engagement, guest, role, expires_at=until).token


def test_an_invitation_makes_one_account(fresh_engine: Engine) -> None:
    link = _invited(fresh_engine, _EMAIL)

    def accept(session: Session) -> User:
        return accept_as_new(session, link, "Grace", PASSWORD, VISIT)

    _check_one_won(_at_once(fresh_engine, accept, accept), NotFound, Conflict)
    assert _users(fresh_engine, _EMAIL) == 1


def test_an_invitation_is_accepted_once(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)
    link = _invited(fresh_engine, user.email)

    def accept(session: Session) -> object:
        return accept_as_user(session, link, actor_of(user))

    _check_one_won(_at_once(fresh_engine, accept, accept), NotFound, Conflict)


def test_a_reset_sets_one_password(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)
        ask_reset(session, SETTINGS, user.email, NOW, "request-1")
        mail = claim_next(session, SETTINGS.secret(), NOW)
    found = re.search(r"/reset/([\w-]{43})", mail.text if mail else "")
    assert found

    def choose(password: str) -> Callable[[Session], User]:
        return lambda session: use_reset(session, SETTINGS, found[1], password, VISIT)

    answers = _at_once(fresh_engine, choose("one long sentence"), choose("another sentence"))
    _check_one_won(answers, NotFound)


def test_two_apps_set_up_at_once_leave_one(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)

    def add(session: Session) -> None:
        enrol(session, user)

    assert _at_once(fresh_engine, add, add, add) == [None, None, None]
    with session_scope(fresh_engine) as session:
        assert session.scalars(select(TotpCredential)).one().user_id == user.id


def test_app_and_passkey_removed_at_once_leave_one(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)
        session.add(OperatorTerm(user_id=user.id, granted_at=NOW))
        enrol(session, user)
        passkey = Passkey(
            user_id=user.id,
            credential_id=b"1",
            public_key=b"",
            sign_count=0,
            name="laptop",
            created_at=NOW,
        )
        session.add(passkey)
    person = Person(actor_of(user), "Clearwater")
    strong = SETTINGS.model_copy(update={"strong_sign_in_roles": list(Role)})

    def remove_app(session: Session) -> None:
        remove_totp(session, person.actor, user)
        after_removal(session, strong, person, user)

    def remove_key(session: Session) -> None:
        remove_passkey(session, person.actor, user, passkey.id)
        after_removal(session, strong, person, user)

    _check_one_won(_at_once(fresh_engine, remove_app, remove_key), Conflict)
    with session_scope(fresh_engine) as session:
        assert has_second_factor(session, user.id)


def test_two_operators_closed_at_once_leave_one(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        users = [make_user(session) for _ in range(2)]
        session.add_all(OperatorTerm(user_id=one.id, granted_at=NOW) for one in users)

    def close(user: User) -> Callable[[Session], None]:
        return lambda session: close_account(session, VISIT, get_user(session, user.id))

    _check_one_won(_at_once(fresh_engine, *map(close, users)), Conflict)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        assert len(operators(session, NOW.date())) == 1


def test_an_address_gets_one_account(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)

    def make(email: str) -> Callable[[Session], User]:
        def act(session: Session) -> User:
            employer = organisation_of(session, get_user(session, user.id).id)
            return create_user(session, VISIT, employer, NewUser(email, "Grace", PASSWORD))

        return act

    answers = _at_once(fresh_engine, make(_EMAIL), make(_EMAIL.upper()))
    _check_one_won(answers, Conflict)
    assert _users(fresh_engine, _EMAIL) == 1
