"""The log of the installation, for those who run it: sign-ins, accounts, exports, refusals.

Nothing of any engagement stands here.
"""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from app.security.guards import requires_operator
from app.web.audit import entry_context, found_entries, search_context
from app.web.audit_query import query_of
from app.web.rendering import render
from app.web.unit_of_work import work
from governance.access import Permission

_PATH: Final = "/operation/log"
_ZONE: Final = ZoneInfo("UTC")
_VIEWS = [requires_operator(Permission.VIEW_OPERATION)]


@get(_PATH, guards=_VIEWS, sync_to_thread=True)
def search_log(request: Request[Any, Any, Any]) -> Response[str]:
    """The entries that belong to no engagement, newest first."""
    query = query_of(request)
    with work(request, installation=True) as unit:
        found = found_entries(unit.session, query, None, _ZONE)
        context = search_context(unit.session, None)
    return render(
        request,
        "audit/operation.html",
        found=found,
        zone=_ZONE.key,
        totals=[],
        may=frozenset(),
        here=_PATH,
        **context,
    )


@get(f"{_PATH}/{{uid:str}}", guards=_VIEWS, sync_to_thread=True)
def show_log_entry(request: Request[Any, Any, Any], uid: FromPath[str]) -> Response[str]:
    """One of these entries, with its place and how to check it."""
    with work(request, installation=True) as unit:
        context = entry_context(unit, None, uid, _ZONE)
    return render(request, "audit/operation_entry.html", may=frozenset(), here=_PATH, **context)


ROUTER = Router("/", route_handlers=[search_log, show_log_entry])
