"""A forgotten password, from the sign-in page to signing in again."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import pytest
from httpx import Response

from app.database import session_scope
from app.security.cookies import cookie_name
from app.security.password_resets import ask_reset
from tests.app.web.letters import link_in, next_mail
from tests.app.web.support import Browser, World, form_token
from tests.factories import NOW, PASSWORD

NEW = "another long sentence"


def _ask(browser: Browser, email: str) -> Response:
    token = form_token(browser.get("/reset").text)
    return browser.post("/reset", data={"csrf_token": token, "email": email})


def _choose(browser: Browser, password: str, repeated: str | None = None) -> Response:
    form = {"password": password, "repeated": password if repeated is None else repeated}
    token = form_token(browser.get("/new-password").text)
    return browser.post("/new-password", data=form | {"csrf_token": token})


def _sign_in(browser: Browser, email: str, password: str) -> int:
    token = form_token(browser.get("/sign-in").text)
    form = {"csrf_token": token, "email": email, "password": password}
    return browser.post("/sign-in", data=form).status_code


def test_a_new_password_is_chosen_by_a_link_that_leaves_the_address_bar(own_world: World) -> None:
    email = own_world.manager.email
    other = own_world.start_session(own_world.manager)
    with own_world.browser() as browser:
        assert "mailbox" in _ask(browser, email).text
        link = link_in(next_mail(own_world))
        answer = browser.get(link)
        assert answer.headers["location"] == "/new-password"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert browser.get(link).status_code == 303  # A second look uses nothing up.
        assert _choose(browser, NEW).headers["location"].startswith("/sign-in")
        assert _sign_in(browser, email, PASSWORD) == 401
        assert _sign_in(browser, email, NEW) == 303
        name = cookie_name(own_world.settings, "session")
        browser.cookies.clear()
        browser.cookies.set(name, other)
        assert browser.get("/engagements").headers["location"].startswith("/sign-in")
    told = next_mail(own_world)
    assert told is not None
    assert "new password was chosen" in told.text


def test_a_link_is_of_no_use_the_second_time(own_world: World) -> None:
    with own_world.browser() as browser:
        _ask(browser, own_world.manager.email)
        link = link_in(next_mail(own_world))
        browser.get(link)
        _choose(browser, NEW)
        browser.get(link)
        answer = browser.get("/new-password")
    assert answer.status_code == 404
    assert "of no use any more" in answer.text


@pytest.mark.parametrize(
    ("password", "repeated", "why"),
    [
        (NEW, "something else", "not the same"),
        ("password123", "password123", "most common"),
        ("short", "short", "5 characters"),
        ("plumbline1", "plumbline1", "the product"),
    ],
)
def test_a_password_that_can_not_be_is_asked_for_again(
    own_world: World, password: str, repeated: str, why: str
) -> None:
    with own_world.browser() as browser:
        _ask(browser, own_world.manager.email)
        browser.get(link_in(next_mail(own_world)))
        answer = _choose(browser, password, repeated)
        assert answer.status_code == 422
        assert why in answer.text
        assert _choose(browser, NEW).status_code == 303


def test_nobody_learns_who_has_an_account(own_world: World) -> None:
    texts = []
    for email in (own_world.manager.email, "nobody@example.org", "no address"):
        with own_world.browser() as browser:
            answer = _ask(browser, email)
        texts.append((answer.status_code, answer.text))
    assert texts[0] == texts[1] == texts[2]
    assert next_mail(own_world) is not None
    assert next_mail(own_world) is None


def test_a_made_up_link_is_of_no_use(world: World) -> None:
    with world.browser() as browser:
        assert browser.get("/new-password").status_code == 404
        browser.get(f"/reset/{'x' * 43}")
        assert browser.get("/new-password").status_code == 404
        token = form_token(browser.get("/reset").text)
        form = {"csrf_token": token, "password": NEW, "repeated": NEW}
        assert browser.post("/new-password", data=form).status_code == 404
        name = cookie_name(world.settings, "reset")
        assert browser.cookies[name] == "x" * 43


def test_asking_too_often_is_slowed_down(own_world: World) -> None:
    with own_world.browser() as browser:
        answers = [_ask(browser, "ada@example.org") for _ in range(4)]
        answers += [_ask(browser, f"person{number}@example.org") for number in range(7)]
    assert [one.status_code for one in answers] == [200] * 3 + [429] + [200] * 6 + [429]
    assert int(answers[3].headers["Retry-After"]) > 60


def test_known_and_unknown_addresses_take_alike_long(own_world: World) -> None:
    """The work is the same; this only finds a mistake of another order."""

    times: dict[str, list[float]] = {own_world.manager.email: [], "nobody@example.org": []}
    for _ in range(15):
        for email, taken in times.items():
            began = perf_counter()
            with session_scope(own_world.engine) as session:
                ask_reset(session, own_world.settings, email, NOW, "request")
            taken.append(perf_counter() - began)
    known, unknown = (median(taken) for taken in times.values())
    assert 0.4 < known / unknown < 2.5
