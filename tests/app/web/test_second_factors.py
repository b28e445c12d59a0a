"""Second factors in the browser: set up, used to sign in, demanded by a role, removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pyotp
from httpx import Response
from sqlalchemy import select, update
from sqlmodel import col

from app.asgi import create_app
from app.database import session_scope
from app.mail.models import OutboxMail
from app.security.cookies import cookie_name
from app.security.models import Proof, SignInSession, TotpCredential
from governance.access import Role
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.security.authenticator import Authenticator
from tests.app.web.factors import FACTORS, ORIGIN, give_app
from tests.app.web.support import Browser, World, form_token, make_world, routes
from tests.factories import PASSWORD, TextRenderer

STEP = "/sign-in/second-step"


def _demanding(world: World, *roles: Role) -> World:
    """The same world, where these roles need a second factor."""
    settings = world.settings.model_copy(update={"strong_sign_in_roles": list(roles)})
    return replace(world, app=create_app(settings, TextRenderer()), settings=settings)


def _sign_in(browser: Browser, user: User, next_: str = "/engagements") -> Response:
    page = browser.get("/sign-in", params={"next": next_}).text
    form = {"csrf_token": form_token(page), "email": user.email, "password": PASSWORD}
    return browser.post("/sign-in", data=form | {"next": next_})


def _send(browser: Browser, page: str, path: str, **form: str) -> Response:
    """Fill in a form of a page."""
    return browser.post(path, data={"csrf_token": form_token(browser.get(page).text)} | form)


@contextmanager
def _at_the_second_step(world: World, user: User) -> Iterator[tuple[Browser, pyotp.TOTP]]:
    app = give_app(world, user)
    with world.browser() as browser:
        assert _sign_in(browser, user, "/kpis").headers["location"] == f"{STEP}?next=/kpis"
        yield browser, app


def _sessions(world: World, user: User) -> list[SignInSession]:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        found = session.scalars(
            select(SignInSession)
            .where(col(SignInSession.user_id) == user.id, col(SignInSession.revoked_at).is_(None))
            .order_by(col(SignInSession.id))
        )
        return list(found)


def _mails(world: World) -> list[str]:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        return list(session.scalars(select(col(OutboxMail.recipient))))


def test_the_code_finishes_the_sign_in(place: World) -> None:
    with _at_the_second_step(place, place.manager) as (browser, app):
        waiting = dict(browser.cookies)
        page = browser.get(f"{STEP}?next=/kpis")
        assert place.manager.email in page.text
        answer = _send(browser, STEP, STEP, code=app.now(), next="/kpis")
        assert (answer.status_code, answer.headers["location"]) == (303, "/kpis")
        assert dict(browser.cookies) != waiting
        assert browser.get("/kpis").status_code == 200
        assert browser.get(f"{STEP}?next=/kpis").headers["location"] == "/kpis"
    (session,) = _sessions(place, place.manager)
    assert session.proof == Proof.PASSWORD_AND_CODE


def test_there_is_no_way_around_the_second_step(place: World) -> None:
    with _at_the_second_step(place, place.manager) as (browser, app):
        for method, path, options in routes(place.app):
            if options.keys() & {"public", "second_step"}:
                continue
            answer = browser.request(method, re.sub(r"\{[^}]*\}", "1", path))
            assert answer.status_code == 303, path
            assert answer.headers["location"] == STEP, path
        assert browser.get("/engagements/ENG-1").headers["location"] == STEP
        assert _send(browser, STEP, STEP, code=app.now()).headers["location"] == "/engagements"


def test_every_refusal_looks_alike(place: World) -> None:
    with _at_the_second_step(place, place.manager) as (browser, _):
        token = form_token(browser.get(STEP).text)
        answers = [
            browser.post(path, data={"csrf_token": token, **form})
            for path, form in (
                (STEP, {"code": "000000"}),
                (f"{STEP}/recovery-code", {"code": "aaaa-aaaa-aaaa-aaaa"}),
                (f"{STEP}/passkey", {"credential": "{}"}),
                (STEP, {}),
            )
        ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert "That wasn't accepted." in unescape(answers[0].text)


def test_the_second_step_is_slowed_down(place: World) -> None:
    with _at_the_second_step(place, place.manager) as (browser, app):
        token = form_token(browser.get(STEP).text)
        wrong = {"csrf_token": token, "code": "000000"}
        statuses = [browser.post(STEP, data=wrong).status_code for _ in range(11)]
        right = browser.post(STEP, data=wrong | {"code": app.now()})
    assert statuses == [401] * 10 + [429]
    assert right.status_code == 429
    assert 0 < int(right.headers["Retry-After"]) <= 900


def test_the_second_steps_form_is_bound_to_the_waiting_session(place: World) -> None:
    with _at_the_second_step(place, place.manager) as (browser, app):
        for foreign in ("", "f" * 64):
            form = {"csrf_token": foreign, "code": app.now()}
            assert browser.post(STEP, data=form).status_code == 403


def test_the_second_step_can_be_left(place: World) -> None:
    with _at_the_second_step(place, place.manager) as (browser, _):
        kept = dict(browser.cookies)
        assert _send(browser, STEP, f"{STEP}/cancel").headers["location"] == "/sign-in"
        browser.cookies.update(kept)
        assert browser.get(STEP).headers["location"].startswith("/sign-in?next=")


def test_an_app_is_set_up_with_its_first_code(place: World) -> None:
    other = place.start_session(place.manager)
    with place.browser() as browser:
        _sign_in(browser, place.manager)
        page = browser.get(f"{FACTORS}/authenticator").text
        assert 'src="data:image/svg+xml' in page
        secret = re.search(r'secret-text">([A-Z2-7 ]+)<', page)
        sealed = re.search(r'name="sealed" value="(\w+)"', page)
        assert secret
        assert sealed
        app = pyotp.TOTP(secret[1].replace(" ", ""))
        form = {"csrf_token": form_token(page), "sealed": sealed[1], "code": "000000"}
        wrong = browser.post(f"{FACTORS}/authenticator", data=form)
        assert wrong.status_code == 422
        assert secret[1] in wrong.text
        before = dict(browser.cookies)
        form["code"] = app.now()
        assert browser.post(f"{FACTORS}/authenticator", data=form).headers["location"] == FACTORS
        assert dict(browser.cookies) != before
        listed = browser.get(FACTORS).text
        assert "Set up on" in listed
        assert "You have no recovery codes" in listed
        again = browser.post(
            f"{FACTORS}/authenticator",
            data=form | {"csrf_token": form_token(listed), "sealed": "00"},
        )
        assert again.status_code == 422
    (session,) = _sessions(place, place.manager)
    assert session.proof == Proof.PASSWORD_AND_CODE
    assert _mails(place) == [place.manager.email]
    with place.browser() as browser:
        browser.cookies.set(cookie_name(place.settings, "session"), other)
        assert browser.get("/engagements").status_code == 303


def test_recovery_codes_are_shown_once_and_work_once(place: World) -> None:
    with place.signed_in(place.manager) as (browser, token):
        none = browser.post(f"{FACTORS}/recovery-codes", data={"csrf_token": token})
        assert none.status_code == 409
        give_app(place, place.manager)
        shown = browser.post(f"{FACTORS}/recovery-codes", data={"csrf_token": token})
        codes = re.findall(r"<li>([a-z2-7-]{19})</li>", shown.text)
        assert len(codes) == 10
        assert all(code in shown.text.split("data:text/plain", 1)[1] for code in codes)
        assert shown.headers["cache-control"] == "no-store"
        listed = browser.get(FACTORS).text
        assert "10 of 10 left" in listed
        assert not any(code in listed for code in codes)
    for expected in (303, 401):
        with place.browser() as browser:
            _sign_in(browser, place.manager)
            used = _send(browser, STEP, f"{STEP}/recovery-code", code=codes[0].upper())
            assert used.status_code == expected


def test_a_change_of_factors_asks_who_one_is(place: World) -> None:
    give_app(place, place.manager)
    with place.signed_in(place.manager) as (browser, token):
        with session_scope(place.engine, sees=EVERYTHING) as session:
            session.execute(
                update(SignInSession).values(confirmed_at=datetime.now(UTC) - timedelta(hours=1))
            )
        assert browser.get(FACTORS).status_code == 200
        for path in ("authenticator", "passkeys/new"):
            answer = browser.get(f"{FACTORS}/{path}")
            assert answer.headers["location"].startswith("/confirm?next="), path
        for path in (
            "authenticator",
            "authenticator/remove",
            "recovery-codes",
            "passkeys",
            "passkeys/options",
            "passkeys/1/remove",
        ):
            answer = browser.post(f"{FACTORS}/{path}", data={"csrf_token": token})
            assert answer.headers["location"].startswith("/confirm?next="), path


def test_a_role_that_demands_a_factor_lets_nobody_on_without(place: World) -> None:
    strict = _demanding(place, Role.PROVIDER_ACCOUNT_MANAGER)
    with strict.browser() as browser:
        assert _sign_in(browser, strict.manager).status_code == 303
        for path in ("/engagements", "/engagements/ENG-1", "/kpis", "/account/tokens"):
            assert browser.get(path).headers["location"] == FACTORS, path
        listed = browser.get(FACTORS)
        assert "Your role needs a second factor" in listed.text
        page = browser.get(f"{FACTORS}/authenticator").text
        secret = re.search(r'secret-text">([A-Z2-7 ]+)<', page)
        sealed = re.search(r'name="sealed" value="(\w+)"', page)
        assert secret
        assert sealed
        code = pyotp.TOTP(secret[1].replace(" ", "")).now()
        form = {"csrf_token": form_token(page), "sealed": sealed[1], "code": code}
        browser.post(f"{FACTORS}/authenticator", data=form)
        assert browser.get("/engagements/ENG-1").status_code == 200
        refused = _send(browser, FACTORS, f"{FACTORS}/authenticator/remove")
        assert refused.status_code == 409
        assert "last one" in refused.text
    with session_scope(strict.engine, sees=EVERYTHING, read_only=True) as session:
        assert session.scalars(select(TotpCredential)).one()
    with strict.signed_in(strict.finance) as (browser, _):
        assert browser.get("/engagements/ENG-1").status_code == 200


def test_a_session_that_only_had_a_password_is_too_weak_for_the_role(place: World) -> None:
    """A role may come to demand a factor while sessions are open."""
    give_app(place, place.manager)
    strict = _demanding(place, Role.PROVIDER_ACCOUNT_MANAGER)
    with strict.signed_in(strict.manager) as (browser, _):
        assert browser.get("/engagements").headers["location"] == FACTORS
        assert "Sign out, then sign in" in browser.get(FACTORS).text


def test_an_app_is_removed_where_no_role_demands_it(place: World) -> None:
    give_app(place, place.manager)
    with place.signed_in(place.manager) as (browser, token):
        form = {"csrf_token": token}
        assert browser.post(f"{FACTORS}/authenticator/remove", data=form).status_code == 303
        assert browser.post(f"{FACTORS}/authenticator/remove", data=form).status_code == 404


def _add_passkey(browser: Browser, device: Authenticator, name: str) -> Response:
    token = form_token(browser.get(f"{FACTORS}/passkeys/new").text)
    header = {"X-CSRF-Token": token}
    options = browser.post(f"{FACTORS}/passkeys/options", headers=header)
    assert options.headers["content-type"] == "application/json"
    form = {"csrf_token": token, "name": name, "credential": device.make(options.text)}
    return browser.post(f"{FACTORS}/passkeys", data=form)


def test_a_passkey_signs_in_after_the_password_and_alone(place: World) -> None:
    device = Authenticator(ORIGIN)
    with place.signed_in(place.manager) as (browser, _):
        assert _add_passkey(browser, device, "Laptop & <b>").headers["location"] == FACTORS
        listed = browser.get(FACTORS).text
        assert "Laptop &amp; &lt;b&gt;" in listed
        assert "not yet" in listed
    with place.browser() as browser:
        _sign_in(browser, place.manager, "/kpis")
        header = {"X-CSRF-Token": form_token(browser.get(STEP).text)}
        options = browser.post(f"{STEP}/passkey/options", headers=header).text
        shown = device.show(options)
        answer = _send(browser, STEP, f"{STEP}/passkey", credential=shown, next="/kpis")
        assert answer.headers["location"] == "/kpis"
    with place.browser() as browser:
        header = {"X-CSRF-Token": form_token(browser.get("/sign-in").text)}
        options = browser.post("/sign-in/passkey/options", headers=header).text
        shown = device.show(options)
        form = {"credential": shown, "next": "//evil.example"}
        answer = _send(browser, "/sign-in", "/sign-in/passkey", **form)
        assert answer.headers["location"] == "/engagements"
        assert browser.get("/engagements").status_code == 200
    with place.browser() as browser:
        replayed = _send(browser, "/sign-in", "/sign-in/passkey", credential=shown)
        assert replayed.status_code == 401
        assert "wasn't accepted" in unescape(replayed.text)
    proofs = [session.proof for session in _sessions(place, place.manager)]
    assert proofs[-2:] == [Proof.PASSWORD_AND_PASSKEY, Proof.PASSKEY]


def test_a_passkey_is_removed_by_its_owner_only(place: World) -> None:
    with place.signed_in(place.manager) as (browser, _):
        _add_passkey(browser, Authenticator(ORIGIN), "Key")
        number = re.search(r"passkeys/(\d+)/remove", browser.get(FACTORS).text)
        assert number
    with place.signed_in(place.finance) as (browser, token):
        path = f"{FACTORS}/passkeys/{number[1]}/remove"
        assert browser.post(path, data={"csrf_token": token}).status_code == 404
    with place.signed_in(place.manager) as (browser, token):
        assert browser.post(path, data={"csrf_token": token}).status_code == 303
        assert "passkeys/" + number[1] not in browser.get(FACTORS).text


def test_an_address_without_a_name_has_no_passkeys_and_says_so(
    sqlite_template: Path, tmp_path: Path
) -> None:
    world = make_world(sqlite_template, tmp_path, "http://127.0.0.1:8000")
    with world.signed_in(world.manager) as (browser, token):
        assert "it needs a name" in unescape(browser.get(FACTORS).text)
        assert "Not at this address" in browser.get(f"{FACTORS}/passkeys/new").text
        answer = browser.post(f"{FACTORS}/passkeys/options", data={"csrf_token": token})
        assert answer.status_code == 404
