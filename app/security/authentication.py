"""Who makes a request: its cookie or API token is looked up once, for every request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from app.operation.requests import request_id_of
from app.security.cookies import cookie_name, forgotten_cookie, own_cookie
from app.security.people import Person, Visit, person_of_session, person_of_token
from app.security.sessions import Origin
from app.settings import Settings

__all__ = [
    "Person",
    "SessionAuthentication",
    "cookie_name",
    "forgotten_cookie",
    "origin_of",
    "own_cookie",
]

PENDING = "pending_sign_in"
"""Key of the request's state: whether its session waits for the second step."""
BEARER_REFUSED = "bearer_refused"
"""Key of the request's state: whether its API token is worth nothing."""
_Connection = ASGIConnection[Any, Any, Any, Any]


def origin_of(connection: _Connection) -> Origin:
    """Where a request comes from."""
    address = connection.client.host if connection.client else ""
    browser = connection.headers.get("User-Agent", "")
    return Origin(address, browser, request_id_of(connection.scope))


class SessionAuthentication(AbstractAuthenticationMiddleware):
    """Sets `user` to the request's Person or None, and `auth` to the secret that forms bind to.

    A request with an API token has no such secret, and its cookies mean nothing. Pages for
    everyone don't look at API tokens: they may take tokens of another kind.
    """

    async def authenticate_request(self, connection: _Connection) -> AuthenticationResult:
        visit = Visit(datetime.now(UTC), request_id_of(connection.scope))
        scheme, _, credential = connection.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await _by_token(connection, credential.strip(), visit)
        return await _by_cookie(connection, visit)


async def _by_token(connection: _Connection, token: str, visit: Visit) -> AuthenticationResult:
    if connection.route_handler.opt.get("public"):
        return AuthenticationResult(user=None, auth="")
    state = connection.app.state
    person = await sync_to_thread(person_of_token, state.engine, state.settings, token, visit)
    connection.scope["state"][BEARER_REFUSED] = person is None
    return AuthenticationResult(user=person, auth="")


async def _by_cookie(connection: _Connection, visit: Visit) -> AuthenticationResult:
    settings: Settings = connection.app.state.settings
    token = connection.cookies.get(cookie_name(settings, "session"), "")
    engine = connection.app.state.engine
    found: Person | bool = False
    if token:
        found = await sync_to_thread(person_of_session, engine, settings, token, visit)
    if isinstance(found, Person):
        return AuthenticationResult(user=found, auth=token)
    connection.scope["state"][PENDING] = found
    visitor = connection.cookies.get(cookie_name(settings, "visitor"), "")
    return AuthenticationResult(user=None, auth=token if found else visitor)
