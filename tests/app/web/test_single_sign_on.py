"""Single sign-on over HTTP: against a provider that runs as a process, and against liars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlmodel import col

from app.asgi import create_app
from app.database import session_scope
from app.security.models import Proof, SignInSession
from app.security.single_sign_on import identities_of
from governance.audit.models import Action, AuditEntry
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.security.provider import (
    CLIENT,
    SECRET,
    Provider,
    new_key,
    provider_process,
    serving,
    tell_provider,
)
from tests.app.web.support import Browser, World, make_world
from tests.factories import TextRenderer

LEAVE = "/sign-in/single-sign-on"
RETURN = f"{LEAVE}/return"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider as a process of its own."""
    with provider_process() as address:
        yield address


@pytest.fixture
def liar() -> Iterator[Provider]:
    """A provider that says whatever a test wants."""
    with serving() as provider:
        provider.now = datetime.now(UTC)
        yield provider


def _with_provider(world: World, issuer: str) -> World:
    changes: dict[str, Any] = {
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(SECRET),
        "oidc_name": "Nordlicht ID",
    }
    settings = world.settings.model_copy(update=changes)
    return replace(world, app=create_app(settings, TextRenderer()), settings=settings)


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path, issuer: str) -> World:
    """A world whose people sign in at that process."""
    return _with_provider(make_world(sqlite_template, tmp_path), issuer)


@pytest.fixture
def deceived(sqlite_template: Path, tmp_path: Path, liar: Provider) -> World:
    """A world whose people sign in at the liar."""
    return _with_provider(make_world(sqlite_template, tmp_path), liar.issuer)


def _leave(browser: Browser, next_: str = "/engagements") -> str:
    """The provider's address that the browser is sent to."""
    answer = browser.get(LEAVE, params={"next": next_})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def _at_the_provider(address: str, subject: str) -> str:
    """Where the provider sends the browser once the person has signed in there."""
    answer = httpx.post(address, data={"sub": subject}, trust_env=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def _come_back(browser: Browser, address: str, **changes: str) -> httpx.Response:
    query = dict(parse_qsl(urlsplit(address).query)) | changes
    return browser.get(f"{RETURN}?{urlencode(query)}")


def _sessions(world: World) -> list[Proof | None]:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        return list(session.scalars(select(col(SignInSession.proof))))


def _linked(world: World, user: User) -> list[str]:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        return [one.subject for one in identities_of(session, user.id)]


def _refusals(world: World) -> int:
    counted = select(func.count(col(AuditEntry.id))).where(
        col(AuditEntry.action) == Action.USER_SIGN_IN_REFUSED
    )
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        found: int = session.execute(counted).scalar_one()
        return found


def test_the_whole_way_signs_in_and_goes_on(place: World, issuer: str) -> None:
    tell_provider(issuer, "ada", email=place.manager.email, email_verified=True)
    with place.browser() as browser:
        assert "Nordlicht ID" in browser.get("/sign-in").text
        address = _leave(browser, "/engagements/ENG-1?from=2")
        asked = parse_qs(urlsplit(address).query)
        assert address.startswith(f"{issuer}/oauth2/authorize?")
        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["state"][0]) >= 43
        assert len(asked["nonce"][0]) >= 43
        visitor = dict(browser.cookies)
        answer = _come_back(browser, _at_the_provider(address, "ada"))
        assert answer.status_code == 303
        assert answer.headers["location"] == "/engagements/ENG-1?from=2"
        assert dict(browser.cookies) != visitor
        assert browser.get("/engagements/ENG-1").status_code == 200
        assert _leave_signed_in(browser) == "/engagements"
        assert "Linked with" in browser.get("/account/second-factors").text
    assert _sessions(place) == [Proof.SINGLE_SIGN_ON]
    assert _linked(place, place.manager) == ["ada"]


def _leave_signed_in(browser: Browser) -> str:
    return browser.get(LEAVE).headers["location"]


def test_from_then_on_the_subject_counts(place: World, issuer: str) -> None:
    tell_provider(issuer, "grace", email=place.manager.email, email_verified=True)
    tell_provider(issuer, "other", email=place.manager.email, email_verified=True)
    for subject, email, status in (
        ("grace", place.manager.email, 303),
        ("grace", "married@example.org", 303),
        ("other", place.manager.email, 403),
    ):
        tell_provider(issuer, subject, email=email, email_verified=True)
        with place.browser() as browser:
            answer = _come_back(browser, _at_the_provider(_leave(browser), subject))
            assert answer.status_code == status, answer.text
    assert _linked(place, place.manager) == ["grace"]


def test_single_sign_on_is_strong_enough_for_every_role(place: World, issuer: str) -> None:
    tell_provider(issuer, "strong", email=place.manager.email, email_verified=True)
    place.app.state.settings.strong_sign_in_roles = ["provider_account_manager"]
    with place.browser() as browser:
        _come_back(browser, _at_the_provider(_leave(browser), "strong"))
        assert browser.get("/engagements/ENG-1").status_code == 200


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_an_address_that_nobody_vouches_for_opens_nothing(
    place: World, issuer: str, verified: object
) -> None:
    tell_provider(issuer, "mallory", email=place.manager.email, email_verified=verified)
    with place.browser() as browser:
        answer = _come_back(browser, _at_the_provider(_leave(browser), "mallory"))
        assert answer.status_code == 403
        assert "There is no account for you here yet" in answer.text
        assert browser.get("/engagements").status_code == 303
    assert _linked(place, place.manager) == []
    assert _refusals(place) == 1


