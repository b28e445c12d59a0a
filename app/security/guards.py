"""Who gets through to a handler: signed in, from this site, and with the permission it names."""

from __future__ import annotations

from typing import Any, cast

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard
from sqlalchemy import Engine

from app.database import session_scope
from app.security.csrf import check_csrf
from app.web.addresses import identifier
from governance.access import Actor, Permission
from governance.engagements.service import get_engagement
from governance.errors import NotSignedIn

PUBLIC = {"public": True}
"""Option of the few handlers that strangers may call."""
SIGNED_IN_ONLY = {"signed_in_only": True}
"""Option of handlers that belong to no engagement, so no role in one can be asked for."""


async def admit(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse what is too large, not signed in, or not sent from this site's own pages.

    Stands before every handler. A body that announces too much is refused before it is read.
    """
    request = cast("Request[Any, Any, Any]", connection)
    limit = request.route_handler.resolve_request_max_body_size()
    if limit is not None and (request.content_length or 0) > limit:
        raise HTTPException(status_code=413)
    if request.scope.get("user") is None and not handler.opt.get("public"):
        raise NotSignedIn("This page needs you to be signed in.")
    await check_csrf(request, request.scope.get("auth") or "")


def requires(permission: Permission) -> Guard:
    """Guard: a role of the user in the engagement of the address carries `permission`.

    Someone else's engagement is not found; one's own without the permission is forbidden.
    """

    async def guard(
        connection: ASGIConnection[Any, Any, Any, Any],
        handler: BaseRouteHandler,  # noqa: ARG001 (Litestar's signature)
    ) -> None:
        reference = identifier(connection.path_params["reference"])
        await sync_to_thread(
            _check, connection.app.state.engine, connection.user.actor, reference, permission
        )

    guard.permission = permission  # type: ignore[attr-defined] # Read by the route tests.
    return guard


def _check(engine: Engine, actor: Actor, reference: str, permission: Permission) -> None:
    with session_scope(engine, read_only=True) as session:
        get_engagement(session, actor, reference, permission)
