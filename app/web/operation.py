"""How the installation is doing, at a glance, for those who run it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from app.operation.overview import read_overview
from app.security.guards import requires_operator
from app.web.invitations import where_mail_goes
from app.web.rendering import render
from governance.access import Permission

_VIEWS = requires_operator(Permission.VIEW_OPERATION)


@get("/operation", guards=[_VIEWS], sync_to_thread=True)
def show_overview(request: Request[Any, Any, Any]) -> Response[str]:
    """The audit log, mail, accounts and the release; nothing of any engagement."""
    state = request.app.state
    found = read_overview(state.engine, state.settings, request.user.actor.at)
    folder = where_mail_goes(state.settings)
    return render(request, "operation/overview.html", found=found, folder=folder)


ROUTER = Router("/", route_handlers=[show_overview])
