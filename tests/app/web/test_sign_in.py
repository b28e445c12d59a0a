"""Signing in and out."""

from __future__ import annotations

from httpx import Response

from app.database import session_scope
from governance.access import Actor
from governance.parties.service import deactivate, get_user
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
        with session_scope(own_world.engine) as session:
            user = get_user(session, own_world.manager.id)
            deactivate(session, Actor(None, "operator", NOW), user)
        assert browser.get("/engagements").status_code == 303
