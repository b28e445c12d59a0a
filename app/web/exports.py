"""What leaves by a download is recorded before it leaves."""

from __future__ import annotations

from typing import Any

from litestar import Request

from app.database import actor_scope
from governance.audit.exports import record_export
from governance.tables import digest


def note_export(
    request: Request[Any, Any, Any],
    engagement_id: int | None,
    label: str,
    *,
    sha256: str,
    size: int,
) -> None:
    """Record who takes which file, in a transaction of its own: the page itself changes nothing.

    A file whose export can't be recorded doesn't leave: Busy is raised then.
    """
    actor = request.user.actor
    with actor_scope(request.app.state.engine, actor) as session:
        record_export(session, actor, engagement_id, label, sha256=sha256, size=size)


def note_bytes(
    request: Request[Any, Any, Any], engagement_id: int | None, label: str, data: bytes
) -> None:
    """The same for a file that was just made."""
    note_export(request, engagement_id, label, sha256=digest(data), size=len(data))
