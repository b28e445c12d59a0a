"""Requests that no page of this application makes: each gets an answer, none breaks the server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.database import session_scope
from app.security.models import SignInSession
from app.web.addresses import HOME, own_path
from tests.app.web.letters import link_in, next_mail
from tests.app.web.support import World, form_token, make_world
from tests.factories import PASSWORD

NEW = "another long sentence"
NO_ADDRESS = "//["


@pytest.mark.parametrize("text", [NO_ADDRESS, "//℀", "https://[::1", "/\\host"])
def test_what_is_no_address_leads_home(text: str) -> None:
    assert own_path(text) == HOME


def test_signing_in_takes_no_broken_address(world: World) -> None:
    with world.browser() as browser:
        page = browser.get("/sign-in", params={"next": NO_ADDRESS})
        assert page.status_code == 200
        form = {"csrf_token": form_token(page.text)}
        answer = browser.post("/sign-in", data=form, headers={"Origin": "https://["})
        assert answer.status_code == 403


def test_a_broken_referer_leads_home_after_confirming(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        long_ago = datetime.now(UTC) - timedelta(days=1)
        with session_scope(own_world.engine) as session:
            session.execute(update(SignInSession).values(confirmed_at=long_ago))
        headers = {"Referer": "https://["}
        form = {"csrf_token": token, "email": "ada@example.org"}
        answer = browser.post("/account/email", data=form, headers=headers)
        assert answer.headers["location"] == f"/confirm?next={HOME}"


@pytest.mark.parametrize("place", ["reset", "invitations", "new-address"])
@pytest.mark.parametrize("token", ["%E2%82%AC", "a%0Ab", "a%3Bb", "%00"])
def test_what_is_no_link_is_of_no_use(world: World, place: str, token: str) -> None:
    with world.browser() as browser:
        answer = browser.get(f"/{place}/{token}")
        assert answer.status_code == 303
        assert browser.get(answer.headers["location"]).status_code == 404


@pytest.mark.parametrize("credential", ["[" * 20_000, "1", "{}", json.dumps({"id": 1})])
def test_an_answer_that_no_passkey_gives_is_refused(
    sqlite_template: Path, tmp_path: Path, credential: str
) -> None:
    named = make_world(sqlite_template, tmp_path, "http://plumbline.localhost:8000")
    with named.browser() as browser:
        token = form_token(browser.get("/sign-in").text)
        browser.post("/sign-in/passkey/options", data={"csrf_token": token})
        form = {"csrf_token": token, "credential": credential}
        assert browser.post("/sign-in/passkey", data=form).status_code == 401


def test_an_object_of_no_possible_name_has_no_history(world: World) -> None:
    with world.signed_in(world.auditor) as (browser, _):
        assert browser.get("/engagements/ENG-1/audit/objects/a%00b/1").status_code == 404
        assert browser.get("/engagements/ENG-1/audit/objects/engagement/%00").status_code == 404


def test_nothing_is_searched_by_what_no_text_has(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        for query in ("payments?find=%00", "credit-notes?invoice=a%00b", "journal?first=0001-01"):
            answer = browser.get(f"/engagements/ENG-1/{query}")
            assert (answer.status_code, "<h1>" in answer.text) == (422, True), query


def test_another_password_ends_what_was_begun_before(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "email": "thief@new.example"}
        browser.post("/account/email", data=form)
    new_address = link_in(next_mail(own_world))
    resets = []
    with own_world.browser() as browser:
        for _ in range(2):
            form = {"csrf_token": form_token(browser.get("/reset").text)}
            browser.post("/reset", data=form | {"email": own_world.manager.email})
            resets.append(link_in(next_mail(own_world)))
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "current": PASSWORD, "password": NEW, "repeated": NEW}
        assert browser.post("/account/password", data=form).status_code == 303
    with own_world.browser() as browser:
        for link in (*resets, new_address):
            place = browser.get(link).headers["location"]
            form = {"csrf_token": form_token(browser.get("/sign-in").text)}
            form |= {"password": PASSWORD, "repeated": PASSWORD}
            assert browser.post(place, data=form).status_code == 404


def test_another_address_ends_links_that_went_to_the_old_one(own_world: World) -> None:
    with own_world.browser() as browser:
        form = {"csrf_token": form_token(browser.get("/reset").text)}
        browser.post("/reset", data=form | {"email": own_world.manager.email})
    reset = link_in(next_mail(own_world))
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "email": "ada@new.example"}
        browser.post("/account/email", data=form)
        browser.get(link_in(next_mail(own_world)))
        assert browser.post("/new-address", data=form).status_code == 200
    with own_world.browser() as browser:
        browser.get(reset)
        assert browser.get("/new-password").status_code == 404
