"""What every request passes through before it is routed: its id, its true client, its host."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any, cast

import structlog
from litestar import Litestar
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.operation.metrics import Metrics
from app.settings import Settings, is_loopback

REQUEST_ID = "X-Request-ID"
_LOG = logging.getLogger("plumbline.requests")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ANY_HOST = frozenset({"/health", "/ready", "/metrics"})
"""Whoever watches the application reaches it by its address, not by its public name."""
_MISDIRECTED = b"This host is not served here.\n"


def request_id_of(scope: Scope) -> str:
    """The request's id, which the audit entries of its changes carry too."""
    found: str = scope["state"]["request_id"]
    return found


def surround(app: Litestar, settings: Settings, metrics: Metrics) -> None:
    """Put these around the application's router, so that no request gets past them."""
    served = observed(own_host(app.asgi_handler, settings), metrics)
    app.asgi_handler = behind_proxies(served, settings)


def behind_proxies(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Take client and scheme from X-Forwarded-For and -Proto where a trusted proxy sends them.

    The client is the rightmost address that is no trusted proxy: what stands further left was
    written by the client itself. From anybody else the headers mean nothing.
    """
    if not settings.trusted_proxies:
        return app
    trusted = [str(network) for network in settings.trusted_proxies]
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), trusted))


def own_host(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Answer 421 to requests for another host than the public one.

    Where that is this machine itself, all of its own names will do.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in _ANY_HOST or _is_own(scope, settings):
            await app(scope, receive, send)
        else:
            await _refuse(send)

    return serve


def _is_own(scope: Scope, settings: Settings) -> bool:
    sent = [value for name, value in scope["headers"] if name == b"host"]
    if len(sent) != 1:
        return False
    host = _without_port(sent[0].decode("latin-1").lower())
    both_here = is_loopback(host) and is_loopback(settings.public_host)
    return host == settings.public_host or both_here


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": _MISDIRECTED, "more_body": False})


def observed(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """Give each request an id, and write one line and one count of it when it ends.

    The id stands in the answer, in `scope["state"]` for whoever acts on the request, and in
    every line that is logged meanwhile.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        seen = _Seen(send, request_id)
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await app(scope, receive, seen)
            finally:
                _report(scope, seen, time.perf_counter() - began, metrics)

    return serve


class _Seen:
    """Passes an answer on, adds the request's id, and keeps its status and size."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id = send, request_id
        self.status, self.size = 500, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableScopeHeaders.from_message(message)[REQUEST_ID] = self._request_id
        elif message["type"] == "http.response.body":
            self.size += len(message["body"])
        await self._send(message)


def _report(scope: Scope, seen: _Seen, seconds: float, metrics: Metrics) -> None:
    sent = scope.get("method", "")
    method = sent if sent in _METHODS else "other"
    route = scope.get("path_template") or "unknown"
    metrics.observe(method, route, seen.status, seconds)
    fields = {
        "method": method,
        "route": route,
        "status": seen.status,
        "ms": round(seconds * 1000, 1),
        "bytes": seen.size,
        "user": _user_id(scope),
    }
    _LOG.log(logging.ERROR if seen.status >= 500 else logging.INFO, "request", extra=fields)


def _user_id(scope: Scope) -> int | None:
    person = scope.get("user")
    found: int | None = person.actor.user_id if person else None
    return found
