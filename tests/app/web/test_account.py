"""One's own account: password, address, sessions, and showing anew who one is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.database import session_scope
from app.security.cookies import cookie_name
from app.security.csrf import csrf_token
from app.security.models import SignInSession
from app.web.browsers import browser_words
from governance.access import Actor
from governance.parties.models import User
from governance.parties.operators import appoint_operator
from governance.parties.service import get_user
from tests.app.web.letters import link_in, next_mail
from tests.app.web.support import Browser, World, form_token
from tests.factories import NOW, PASSWORD

NEW = "another long sentence"
SESSION = "plumbline-session"


def _age(world: World, minutes: int) -> None:
    """Make every session's last confirmation so many minutes old."""
    then = datetime.now(UTC) - timedelta(minutes=minutes)
    with session_scope(world.engine) as session:
        session.execute(update(SignInSession).values(confirmed_at=then))


def _cookie(browser: Browser) -> str:
    """The session's cookie; one that the server has set counts before the one of the start."""
    values = {one.domain: one.value for one in browser.cookies.jar if one.name == SESSION}
    return values.get("testserver.local") or values[""] or ""


def _token(browser: Browser) -> str:
    return csrf_token(_cookie(browser))


def _change(browser: Browser, current: str, password: str, repeated: str) -> int:
    form = {"current": current, "password": password, "repeated": repeated}
    answer = browser.post("/account/password", data=form | {"csrf_token": _token(browser)})
    return answer.status_code


