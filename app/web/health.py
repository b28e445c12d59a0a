"""Whether the application lives and can work, for whoever watches it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import MediaType, Request, Response, get

from app.operation.readiness import unready_part
from app.security.guards import PUBLIC


@get("/health", opt=PUBLIC, media_type=MediaType.TEXT)
async def health() -> str:
    """The process answers; nothing else is asked, so a failing database doesn't restart it."""
    return "ok"


@get("/ready", opt=PUBLIC, media_type=MediaType.TEXT, sync_to_thread=True)
def ready(request: Request[Any, Any, Any]) -> Response[str]:
    """200 when it can do its work; else 503 and a word for what fails: the log says more."""
    state = request.app.state
    failing = unready_part(state.engine, state.settings, datetime.now(UTC))
    return Response(failing or "ok", status_code=503 if failing else 200, media_type=MediaType.TEXT)
