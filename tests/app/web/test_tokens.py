"""API tokens: made on a page, and used by a program."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import delete, update
from sqlmodel import col

from app.database import session_scope
from app.security.models import ApiToken, SignInSession
from app.web.wording import PERMISSION
from governance.access import Actor, Permission
from governance.parties.models import Membership, User
from governance.parties.service import deactivate, get_user
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import NOW

LAST_DAY = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
VIEW = ("engagement:view",)


def _make(
    world: World, user: User, scopes: tuple[str, ...] = VIEW, reference: str = ""
) -> Response:
    with world.signed_in(user) as (browser, token):
        form: dict[str, Any] = {
            "csrf_token": token,
            "name": "Nightly job",
            "scopes": list(scopes),
            "last_day": LAST_DAY,
            "reference": reference,
        }
        return browser.post("/account/tokens", data=form)


def _made(world: World, user: User, scopes: tuple[str, ...] = VIEW, reference: str = "") -> str:
    found = re.search(r"plb_[\w-]{43}", _make(world, user, scopes, reference).text)
    assert found
    return found[0]


def _get(world: World, token: str, path: str, method: str = "GET", **more: Any) -> Response:
    with world.browser() as browser:
        headers = {"Authorization": f"Bearer {token}"}
        return browser.request(method, path, headers=headers, **more)


def test_a_token_is_shown_once_and_listed(own_world: World) -> None:
    token = _made(own_world, own_world.manager, (*VIEW, "period:settle"))
    _get(own_world, token, "/engagements/ENG-1")
    with own_world.signed_in(own_world.manager) as (browser, form_token):
        page = browser.get("/account/tokens").text
        assert "Nightly job" in page
        assert "Settle periods" in page
        assert "Never" not in page
        assert token not in page
        answer = browser.post("/account/tokens/1/revoke", data={"csrf_token": form_token})
        assert answer.status_code == 303
        again = browser.post("/account/tokens/1/revoke", data={"csrf_token": form_token})
        assert again.status_code == 404
        assert browser.get("/account/tokens/new").status_code == 200
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 401


def test_a_token_reads_and_changes_what_it_is_for_without_csrf(own_world: World) -> None:
    token = _made(own_world, own_world.manager, (*VIEW, "period:settle"))
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 200
    path = "/engagements/ENG-1/periods"
    answer = _get(own_world, token, path, "POST", data={"period": "2026-01"})
    assert answer.status_code in {303, 422}
    assert _get(own_world, token, "/engagements/ENG-1/evidence/new").status_code == 403
    assert _get(own_world, token, "/engagements/ENG-2").status_code == 404


def test_a_token_does_no_more_than_its_owner_now_may(own_world: World) -> None:
    token = _made(own_world, own_world.finance)
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 200
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        mine = col(Membership.user_id) == own_world.finance.id
        session.execute(delete(Membership).where(mine))
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 404
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        deactivate(session, Actor(None, "operator", NOW), get_user(session, own_world.finance.id))
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 401


def test_a_token_for_another_engagement_finds_nothing(own_world: World) -> None:
    token = _made(own_world, own_world.manager, VIEW, "ENG-1")
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 200
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        session.execute(update(ApiToken).values(engagement_id=2))
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 404


@pytest.mark.parametrize("path", ["/account", "/account/tokens", "/engagements", "/kpis"])
def test_pages_of_the_account_are_for_people(own_world: World, path: str) -> None:
    answer = _get(own_world, _made(own_world, own_world.manager), path)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("token", ["plb_" + "x" * 43, "nonsense", ""])
def test_unknown_tokens_are_refused_in_words_that_programs_read(world: World, token: str) -> None:
    answer = _get(world, token, "/engagements/ENG-1")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="Plumbline"'
    assert json.loads(answer.text)["status"] == 401


def test_an_expired_token_is_refused(own_world: World) -> None:
    token = _made(own_world, own_world.manager)
    with session_scope(own_world.engine) as session:
        session.execute(
            update(ApiToken).values(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        )
    assert _get(own_world, token, "/engagements/ENG-1").status_code == 401


def test_cookies_mean_nothing_beside_a_token(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        headers = {"Authorization": f"Bearer plb_{'x' * 43}"}
        assert browser.get("/engagements/ENG-1", headers=headers).status_code == 401


def test_what_the_roles_do_not_allow_is_not_given(own_world: World) -> None:
    for scopes in (("invoice:issue",), (), ("king:rule",)):
        answer = _make(own_world, own_world.finance, scopes)
        assert answer.status_code == 422, scopes
        assert "plb_" not in answer.text
        assert "Nightly job" in answer.text


def test_making_one_asks_anew_who_one_is(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        with session_scope(own_world.engine) as session:
            old = datetime.now(UTC) - timedelta(minutes=11)
            session.execute(
                update(SignInSession).where(col(SignInSession.id) > 0).values(confirmed_at=old)
            )
        answer = browser.get("/account/tokens/new")
        assert answer.headers["location"] == "/confirm?next=/account/tokens/new"
        answer = browser.post("/account/tokens", data={"csrf_token": token})
        assert answer.headers["location"].startswith("/confirm")


def test_every_permission_has_words() -> None:
    assert set(PERMISSION) == set(Permission)
