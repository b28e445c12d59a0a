"""Headers on every answer, tokens on every change, limits before bodies are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from app.database import session_scope
from app.security.authentication import cookie_name
from app.security.csrf import csrf_token
from app.security.models import SignInSession
from app.web.addresses import own_path
from app.web.downloads import disposition
from governance.tenancy import EVERYTHING
from tests.app.web.support import HOSTILE, World, address, form_token, make_world, routes
from tests.factories import PASSWORD, make_user

EXPECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def test_headers_stand_on_every_answer(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        answers = [
            browser.get(path)
            for path in ("/health", "/engagements", "/nothing", "/static/plumbline.css", "/kpis/no")
        ]
        answers += [browser.post("/engagements"), browser.post("/sign-out")]
    for answer in answers:
        for name, value in EXPECTED.items():
            assert answer.headers[name] == value
        policy = answer.headers["content-security-policy"]
        for rule in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"):
            assert rule in policy
        assert "unsafe" not in policy
        assert "strict-transport-security" not in answer.headers
    assert answers[1].headers["cache-control"] == "no-store"
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 404, 405, 403]


def test_https_brings_strict_transport_and_host_cookies(
    sqlite_template: Path, tmp_path: Path
) -> None:
    world = make_world(sqlite_template, tmp_path, "https://plumbline.example")
    with world.browser() as browser:
        answer = browser.get("/sign-in")
    assert "max-age=63072000" in answer.headers["strict-transport-security"]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-plumbline-visitor=")
    for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert part in cookie


def test_forgetting_a_host_cookie_keeps_its_attributes(
    sqlite_template: Path, tmp_path: Path
) -> None:
    world = make_world(sqlite_template, tmp_path, "https://plumbline.example")
    with world.signed_in(world.manager) as (browser, token):
        answer = browser.post("/sign-out", data={"csrf_token": token})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-plumbline-session=")
    for part in ("Max-Age=0", "Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert part in cookie


@pytest.mark.parametrize(
    "path",
    [
        "hand-ins/99999999999999999999",
        f"hand-ins/{'9' * 5000}",
        "hand-ins/-99999999999999999999",
        "hand-ins/0",
        "contracts/99999999999999999999",
        "evidence/%00aaa",
        f"evidence/{'A' * 64}",
        "evidence/%ff",
        "periods/99999-01",
        "periods/9999-12",
        "periods/%00",
        "periods/2026-01/results/%00",
        "periods/2026-01/documents/%00",
        "periods/2026-01/invoice/lines/99999999999999999999",
    ],
)
def test_addresses_of_nothing_are_not_found(world: World, path: str) -> None:
    with world.signed_in(world.manager) as (browser, _):
        assert browser.get(f"/engagements/ENG-1/{path}").status_code == 404


def test_others_locks_stop_no_reader_and_turn_writers_away(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database._BUSY_MILLISECONDS", 20)
    token = own_world.start_session(own_world.manager)
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        session.execute(
            update(SignInSession).values(last_seen_at=datetime.now(UTC) - timedelta(minutes=5))
        )
    with own_world.browser() as browser:
        browser.cookies.set(cookie_name(own_world.settings, "session"), token)
        with session_scope(own_world.engine, sees=EVERYTHING) as holder:
            holder.execute(text("SELECT 1"))
            assert browser.get("/engagements").status_code == 200
            answer = browser.post("/sign-out", data={"csrf_token": csrf_token(token)})
            assert answer.status_code == 503
            assert "try again in a moment" in answer.text
            assert int(answer.headers["Retry-After"]) > 0
        assert browser.get("/engagements").status_code == 200


def test_a_change_without_the_sessions_token_is_refused(world: World) -> None:
    foreign = csrf_token(world.start_session(world.finance))
    with world.signed_in(world.manager) as (browser, token):
        for method, path, options in routes(world.app):
            if method == "GET" or "public" in options:
                continue
            target = address(path, world)
            assert browser.post(target).status_code == 403, path
            assert browser.post(target, data={"csrf_token": foreign}).status_code == 403, path
            assert browser.post(target, headers={"X-CSRF-Token": foreign}).status_code == 403, path
        elsewhere = {"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": token}
        assert browser.post("/sign-out", headers=elsewhere).status_code == 403
        origin = {"Origin": "https://evil.example", "X-CSRF-Token": token}
        assert browser.post("/sign-out", headers=origin).status_code == 403


def test_signing_in_needs_the_visitors_own_token(world: World) -> None:
    form = {"email": world.manager.email, "password": PASSWORD}
    with world.browser() as browser:
        assert browser.post("/sign-in", data=form).status_code == 403
        browser.get("/sign-in")
        foreign = form | {"csrf_token": csrf_token("another visitor")}
        assert browser.post("/sign-in", data=foreign).status_code == 403


def test_a_body_that_is_too_large_is_refused_before_it_is_read(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        headers = {"X-CSRF-Token": token, "Content-Length": str(10**9)}
        for path in ("/sign-out", "/contracts", "/engagements/ENG-1/evidence"):
            answer = browser.post(path, headers=headers, content=b"x")
            assert answer.status_code == 413, path
            assert "too large" in answer.text


def test_signing_in_too_often_is_slowed_down(own_world: World) -> None:
    with own_world.browser() as browser:
        token = form_token(browser.get("/sign-in").text)
        form = {"email": "nobody@example.org", "password": "wrong", "csrf_token": token}
        statuses = [browser.post("/sign-in", data=form).status_code for _ in range(12)]
        last = browser.post("/sign-in", data=form, headers={"X-Forwarded-For": "192.0.2.9"})
    assert statuses == [401] * 10 + [429] * 2
    assert last.status_code == 429
    assert 0 < int(last.headers["Retry-After"]) <= 15 * 60


@pytest.mark.parametrize(
    "text",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "https:evil",
        "http://evil",
        "evil",
        "",
        "/a\nb",
    ],
)
def test_only_own_paths_are_gone_on_to(text: str) -> None:
    assert own_path(text) == "/engagements"


def test_an_own_path_is_kept() -> None:
    assert own_path("/engagements/ENG-1?from=25") == "/engagements/ENG-1?from=25"


def test_hostile_names_stay_text(own_world: World) -> None:
    files = {"contract": ("contract.yaml", _hostile_contract(), "application/yaml")}
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        owner = make_user(session, organisation=f"{HOSTILE} too")
    with own_world.signed_in(owner) as (browser, token):
        answer = browser.post("/contracts", data={"csrf_token": token}, files=files)
        assert answer.status_code == 303
        for page in ("/engagements", answer.headers["location"]):
            text = browser.get(page).text
            assert "<img src=x" not in text
            assert "&lt;img src=x" in text
    with own_world.signed_in(own_world.stranger) as (browser, _):
        assert "<img src=x" not in browser.get("/engagements").text


def _hostile_contract() -> bytes:
    return f"""\
