"""Requests before they are routed: ids, true clients behind proxies, and hosts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from litestar.types import HTTPScope, Receive, Send
from sqlalchemy import select
from sqlmodel import col

from app.database import session_scope
from app.operation.requests import behind_proxies, own_host
from app.settings import Settings
from governance.audit.models import Action, AuditEntry
from governance.tenancy import EVERYTHING
from tests.app.web.support import World, form_token, make_world
from tests.factories import PASSWORD

PROXIES = "10.0.0.0/8,2001:db8::/32"


def _scope(headers: dict[str, str], client: str = "10.0.0.1", path: str = "/") -> Any:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "scheme": "http",
        "client": (client, 4000),
        "headers": raw,
    }


def _seen(headers: dict[str, str], client: str, proxies: str) -> tuple[str, str]:
    """The client and scheme that the application gets to see."""
    seen: list[Any] = []

    async def application(scope: Any, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    settings = Settings.model_validate({"trusted_proxies": proxies})
    served = behind_proxies(application, settings)
    asyncio.run(served(_scope(headers, client), None, None))  # type: ignore[arg-type] # Nothing is read or sent.
    return seen[0]["client"][0], seen[0]["scheme"]


@pytest.mark.parametrize(
    ("sent", "peer", "proxies", "client", "scheme"),
    [
        ("198.51.100.7", "10.0.0.1", PROXIES, "198.51.100.7", "https"),
        ("1.2.3.4, 198.51.100.7", "10.0.0.1", PROXIES, "198.51.100.7", "https"),
        ("1.2.3.4, 198.51.100.7, 10.9.9.9", "10.0.0.1", PROXIES, "198.51.100.7", "https"),
        ("10.0.0.5, 198.51.100.7", "10.0.0.1", PROXIES, "198.51.100.7", "https"),
        ("198.51.100.7", "2001:db8::1", PROXIES, "198.51.100.7", "https"),
        ("198.51.100.7", "203.0.113.9", PROXIES, "203.0.113.9", "http"),
        ("198.51.100.7", "10.0.0.1", "none", "10.0.0.1", "http"),
        ("198.51.100.7", "127.0.0.1", "none", "127.0.0.1", "http"),
    ],
)
def test_only_a_trusted_proxy_says_who_the_client_is(
    sent: str, peer: str, proxies: str, client: str, scheme: str
) -> None:
    headers = {"X-Forwarded-For": sent, "X-Forwarded-Proto": "https"}
    assert _seen(headers, peer, proxies) == (client, scheme)


def _status(host: str | None, public_url: str, path: str = "/") -> int:
    answers: list[Any] = []

    async def application(_scope: Any, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def keep(message: Any) -> None:
        answers.append(message)

    served = own_host(application, Settings(public_url=public_url))
    scope: HTTPScope = _scope({} if host is None else {"Host": host}, path=path)
    asyncio.run(served(scope, None, keep))  # type: ignore[arg-type] # Nothing is read.
    status: int = answers[0]["status"]
    return status


@pytest.mark.parametrize(
    ("host", "public_url", "status"),
    [
        ("plumbline.example", "https://plumbline.example", 200),
        ("Plumbline.Example:443", "https://plumbline.example", 200),
        ("evil.example", "https://plumbline.example", 421),
        ("plumbline.example.evil.example", "https://plumbline.example", 421),
        ("127.0.0.1", "https://plumbline.example", 421),
        ("", "https://plumbline.example", 421),
        (None, "https://plumbline.example", 421),
        ("localhost:8000", "http://127.0.0.1:8000", 200),
        ("[::1]:8123", "http://127.0.0.1:8000", 200),
        ("rebound.example", "http://127.0.0.1:8000", 421),
    ],
)
def test_only_the_public_host_is_served(host: str | None, public_url: str, status: int) -> None:
    assert _status(host, public_url) == status


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_watchers_reach_it_by_any_host(path: str) -> None:
    assert _status("10.1.2.3:8000", "https://plumbline.example", path) == 200


def test_two_hosts_are_none() -> None:
    scope = _scope({"Host": "plumbline.example"})
    scope["headers"].append((b"host", b"evil.example"))
    answers: list[Any] = []

    async def keep(message: Any) -> None:
        answers.append(message)

    served = own_host(None, Settings(public_url="https://plumbline.example"))  # type: ignore[arg-type] # It isn't reached.
    asyncio.run(served(scope, None, keep))  # type: ignore[arg-type] # Nothing is read.
    assert answers[0]["status"] == 421


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> World:
    """A world of the test's own."""
    return make_world(sqlite_template, tmp_path)


def test_a_foreign_host_gets_the_security_headers_too(world: World) -> None:
    with world.browser() as browser:
        answer = browser.get("/sign-in", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "evil" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]


def test_the_answers_request_id_is_that_of_its_audit_entries(world: World) -> None:
    with world.browser() as browser:
        token = form_token(browser.get("/sign-in").text)
        form = {"csrf_token": token, "email": world.manager.email, "password": PASSWORD}
        first = browser.post("/sign-in", data=form, headers={"X-Request-ID": "forged"})
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        signed_in = col(AuditEntry.action) == Action.USER_SIGNED_IN
        entries = session.scalars(select(AuditEntry).where(signed_in)).all()
    request_id = first.headers["x-request-id"]
    assert any(f'"request":"{request_id}"'.encode() in entry.data for entry in entries)
    assert request_id != "forged"


def test_each_request_has_an_id_of_its_own(world: World) -> None:
    with world.browser() as browser:
        ids = {browser.get(path).headers["x-request-id"] for path in ("/health", "/no", "/sign-in")}
    assert len(ids) == 3