def test_the_account_says_who_one_is_and_states_no_figures(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        page = browser.get("/account").text
    for text in (world.manager.email, "Clearwater Receivables Ltd", "ENG-1", "account manager"):
        assert text in page
    assert "EUR" not in page


def test_another_password_needs_the_current_one_and_ends_other_sessions(own_world: World) -> None:
    other = own_world.start_session(own_world.manager)
    with own_world.signed_in(own_world.manager) as (browser, _):
        assert _change(browser, "wrong", NEW, NEW) == 401
        assert _change(browser, PASSWORD, NEW, "different") == 422
        assert _change(browser, PASSWORD, "password123", "password123") == 422
        before = _cookie(browser)
        assert _change(browser, PASSWORD, NEW, NEW) == 303
        assert _cookie(browser) != before
        assert "new password is set" in browser.get("/account?done=password").text
        browser.cookies.clear()
        browser.cookies.set(SESSION, other)
        assert browser.get("/account").status_code == 303
    told = next_mail(own_world)
    assert told is not None
    assert "password of your account was changed" in told.text


def test_guessing_the_current_password_is_slowed_down(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        statuses = [_change(browser, "wrong", NEW, NEW) for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        assert _change(browser, PASSWORD, NEW, NEW) == 429


def test_sessions_are_listed_and_ended(own_world: World) -> None:
    own_world.start_session(own_world.manager)
    with own_world.signed_in(own_world.manager) as (browser, token):
        page = browser.get("/account/sessions").text
        assert page.count("This one") == 1
        assert page.count('/end"') == 1
        form = {"csrf_token": token}
        stranger = own_world.start_session(own_world.stranger)
        assert stranger
        assert browser.post("/account/sessions/3/end", data=form).status_code == 404
        assert browser.post("/account/sessions/1/end", data=form).status_code == 303
        assert browser.post("/account/sessions/1/end", data=form).status_code == 404
        own_world.start_session(own_world.manager)
        assert browser.post("/account/sessions/end-others", data=form).status_code == 303
        assert '/end"' not in browser.get("/account/sessions").text
    with session_scope(own_world.engine, read_only=True) as session:
        rows = session.scalars(select(SignInSession)).all()
        assert [row.revoked_at is None for row in rows] == [False, True, True, False]


def test_a_new_address_counts_when_its_link_is_used(own_world: World) -> None:
    old = own_world.manager.email
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "email": "ada@new.example"}
        assert "on its way" in browser.post("/account/email", data=form).text
        assert browser.get("/account").text.count(old) > 0
        link = link_in(next_mail(own_world))
        assert browser.get(link).headers["location"] == "/new-address"
        assert "ada@new.example" in browser.get("/new-address").text
        assert "has changed" in browser.post("/new-address", data=form).text
        assert "ada@new.example" in browser.get("/account").text
        browser.get(link)
        assert browser.get("/new-address").status_code in {200, 404}
        assert browser.post("/new-address", data=form).status_code == 404
    told = next_mail(own_world)
    assert told is not None
    assert told.recipient == old


def test_a_link_to_another_address_works_once_and_only_the_newest(own_world: World) -> None:
    old = own_world.manager.email
    links = []
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token}
        for email in ("first@new.example", "second@new.example", old):
            browser.post("/account/email", data=form | {"email": email})
            links.append(link_in(next_mail(own_world)))
            browser.get(links[-2] if email == "second@new.example" else links[-1])
            status = browser.post("/new-address", data=form).status_code
            assert status == (404 if email == "second@new.example" else 200)
            while next_mail(own_world):
                pass
        # The account has its first address again, and the first link was used.
        browser.get(links[0])
        assert browser.post("/new-address", data=form).status_code == 404
        assert old in browser.get("/account").text


@pytest.mark.parametrize("email", ["", "no address", "a\r\nb@example.org"])
def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    with world.signed_in(world.finance) as (browser, token):
        form = {"csrf_token": token, "email": email}
        assert browser.post("/account/email", data=form).status_code == 422


def test_an_address_that_somebody_has_is_not_taken(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "email": own_world.stranger.email}
        assert browser.post("/account/email", data=form).status_code == 200
        browser.get(link_in(next_mail(own_world)))
        assert browser.post("/new-address", data=form).status_code == 409


def test_grave_acts_ask_anew_who_one_is(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        assert browser.get("/account/email").status_code == 200
        _age(own_world, 11)
        answer = browser.get("/account/email")
        assert answer.headers["location"] == "/confirm?next=/account/email"
        form = {"csrf_token": _token(browser), "email": "ada@new.example"}
        referer = {"Referer": "http://testserver.local/account/email"}
        answer = browser.post("/account/email", data=form, headers=referer)
        assert answer.headers["location"] == "/confirm?next=/account/email"
        assert next_mail(own_world) is None
        page = browser.get(answer.headers["location"])
        form = {"csrf_token": form_token(page.text), "next": "/account/email"}
        refused = browser.post("/confirm", data=form | {"password": "wrong"})
        assert refused.status_code == 401
        before = _cookie(browser)
        answer = browser.post("/confirm", data=form | {"password": PASSWORD})
        assert answer.headers["location"] == "/account/email"
        assert _cookie(browser) != before
        assert browser.get("/account/email").status_code == 200


def test_confirming_leads_to_no_other_site(world: World) -> None:
    with world.signed_in(world.finance) as (browser, token):
        form = {"csrf_token": token, "password": PASSWORD, "next": "//evil.example"}
        answer = browser.post("/confirm", data=form)
    assert answer.headers["location"] == "/engagements"


def test_who_has_no_password_signs_in_again(own_world: World) -> None:
    with session_scope(own_world.engine) as session:
        get_user(session, own_world.manager.id).password_hash = ""
    with own_world.signed_in(own_world.manager) as (browser, token):
        page = browser.get("/confirm").text
        assert "sign in again" in page
        assert "/account/password" not in browser.get("/account").text
        form = {"csrf_token": token, "password": ""}
        assert browser.post("/confirm", data=form).status_code == 401


def test_cookies_keep_their_names(world: World) -> None:
    assert cookie_name(world.settings, "session") == SESSION


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.9", "curl/8.9"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_named_in_words(sent: str, words: str) -> None:
    assert browser_words(sent) == words


# Operators' pages.


def _operator(world: World) -> User:
    with session_scope(world.engine) as session:
        appoint_operator(session, Actor(None, "command line", NOW), world.stranger)
    return world.stranger


def test_operators_manage_accounts_and_see_no_engagement(own_world: World) -> None:
    with own_world.signed_in(_operator(own_world)) as (browser, token):
        page = browser.get("/operation/users").text
        assert own_world.manager.email in page
        assert "ENG-1" not in page
        form, user = {"csrf_token": token}, f"/operation/users/{own_world.manager.id}"
        assert browser.post(f"{user}/end-sessions", data=form).status_code == 303
        assert browser.post(f"{user}/close", data=form).status_code == 303
        assert "Closed" in browser.get("/operation/users").text
        assert browser.post(f"{user}/reopen", data=form).status_code == 303
        assert browser.post(f"{user}/reopen", data=form).status_code == 409
        assert browser.post(f"{user}/remove-second-factors", data=form).status_code == 303
        own = f"/operation/users/{own_world.stranger.id}"
        assert browser.post(f"{own}/close", data=form).status_code == 409
        assert browser.post("/operation/users/999/close", data=form).status_code == 404
        assert browser.get("/engagements/ENG-1").status_code == 404


def test_a_closed_accounts_sessions_do_not_come_back(own_world: World) -> None:
    kept = own_world.start_session(own_world.manager)
    with own_world.signed_in(_operator(own_world)) as (browser, token):
        form, user = {"csrf_token": token}, f"/operation/users/{own_world.manager.id}"
        browser.post(f"{user}/close", data=form)
        browser.post(f"{user}/reopen", data=form)
        browser.cookies.clear()
        browser.cookies.set(SESSION, kept)
        assert browser.get("/account").status_code == 303


def test_operators_invite_users(own_world: World) -> None:
    guest = {
        "email": "grace@example.org",
        "name": "Grace",
        "organisation": "Nordlicht Handel GmbH",
        "country": "de",
        "kind": "client",
    }
    with own_world.signed_in(_operator(own_world)) as (browser, token):
        form = guest | {"csrf_token": token}
        bad = browser.post("/operation/users/invitations", data=form | {"country": "Germany"})
        assert bad.status_code == 422
        assert browser.post("/operation/users/invitations", data=form).status_code == 303
        assert "grace@example.org" in browser.get("/operation/users").text
        link = link_in(next_mail(own_world))
        answer = browser.post("/operation/users/invitations/1/revoke", data=form)
        assert answer.status_code == 303
        browser.get(link)
        assert browser.get("/invitation").status_code == 404


def test_only_operators_see_accounts(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        assert browser.get("/operation/users").status_code == 403