plumbline: 1
engagement:
  reference: ENG-9
  title: '{HOSTILE}'
  model: full
  client: {{name: '{HOSTILE}', country: DE, city: '{HOSTILE}'}}
  provider: {{name: '{HOSTILE} too', country: IE}}
  currency: EUR
  starts: 2026-01-01
charges:
  - {{id: CH-01, title: '{HOSTILE}', clause: '{HOSTILE}', type: fixed, amount: "1.00", per: month}}
""".encode()


def test_file_names_can_not_break_out_of_the_header() -> None:
    text = disposition('a"b\r\nX-Evil: 1/ü.yaml')
    assert "\r" not in text
    assert text.count('"') == 2
    assert text.endswith("filename*=UTF-8''a_b__X-Evil%3A%201_%C3%BC.yaml")


def test_downloads_are_saved_and_never_run(world: World) -> None:
    paths = (
        "contracts/1",
        f"evidence/{world.evidence_sha256}",
        "periods/2026-01/documents/invoice.pdf",
        "periods/2026-01/documents/measurements.json",
    )
    with world.signed_in(world.manager) as (browser, _):
        for path in paths:
            answer = browser.get(f"/engagements/ENG-1/{path}")
            assert answer.status_code == 200
            assert answer.headers["content-disposition"].startswith("attachment; filename=")
            assert "sandbox" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
