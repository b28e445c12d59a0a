"""Who gets through to a handler: signed in, from this site, and with the permission it names."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard
from sqlalchemy import Engine

from app.database import actor_scope, session_scope
from app.security.authentication import BEARER_REFUSED, PENDING
from app.security.bodies import refuse_large_body, refuse_nul, refuse_nul_in_query
from app.security.csrf import check_csrf
from app.security.detours import Detour, TokenRefused, to_confirmation, too_often
from app.security.people import Person
from app.security.second_factors import enrolment_path, second_step_path
from app.security.throttle import Rate, attempt, network_of
from app.web.addresses import identifier, own_path
from governance.access import INSTALLATION_PERMISSIONS, Permission
from governance.engagements.service import get_engagement
from governance.errors import Busy, Forbidden, NotFound, NotSignedIn
from governance.runs.queries import all_handled

PUBLIC = {"public": True}
"""Option of the few handlers that strangers may call."""
SIGNED_IN_ONLY = {"signed_in_only": True}
"""Option of handlers that belong to no engagement, so no role in one can be asked for."""
SECOND_STEP = {"second_step": True}
"""Option of handlers that finish a sign-in whose password was right."""
ENROLMENT = SIGNED_IN_ONLY | {"enrolment": True}
"""Option of the handlers that one reaches before having the second factor that a role demands."""
RECENT = {"recent": True}
"""Option of grave acts: the person has shown in the last minutes who they are.

It comes with another one, as in `opt=SIGNED_IN_ONLY | RECENT`.
"""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_COUNT_PATIENCE = 2_000
"""Milliseconds; while the database is held for longer, nobody is turned away for haste."""
_Connection = ASGIConnection[Any, Any, Any, Any]


async def admit(connection: _Connection, handler: BaseRouteHandler) -> None:
    """Refuse what is too large, not signed in, or not sent from this site's own pages.

    Stands before every handler. A body that announces too much is refused before it is read.
    """
    request = cast("Request[Any, Any, Any]", connection)
    await refuse_large_body(request, handler)
    person: Person | None = request.scope.get("user")
    if not handler.opt.get("public"):
        _admit_person(request, handler, person)
    if person is None or person.scopes is None:
        await check_csrf(request, request.scope.get("auth") or "")
    refuse_nul_in_query(request)
    if request.method not in _READING:
        await refuse_nul(request)
    if person is not None and handler.opt.get("recent"):
        _demand_recent(request, person)


def _admit_person(
    request: Request[Any, Any, Any], handler: BaseRouteHandler, person: Person | None
) -> None:
    state = request.scope["state"]
    if state.get(BEARER_REFUSED):
        raise TokenRefused(401, "The API token is unknown, expired or revoked.")
    if person is None:
        if handler.opt.get("second_step") and state.get(PENDING):
            return
        if state.get(PENDING):
            raise Detour(second_step_path())
        raise NotSignedIn("This page needs you to be signed in.")
    if person.scopes is not None:
        _admit_token(handler, person)
    elif person.must_enrol and not handler.opt.get("enrolment"):
        raise Detour(enrolment_path())


def _admit_token(handler: BaseRouteHandler, person: Person) -> None:
    """Programs reach what a permission is named for, and never a page of the account."""
    if person.must_enrol:
        raise TokenRefused(403, "A role of the token's owner demands a second factor.")
    if handler.opt.get("recent") or not any(
        hasattr(guard, "permission") for guard in handler.resolve_guards()
    ):
        raise TokenRefused(403, "API tokens can't be used here; sign in with a browser.")


def _demand_recent(request: Request[Any, Any, Any], person: Person) -> None:
    """A form that comes too late is filled in again: what it said is not kept meanwhile."""
    if person.confirmed_within(request.app.state.settings.reauthentication_minutes):
        return
    if request.method in {"GET", "HEAD"}:
        query = f"?{request.url.query}" if request.url.query else ""
        raise to_confirmation(request.url.path + query)
    raise to_confirmation(own_path(_path_of(request.headers.get("Referer", ""))))


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def requires(permission: Permission) -> Guard:
    """Guard: a role of the user in the engagement of the address carries `permission`.

    Someone else's engagement is not found; one's own without the permission is forbidden.
    """

    async def guard(
        connection: _Connection,
        handler: BaseRouteHandler,  # noqa: ARG001 (Litestar's signature)
    ) -> None:
        reference = identifier(connection.path_params["reference"])
        await sync_to_thread(
            _check, connection.app.state.engine, connection.user, reference, permission
        )

    guard.permission = permission  # type: ignore[attr-defined] # Read by the route tests.
    return guard


def _check(engine: Engine, person: Person, reference: str, permission: Permission) -> None:
    with actor_scope(engine, person.actor, read_only=True) as session:
        engagement = get_engagement(session, person.actor, reference, permission)
    if person.engagement_id not in {None, engagement.id}:
        raise NotFound(f"there is no engagement {reference}")
    _check_scope(person, permission)


def _check_scope(person: Person, permission: Permission) -> None:
    if person.scopes is not None and permission not in person.scopes:
        raise Forbidden(f"the API token is not for {permission.value}")


def requires_somewhere(permission: Permission) -> Guard:
    """Guard: a role of the user in any engagement carries `permission`.

    For pages of work across engagements; their services ask for each engagement again.
    """

    async def guard(
        connection: _Connection,
        handler: BaseRouteHandler,  # noqa: ARG001 (Litestar's signature)
    ) -> None:
        person: Person = connection.user
        if person.engagement_id is not None:
            raise Forbidden("the API token is for one engagement only")
        await sync_to_thread(_check_somewhere, connection.app.state.engine, person, permission)
        _check_scope(person, permission)

    guard.permission = permission  # type: ignore[attr-defined] # Read by the route tests.
    return guard


def _check_somewhere(engine: Engine, person: Person, permission: Permission) -> None:
    with actor_scope(engine, person.actor, read_only=True) as session:
        if not all_handled(session, person.actor, permission):
            raise Forbidden(f"none of your roles lets you {permission.words}")


def requires_operator(permission: Permission) -> Guard:
    """Guard: the user runs the installation today, which carries `permission`."""
    if permission not in INSTALLATION_PERMISSIONS:
        raise ValueError(f"{permission.value} belongs to an engagement")

    async def guard(
        connection: _Connection,
        handler: BaseRouteHandler,  # noqa: ARG001 (Litestar's signature)
    ) -> None:
        person: Person = connection.user
        if not person.operator:
            raise Forbidden("only who runs the installation may do this")
        if person.engagement_id is not None:
            raise Forbidden("the API token is for one engagement only")
        _check_scope(person, permission)

    guard.permission = permission  # type: ignore[attr-defined] # Read by the route tests.
    return guard


def limited(rate: Rate) -> Guard:
    """Guard: a user, or a visitor's network address, calls this not more often than `rate`."""

    async def guard(
        connection: _Connection,
        handler: BaseRouteHandler,  # noqa: ARG001 (Litestar's signature)
    ) -> None:
        person: Person | None = connection.scope.get("user")
        address = network_of(connection.client.host) if connection.client else ""
        who = f"user {person.actor.user_id}" if person else f"address {address}"
        wait = await sync_to_thread(_count, connection.app.state.engine, rate, who)
        if wait is not None:
            raise too_often(wait)

    guard.rate = rate  # type: ignore[attr-defined] # Read by the route tests.
    return guard


def _count(engine: Engine, rate: Rate, who: str) -> int | None:
    with suppress(Busy), session_scope(engine, patience=_COUNT_PATIENCE) as session:
        return attempt(session, rate, who, datetime.now(UTC))
    return None
