"""Witnesses over HTTP (c2sp.org/tlog-witness): serve one, and ask one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import httpx
from litestar import Litestar, Request, Response, post
from litestar.concurrency import sync_to_thread
from sqlalchemy import Engine

from app.database import session_scope
from governance.audit.cosignatures import last_cosigned, store_cosignature
from governance.audit.log_proofs import growth_of
from governance.audit.models import AuditCheckpoint
from governance.audit.notes import VerifierKey
from governance.audit.sequencing import checkpoint_of
from governance.audit.witness import SIZE_TYPE, Submission, WitnessState, add_checkpoint
from governance.errors import Conflict, InvalidNote, Unreachable
from governance.tenancy import EVERYTHING

_LARGEST_BODY = 64 * 1024
_SECONDS = 20.0
_LONGEST_SIZE = 19


def witness_app(state: WitnessState, logs: Collection[VerifierKey]) -> Litestar:
    """A witness of these logs; strangers may call it, as only a log's signature counts."""

    @post("/add-checkpoint")
    async def submit(request: Request[Any, Any, Any]) -> Response[str]:
        body = await request.body()
        at = int(datetime.now(UTC).timestamp())
        answer = await sync_to_thread(add_checkpoint, state, logs, body, at)
        return Response(answer.body, status_code=answer.status, media_type=answer.media_type)

    return Litestar(
        [submit],
        request_max_body_size=_LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


def ask_witness(engine: Engine, address: str, witness: VerifierKey) -> AuditCheckpoint:
    """Have a witness cosign the latest checkpoint, and keep its cosignature.

    Raises Unreachable where the witness doesn't answer; Conflict where it refuses, such as one
    that has seen another tree; InvalidNote where its signature doesn't hold.
    """
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        latest, known = checkpoint_of(session), last_cosigned(session, witness)
    answer = _submit(engine, address, latest, known)
    if (size := _size_in(answer)) is not None:
        if size > latest.size:
            raise Conflict(
                f"the witness has seen {size} entries, but the log has only {latest.size}:"
                " entries are missing, or an old copy of the database was restored"
            )
        answer = _submit(engine, address, latest, size)
    if answer.status_code != httpx.codes.OK:
        why = answer.text[:200].strip()
        raise Conflict(f"the witness refuses with {answer.status_code}: {why}")
    with session_scope(engine, sees=EVERYTHING) as session:
        store_cosignature(session, latest, witness, answer.text)
    return latest


def _submit(engine: Engine, address: str, latest: AuditCheckpoint, old: int) -> httpx.Response:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        submission = Submission(old, growth_of(session, old, latest.size), latest.note)
    try:
        return httpx.post(
            f"{address.rstrip('/')}/add-checkpoint",
            content=submission.text.encode(),
            headers={"Content-Type": "text/plain; charset=utf-8"},
            timeout=_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"the witness doesn't answer: {error}") from error


def _size_in(answer: httpx.Response) -> int | None:
    """The size that a witness says it has seen; None where it says something else."""
    if answer.status_code != httpx.codes.CONFLICT:
        return None
    if not answer.headers.get("Content-Type", "").startswith(SIZE_TYPE):
        return None
    text = answer.text.removesuffix("\n")
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_SIZE:
        raise InvalidNote("the witness answers with something that is no size")
    return int(text)
