"""What happened in an engagement."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from app.security.guards import requires
from app.web.addresses import HOME
from app.web.rendering import render
from app.web.unit_of_work import engagement_work
from governance.access import Permission
from governance.audit.service import events_of

SHOWN = 200


@get(
    f"{HOME}/{{reference:str}}/events",
    guards=[requires(Permission.VIEW_AUDIT)],
    sync_to_thread=True,
)
def list_events(request: Request[Any, Any, Any]) -> Response[str]:
    """The latest events, newest first."""
    with engagement_work(request, Permission.VIEW_AUDIT) as (unit, engagement):
        found = events_of(unit.session, engagement.id, SHOWN)
    return render(request, "audit/list.html", engagement=engagement, events=found, shown=SHOWN)


ROUTER = Router("/", route_handlers=[list_events])
