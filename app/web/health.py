"""Whether the application can do its work, for whoever watches it."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get

from app.database import schema_is_current
from app.security.guards import PUBLIC


@get("/health", opt=PUBLIC, media_type=MediaType.TEXT, sync_to_thread=True)
def health(request: Request[Any, Any, Any]) -> Response[str]:
    """200 when the database answers and has the schema of this release, 503 otherwise."""
    current = schema_is_current(request.app.state.engine)
    return Response(
        "ok" if current else "the database schema is out of date: run plumbline migrate",
        status_code=200 if current else 503,
        media_type=MediaType.TEXT,
    )
