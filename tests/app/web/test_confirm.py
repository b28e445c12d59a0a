"""Showing anew who one is: by no less than what a sign-in asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

from httpx import Response
from sqlmodel import col, select

from app.database import session_scope
from app.security.models import Proof, SignInSession
from governance.audit.models import Action, AuditEntry
from governance.parties.models import User
from governance.parties.service import get_user
from governance.tenancy import EVERYTHING
from tests.app.security.authenticator import Authenticator
from tests.app.web.factors import FACTORS, ORIGIN, give_app
from tests.app.web.support import Browser, World, form_token
from tests.factories import PASSWORD


def _give_passkey(browser: Browser, device: Authenticator) -> None:
    token = form_token(browser.get(f"{FACTORS}/passkeys/new").text)
    header = {"X-CSRF-Token": token}
    options = browser.post(f"{FACTORS}/passkeys/options", headers=header).text
    form = {"csrf_token": token, "name": "Key", "credential": device.make(options)}
    assert browser.post(f"{FACTORS}/passkeys", data=form).headers["location"] == FACTORS


def _forget_password(world: World, user: User) -> None:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        get_user(session, user.id).password_hash = ""


def _confirm(browser: Browser, **form: str) -> Response:
    token = form_token(browser.get("/confirm").text)
    return browser.post("/confirm", data={"csrf_token": token, "next": "/kpis"} | form)


def _show(browser: Browser, device: Authenticator) -> Response:
    token = form_token(browser.get("/confirm").text)
    options = browser.post("/confirm/passkey/options", headers={"X-CSRF-Token": token}).text
    form = {"csrf_token": token, "next": "/kpis", "credential": device.show(options)}
    return browser.post("/confirm/passkey", data=form)


def _count(world: World, action: Action) -> int:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        entries = session.exec(select(AuditEntry).where(col(AuditEntry.action) == action))
        return len(entries.all())


def test_who_has_an_app_needs_password_and_code(place: World) -> None:
    app = give_app(place, place.manager)
    with place.signed_in(place.manager) as (browser, _):
        place.age_sessions(datetime.now(UTC) - timedelta(hours=1))
        page = browser.get("/confirm").text
        assert 'name="password"' in page
        assert 'name="code"' in page
        assert "passkeys.js" not in page
        for form in (
            {"password": PASSWORD},
            {"code": app.now()},
            {"password": PASSWORD, "code": "000000"},
            {"password": "wrong", "code": app.now()},
        ):
            assert _confirm(browser, **form).status_code == 401, form
        assert browser.get("/account/email").status_code == 303
        assert _count(place, Action.IDENTITY_REFUSED) == 4
        done = _confirm(browser, password=PASSWORD, code=app.now())
        assert done.headers["location"] == "/kpis"
        assert browser.get("/account/email").status_code == 200
    with session_scope(place.engine, sees=EVERYTHING) as session:
        proofs = session.exec(select(SignInSession.proof).order_by(col(SignInSession.id))).all()
    assert proofs[-1] is Proof.PASSWORD_AND_CODE


def test_a_passkey_confirms_and_the_password_beside_it_does_not(place: World) -> None:
    device = Authenticator(ORIGIN)
    with place.signed_in(place.manager) as (browser, _):
        _give_passkey(browser, device)
        place.age_sessions(datetime.now(UTC) - timedelta(hours=1))
        page = browser.get("/confirm").text
        assert 'name="password"' not in page
        assert 'data-options="/confirm/passkey/options"' in page
        assert _confirm(browser, password=PASSWORD).status_code == 401
        assert browser.get("/account/email").status_code == 303
        assert _show(browser, device).headers["location"] == "/kpis"
        assert browser.get("/account/email").status_code == 200


def test_a_passkey_must_have_verified_its_owner_and_be_ones_own(place: World) -> None:
    weak, foreign = Authenticator(ORIGIN, verifies=False), Authenticator(ORIGIN)
    with place.signed_in(place.finance) as (browser, _):
        _give_passkey(browser, foreign)
    with place.signed_in(place.manager) as (browser, _):
        _give_passkey(browser, weak)
        place.age_sessions(datetime.now(UTC) - timedelta(hours=1))
        for device in (weak, foreign):
            answer = _show(browser, device)
            assert answer.status_code == 401
            assert "That is not right" in answer.text
        assert browser.get("/account/email").status_code == 303
    assert _count(place, Action.IDENTITY_REFUSED) == 2


def test_an_answer_confirms_once(place: World) -> None:
    device = Authenticator(ORIGIN)
    with place.signed_in(place.manager) as (browser, _):
        _give_passkey(browser, device)
        token = form_token(browser.get("/confirm").text)
        options = browser.post("/confirm/passkey/options", headers={"X-CSRF-Token": token}).text
        form = {"csrf_token": token, "credential": device.show(options)}
        assert browser.post("/confirm/passkey", data=form).status_code == 303
        form["csrf_token"] = form_token(browser.get("/confirm").text)
        assert browser.post("/confirm/passkey", data=form).status_code == 401


def test_without_a_password_the_code_confirms(place: World) -> None:
    app = give_app(place, place.manager)
    _forget_password(place, place.manager)
    with place.signed_in(place.manager) as (browser, _):
        assert 'name="password"' not in browser.get("/confirm").text
        assert _confirm(browser, password=PASSWORD).status_code == 401
        assert _confirm(browser, code=app.now()).headers["location"] == "/kpis"


def test_wrong_answers_are_counted_whatever_they_are(place: World) -> None:
    give_app(place, place.manager)
    with place.signed_in(place.manager) as (browser, token):
        form = {"csrf_token": token, "password": PASSWORD, "code": "000000"}
        statuses = [browser.post("/confirm", data=form).status_code for _ in range(10)]
        statuses.append(browser.post("/confirm/passkey", data=form).status_code)
    assert statuses == [401] * 10 + [429]


def test_another_secret_of_the_installation_is_said(place: World) -> None:
    give_app(place, place.manager)
    _change_secret(place)
    with place.signed_in(place.manager) as (browser, _):
        answer = _confirm(browser, password=PASSWORD, code="123456")
    assert answer.status_code == 401
    assert "can't be checked any more" in unescape(answer.text)


def test_another_secret_leaves_the_other_ways_in(place: World) -> None:
    give_app(place, place.manager)
    with place.signed_in(place.manager) as (browser, token):
        made = browser.post(f"{FACTORS}/recovery-codes", data={"csrf_token": token}).text
    code = re.findall(r"<li>([a-z2-7-]{19})</li>", made)[0]
    _change_secret(place)
    with place.browser() as browser:
        token = form_token(browser.get("/sign-in").text)
        form = {"csrf_token": token, "email": place.manager.email, "password": PASSWORD}
        step = browser.post("/sign-in", data=form).headers["location"].partition("?")[0]
        token = form_token(browser.get(step).text)
        refused = browser.post(step, data={"csrf_token": token, "code": "123456"})
        assert refused.status_code == 401
        assert "can't be checked any more" in unescape(refused.text)
        assert "recovery code" in refused.text
        form = {"csrf_token": token, "code": code}
        assert browser.post(f"{step}/recovery-code", data=form).status_code == 303
    assert _count(place, Action.USER_SIGN_IN_REFUSED) == 1


def _change_secret(world: World) -> None:
    before = world.settings.secret()
    (world.settings.key_dir / "secret.key").unlink()
    assert world.settings.secret() != before