def test_who_was_not_invited_has_no_account(place: World, issuer: str) -> None:
    tell_provider(issuer, "eve", email="eve@example.org", email_verified=True)
    with place.browser() as browser:
        answer = _come_back(browser, _at_the_provider(_leave(browser), "eve"))
    assert answer.status_code == 403
    assert "by invitation" in answer.text
    assert "eve@example.org" not in answer.text


def test_a_way_back_is_walked_once_by_its_own_browser(place: World, issuer: str) -> None:
    tell_provider(issuer, "once", email=place.manager.email, email_verified=True)
    with place.browser() as browser:
        back = _at_the_provider(_leave(browser), "once")
        kept = dict(browser.cookies)
    before = place.counts()
    with place.browser() as another:
        assert _come_back(another, back).status_code == 400
    with place.browser() as browser:
        browser.cookies.update(kept)
        for wrong in (
            _come_back(browser, back, state="another"),
            browser.get(RETURN),
            browser.get(RETURN, params={"error": "access_denied", "state": "x"}),
        ):
            assert wrong.status_code == 400
            assert "can't be finished" in unescape(wrong.text)
        assert place.counts() == before
        assert _come_back(browser, back).status_code == 303
    with place.browser() as browser:
        assert _come_back(browser, back).status_code == 400
        state = parse_qs(urlsplit(_leave(browser)).query)["state"][0]
        replayed = _come_back(browser, back, state=state)
        assert replayed.status_code == 502
        assert "refuses the sign-in" in replayed.text
    assert _sessions(place) == [Proof.SINGLE_SIGN_ON]


def test_what_the_provider_objects_to_is_said_plainly(place: World) -> None:
    hostile = "<b>you won</b>\r\nnow"
    for error, expected in (
        ("access_denied", "was cancelled"),
        ("server_error", "The provider says: server_error: &lt;b&gt;you won"),
    ):
        with place.browser() as browser:
            address = _leave(browser, "/kpis")
            state = parse_qs(urlsplit(address).query)["state"][0]
            query = {"state": state, "error": error, "error_description": hostile}
            answer = browser.get(RETURN, params=query)
            assert answer.status_code == 403
            assert expected in answer.text
            assert "<b>" not in answer.text
            assert "/sign-in?next=/kpis" in answer.text


def test_the_way_on_never_leads_to_another_site(place: World, issuer: str) -> None:
    tell_provider(issuer, "next", email=place.manager.email, email_verified=True)
    with place.browser() as browser:
        back = _at_the_provider(_leave(browser, "//evil.example"), "next")
        assert _come_back(browser, back).headers["location"] == "/engagements"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another client"},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
    ],
)
def test_a_lie_opens_nothing(deceived: World, liar: Provider, claims: dict[str, Any]) -> None:
    liar.claims = {"email": deceived.manager.email, "sub": "m-1"} | claims
    with deceived.browser() as browser:
        state, code = liar.sign_in(_leave(browser))
        answer = browser.get(RETURN, params={"state": state, "code": code})
        assert answer.status_code == 502
        assert "Single sign-on doesn't work right now" in unescape(answer.text)
        again = browser.get(RETURN, params={"state": state, "code": code})
        assert again.status_code == 400
    assert _sessions(deceived) == []
    assert _linked(deceived, deceived.manager) == []


def test_a_forged_signature_opens_nothing(deceived: World, liar: Provider) -> None:
    liar.claims = {"email": deceived.manager.email}
    liar.published, liar.key = [liar.key], new_key("k1")
    with deceived.browser() as browser:
        state, code = liar.sign_in(_leave(browser))
        answer = browser.get(RETURN, params={"state": state, "code": code})
        assert answer.status_code == 502
        assert "isn't valid" in unescape(answer.text)
        liar.key = liar.published[0]
        state, code = liar.sign_in(_leave(browser))
        answer = browser.get(RETURN, params={"state": state, "code": code})
        assert answer.status_code == 303


def test_a_provider_out_of_reach_is_said_plainly(deceived: World, liar: Provider) -> None:
    liar.answers["/.well-known/openid-configuration"] = (503, {}, b"")
    with deceived.browser() as browser:
        answer = browser.get(LEAVE)
    assert answer.status_code == 502
    assert "doesn't work right now" in unescape(answer.text)


def test_without_a_provider_there_is_no_such_way(world: World) -> None:
    with world.browser() as browser:
        assert LEAVE not in browser.get("/sign-in").text
        assert browser.get(LEAVE).status_code == 404
        assert browser.get(RETURN, params={"state": "x", "code": "y"}).status_code == 404


def test_leaving_again_and_again_is_slowed_down(deceived: World) -> None:
    with deceived.browser() as browser:
        statuses = [browser.get(LEAVE).status_code for _ in range(31)]
    assert statuses == [303] * 30 + [429]
