"""Signing in and out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

from httpx import Response
from sqlalchemy import delete, select, update
from sqlmodel import col

from app.database import session_scope
from app.security.cookies import cookie_name
from app.security.models import Passkey, SignInSession
from app.security.throttle import SIGN_IN_ADDRESS, attempt
from governance.access import Actor, Role
from governance.audit.models import Action, AuditEntry
from governance.parties.models import Membership
from governance.parties.service import authenticate, deactivate, get_user
from governance.tenancy import EVERYTHING
from tests.app.web.support import Browser, World, form_token
from tests.factories import NOW, PASSWORD


def _sign_in(browser: Browser, email: str, password: str, next_: str = "/engagements") -> Response:
    page = browser.get("/sign-in", params={"next": next_}).text
    form = {"csrf_token": form_token(page), "email": email, "password": password, "next": next_}
    return browser.post("/sign-in", data=form)


def test_signing_in_opens_a_session_and_goes_on(world: World) -> None:
    with world.browser() as browser:
        answer = _sign_in(browser, world.manager.email.upper(), PASSWORD, "/kpis")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/kpis"
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert world.manager.name in browser.get("/kpis").text
        assert browser.get("/sign-in").headers["location"] == "/engagements"


def test_wrong_password_and_unknown_user_look_the_same(world: World) -> None:
    texts = []
    for email in (world.manager.email, "nobody@example.org"):
        with world.browser() as browser:
            answer = _sign_in(browser, email, "wrong")
        assert answer.status_code == 401
        assert "The e-mail address or the password is wrong." in answer.text
        texts.append(answer.text.replace(email, "").replace(form_token(answer.text), ""))
    assert texts[0] == texts[1]


def test_known_and_unknown_users_take_alike_long(own_world: World) -> None:
    """The work is the same; this only finds a mistake of another order."""
    times: dict[str, list[float]] = {own_world.manager.email: [], "nobody@example.org": []}
    for _ in range(7):
        for email, taken in times.items():
            began = perf_counter()
            with session_scope(own_world.engine) as session:
                assert authenticate(session, email, "wrong", NOW) is None
            taken.append(perf_counter() - began)
    known, unknown = (median(taken) for taken in times.values())
    assert 0.5 < known / unknown < 2


def test_a_right_password_with_a_second_factor_opens_nothing_yet(own_world: World) -> None:
    email = own_world.manager.email
    with session_scope(own_world.engine) as session:
        session.add(
            Passkey(
                user_id=own_world.manager.id,
                credential_id=b"1",
                public_key=b"2",
                sign_count=0,
                name="key",
                created_at=NOW,
            )
        )
    with own_world.browser() as browser:
        answer = _sign_in(browser, email, PASSWORD, "/kpis")
        assert answer.headers["location"] == "/sign-in/second-step?next=/kpis"
        assert browser.get("/kpis").headers["location"].startswith("/sign-in")
        assert browser.get("/account").status_code == 303
        assert browser.get("/sign-in/second-step").status_code == 200
        assert browser.get("/sign-in").status_code == 200
    with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
        actions = session.scalars(select(col(AuditEntry.action))).all()
    assert Action.USER_SIGNED_IN not in actions


def test_a_sign_in_is_one_entry_and_a_new_token_each_time(own_world: World) -> None:
    cookies = []
    for _ in range(2):
        with own_world.browser() as browser:
            _sign_in(browser, own_world.manager.email, PASSWORD)
            cookies.append(browser.cookies[cookie_name(own_world.settings, "session")])
    assert cookies[0] != cookies[1]
    with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
        actions = list(session.scalars(select(col(AuditEntry.action))))
    assert actions.count(Action.USER_SIGNED_IN) == 2


def test_attempts_are_counted_by_account_over_all_browsers_and_success_starts_anew(
    own_world: World,
) -> None:
    email = own_world.manager.email
    with own_world.browser() as browser:
        assert [_sign_in(browser, email, "wrong").status_code for _ in range(9)] == [401] * 9
        assert _sign_in(browser, email, PASSWORD).status_code == 303
    with own_world.browser() as browser:
        statuses = [_sign_in(browser, email.upper(), "wrong").status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        answer = _sign_in(browser, email, PASSWORD)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
        assert _sign_in(browser, own_world.stranger.email, PASSWORD).status_code == 303


def test_a_network_address_has_its_own_limit(own_world: World) -> None:
    rate = replace(SIGN_IN_ADDRESS, limit=0)
    with session_scope(own_world.engine) as session:
        for _ in range(SIGN_IN_ADDRESS.limit):
            attempt(session, rate, "testclient", datetime.now(UTC))
    with own_world.browser() as browser:
        assert _sign_in(browser, own_world.manager.email, PASSWORD).status_code == 429


def test_a_demanded_second_factor_leads_to_setting_one_up(own_world: World) -> None:
    own_world.settings.strong_sign_in_roles = [Role.PROVIDER_ACCOUNT_MANAGER]
    with own_world.signed_in(own_world.manager) as (browser, token):
        for path in ("/engagements", "/engagements/ENG-1", "/account/password"):
            assert browser.get(path).headers["location"] == "/account/second-factors", path
        for path in ("/account", "/account/second-factors", "/confirm"):
            assert browser.get(path).status_code == 200, path
        assert browser.post("/sign-out", data={"csrf_token": token}).status_code == 303
    with own_world.signed_in(own_world.finance) as (browser, _):
        assert browser.get("/engagements").status_code == 200


def test_a_role_that_is_taken_away_is_gone_with_the_next_request(own_world: World) -> None:
    with own_world.signed_in(own_world.finance) as (browser, _):
        assert browser.get("/engagements/ENG-1").status_code == 200
        with session_scope(own_world.engine, sees=EVERYTHING) as session:
            mine = col(Membership.user_id) == own_world.finance.id
            session.execute(delete(Membership).where(mine))
        assert browser.get("/engagements/ENG-1").status_code == 404


def test_sessions_end_by_themselves(own_world: World) -> None:
    for aged in ({"last_seen_at": 31}, {"created_at": 12 * 60 + 1}):
        with own_world.signed_in(own_world.manager) as (browser, _):
            assert browser.get("/engagements").status_code == 200
            now = datetime.now(UTC)
            values = {name: now - timedelta(minutes=minutes) for name, minutes in aged.items()}
            with session_scope(own_world.engine) as session:
                session.execute(update(SignInSession).values(**values))
            assert browser.get("/engagements").status_code == 303


def test_signing_in_never_leads_to_another_site(world: World) -> None:
    with world.browser() as browser:
        answer = _sign_in(browser, world.manager.email, PASSWORD, "//evil.example")
        assert answer.headers["location"] == "/engagements"


def test_signing_out_ends_the_session_on_the_server(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        kept = dict(browser.cookies)
        answer = browser.post("/sign-out", data={"csrf_token": token})
        assert answer.headers["location"] == "/sign-in"
        browser.cookies.update(kept)
        assert browser.get("/engagements").status_code == 303


def test_a_deactivated_user_is_out_with_the_next_request(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        assert browser.get("/engagements").status_code == 200
        with session_scope(own_world.engine, sees=EVERYTHING) as session:
            user = get_user(session, own_world.manager.id)
            deactivate(session, Actor(None, "operator", NOW), user)
        assert browser.get("/engagements").status_code == 303
