"""Ask a time-stamping authority for tokens, beside the sequencer or on command."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import Engine

from app.database import session_scope
from governance.audit.models import AuditCheckpoint
from governance.audit.sequencing import checkpoint_of
from governance.audit.timestamps import (
    Stamp,
    due_timestamp,
    read_answer,
    request_for,
    store_timestamp,
)
from governance.errors import PlumblineError, Unreachable
from governance.tenancy import EVERYTHING

_LOG = logging.getLogger("plumbline.timestamps")
_TYPES = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
_SECONDS = 20.0
_LONGEST_ANSWER = 64 * 1024
_PAUSE = timedelta(minutes=5)
"""After a failure; the authority isn't asked every second then."""


def stamp_latest(engine: Engine, authority: str) -> tuple[int, Stamp]:
    """Have the latest checkpoint stamped; answers its size and the stamp.

    Raises NotFound before the first checkpoint, Unreachable or InvalidTimestamp where the
    authority at that address gives no valid token.
    """
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        latest = checkpoint_of(session)
    return latest.size, _stamp(engine, authority, latest)


def _stamp(engine: Engine, authority: str, checkpoint: AuditCheckpoint) -> Stamp:
    request = request_for(checkpoint.note)
    token = _ask(authority, request.as_bytes())
    stamp = read_answer(checkpoint.note, request, token)
    with session_scope(engine, sees=EVERYTHING) as session:
        store_timestamp(session, checkpoint, authority, token, stamp)
    return stamp


def _ask(authority: str, query: bytes) -> bytes:
    try:
        answer = httpx.post(authority, content=query, headers=_TYPES, timeout=_SECONDS)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"the time-stamping authority doesn't answer: {error}") from error
    if len(answer.content) > _LONGEST_ANSWER:
        raise Unreachable("the time-stamping authority answers with more than a token")
    return answer.content


class Stamper:
    """Asks for a timestamp whenever one is due; a failure is logged and never stops anything."""

    def __init__(self, engine: Engine, authority: str) -> None:
        self._engine, self._authority = engine, authority
        self._seen = 0
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def __call__(self, at: datetime) -> None:
        """Ask, if a timestamp is due and the last failure is some time ago."""
        if not self._authority or at < self._not_before:
            return
        try:
            self._stamp(at)
        except PlumblineError as error:
            self._not_before = at + _PAUSE
            _LOG.warning("no timestamp: %s", error)

    def _stamp(self, at: datetime) -> None:
        with session_scope(self._engine, sees=EVERYTHING, read_only=True) as session:
            due = due_timestamp(session, at, self._seen)
        self._seen = due.seen
        if due.checkpoint is not None:
            stamp = _stamp(self._engine, self._authority, due.checkpoint)
            size = due.checkpoint.size
            _LOG.info("checkpoint of %d entries stamped at %s", size, stamp.at.isoformat())
