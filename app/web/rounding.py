"""How amounts are rounded, with worked tables."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from app.security.guards import SIGNED_IN_ONLY
from app.web.rendering import render


@get("/rounding", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def show_rounding(request: Request[Any, Any, Any]) -> Response[str]:
    """The rules, which `make rounding-docs` writes from the cases of the tests."""
    return render(request, "rounding/page.html")


ROUTER = Router("/", route_handlers=[show_rounding])
