"""Who makes a request: the session cookie is looked up once, for every request."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from sqlalchemy import Engine

from app.database import session_scope
from app.security.sessions import find_session, timeouts, touch_session
from app.settings import Settings
from governance.access import Actor
from governance.errors import Busy
from governance.parties.service import organisation_of

_TOUCH_PATIENCE = 50
"""Milliseconds; a note of the last use that isn't written now is written a request later."""


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in user of a request."""

    actor: Actor
    organisation: str

    @property
    def name(self) -> str:
        """The name as it stands in the audit log."""
        return self.actor.name


def cookie_name(settings: Settings, purpose: str) -> str:
    """Name of the session's or the visitor's cookie; the prefix binds it to this very host."""
    prefix = "__Host-" if settings.secure_cookies else ""
    return f"{prefix}plumbline-{purpose}"


def own_cookie(settings: Settings, purpose: str, value: str) -> Cookie:
    """A cookie that scripts can't read and other sites can't send; gone with the browser."""
    return Cookie(
        key=cookie_name(settings, purpose),
        value=value,
        httponly=True,
        secure=settings.secure_cookies,
        samesite="lax",
        path="/",
    )


def forgotten_cookie(settings: Settings, purpose: str) -> Cookie:
    """Removes a cookie; browsers heed it for a `__Host-` name only with all its attributes."""
    return replace(own_cookie(settings, purpose, ""), max_age=0)


class SessionAuthentication(AbstractAuthenticationMiddleware):
    """Sets `user` to the signed-in Person or None, and `auth` to the secret tokens bind to."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        settings: Settings = connection.app.state.settings
        token = connection.cookies.get(cookie_name(settings, "session"), "")
        person = None
        if token:
            person = await sync_to_thread(
                _person_of, connection.app.state.engine, settings, token, datetime.now(UTC)
            )
        visitor = connection.cookies.get(cookie_name(settings, "visitor"), "")
        return AuthenticationResult(user=person, auth=token if person else visitor)


def _person_of(engine: Engine, settings: Settings, token: str, now: datetime) -> Person | None:
    with session_scope(engine, read_only=True) as session:
        found = find_session(session, token, now, timeouts(settings))
        if found is None:
            return None
        actor = Actor(found.user.id, found.user.name, now, secrets.token_hex(8))
        person = Person(actor, organisation_of(session, found.user.id).name)
    if found.needs_touch:
        with suppress(Busy), session_scope(engine, patience=_TOUCH_PATIENCE) as session:
            touch_session(session, token, now)
    return person
