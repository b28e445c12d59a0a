"""Points of the checklist on what browsers and other clients are told, and what they may send."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response
from litestar.routes import HTTPRoute

from app.security.authentication import cookie_name
from app.web.rendering import TEMPLATES
from tests.app.web.support import Browser, World, address, make_world, routes

HEADERS = {
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}
_SECRETS = re.compile(r"[A-Za-z0-9_-]{40,}|[^\s\"/]+@[^\s\"/]+\.[a-z]+|%40")
"""What looks like a token or an e-mail address."""


@pytest.fixture(scope="module")
def https_world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world that is reached by https, as all are in production."""
    folder = tmp_path_factory.mktemp("https")
    return make_world(sqlite_template, folder, "https://plumbline.example")


def _every_kind_of_answer(browser: Browser) -> Iterator[Response]:
    yield browser.get("/engagements")
    yield browser.get("/engagements/ENG-1/contracts/1")
    yield browser.get("/static/plumbline.css")
    yield browser.get("/")
    yield browser.get("/nothing")
    yield browser.get("/engagements/ENG-2")
    yield browser.put("/sign-in")
    yield browser.post("/sign-out")
    yield browser.post("/sign-out", content=b"x" * 100_000)
    yield browser.get("/engagements", headers={"Host": "evil.example"})
    yield browser.options("/engagements")


def test_18_19_20_headers_stand_on_every_kind_of_answer(https_world: World) -> None:
    """ASVS 3.4.1, 3.4.3, 3.4.4, 3.4.8."""
    with https_world.signed_in(https_world.manager) as (browser, _):
        answers = list(_every_kind_of_answer(browser))
    assert [one.status_code for one in answers] == [
        *(200, 200, 200, 303, 404, 404, 405, 403, 413, 421, 303),
    ]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, f"{answer.request.url} {name}"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy or "default-src 'none'; sandbox" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_19_htmx_adds_no_style_and_keeps_no_pages() -> None:
    """ASVS 3.4.3. What it could evaluate no template asks for, and the policy forbids it."""
    config = re.search(
        r"name=\"htmx-config\" content='([^']*)'", (TEMPLATES / "base.html").read_text()
    )
    assert config is not None
    assert json.loads(config[1]) == {
        "includeIndicatorCSS": False,
        "history": False,
        "defaultSettleDelay": 0,
        "extensions": "none",
    }


def test_18_an_error_of_the_program_has_the_headers_and_tells_nothing(
    https_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ASVS 3.4.1, 13.4.2, 16.5.1. No stack trace, no message, no name of a file."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("app.web.kpis.render", fail)
    with https_world.signed_in(https_world.manager) as (browser, _):
        answer = browser.get("/kpis")
    assert answer.status_code == 500
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    for told in ("secret inside", "RuntimeError", "Traceback", ".py"):
        assert told not in answer.text


def test_24_an_undeclared_method_is_told_which_there_are(world: World) -> None:
    """ASVS 4.1.4."""
    with world.signed_in(world.manager) as (browser, _):
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            answer = browser.request(method, "/engagements")
            assert answer.status_code == 405, method
            assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        answer = browser.get("/sign-out")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "OPTIONS, POST"


def test_24_head_is_get_without_the_body(world: World) -> None:
    """RFC 9110, 9.3.2. Neither tells more than the other, to whom it may concern."""
    paths = ["/sign-in", "/engagements", "/engagements/ENG-1", "/engagements/ENG-2", "/nothing"]
    paths += [
        "/engagements/ENG-1/contracts/1",
        f"/engagements/ENG-1/evidence/{world.evidence_sha256}",
    ]
    ignored = {"x-request-id", "set-cookie", "date", "last-modified", "etag"}
    with world.signed_in(world.manager) as (browser, _):
        for path in paths:
            got, head = browser.get(path), browser.head(path)
            assert head.content == b"", path
            assert head.status_code == got.status_code, path
            for name in got.headers.keys() - ignored:
                assert head.headers[name] == got.headers[name], f"{path} {name}"
    with world.browser() as visitor:
        assert visitor.head("/engagements/ENG-1").status_code == 303


def test_38_nobody_is_told_how_the_application_is_made(world: World) -> None:
    """ASVS 13.4.5. No description of the interface, no metrics, no debugging."""
    with world.signed_in(world.manager) as (browser, _):
        for path in (
            "/schema",
            "/schema/openapi.json",
            "/docs",
            "/metrics",
            "/.env",
            "/.git/config",
        ):
            assert browser.get(path).status_code == 404, path
    assert not world.app.debug


def test_39_addresses_hold_no_secret_but_those_of_links_by_mail(world: World) -> None:
    """ASVS 14.2.1. And these are exchanged for a cookie at once."""
    secret = {
        route.path_format
        for route in world.app.routes
        if isinstance(route, HTTPRoute)
        and re.search(r"\{(token|code|secret|email|password)\}", route.path_format)
    }
    assert secret <= {"/invitations/{token}", "/reset/{token}", "/new-address/{token}"}


def test_39_the_page_of_a_link_tells_its_address_to_nobody(world: World) -> None:
    """ASVS 3.4.5, 14.2.1."""
    with world.browser() as browser:
        for route in world.app.routes:
            if isinstance(route, HTTPRoute) and "{token}" in route.path_format:
                answer = browser.get(route.path_format.replace("{token}", "x" * 43))
                assert answer.headers["referrer-policy"] == "no-referrer"
                assert "x" * 43 not in answer.headers.get("location", "")


def test_39_pages_link_to_no_address_with_a_secret_and_stay_out_of_caches(world: World) -> None:
    """ASVS 14.2.1, 14.3.2."""
    digest = world.evidence_sha256
    with world.signed_in(world.manager) as (browser, _):
        for method, path, _options in routes(world.app):
            if method != "GET" or "{" in re.sub(
                r"\{(reference|label|level|sha256|number)\}", "", path
            ):
                continue
            answer = browser.get(address(path, world))
            assert answer.headers["cache-control"] == "no-store", path
            linked = re.findall(r'(?:href|src|action|hx-get|hx-post)="([^"]*)"', answer.text)
            for target in linked:
                shown = re.sub(
                    r"[0-9a-f]{64}|^(data|mailto|otpauth):.*", "", target.replace(digest, "")
                )
                assert not _SECRETS.search(shown), f"{path} links to {target}"


def test_17_the_sessions_cookie_is_out_of_reach(https_world: World) -> None:
    """ASVS 3.3.1, 3.3.3, 3.3.4."""
    assert cookie_name(https_world.settings, "session").startswith("__Host-")
