"""What an auditor takes away: entries, checkpoints, proofs, and the result of a search."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath
from sqlalchemy.orm import Session

from app.security.guards import limited, requires
from app.security.throttle import EXPORT
from app.web.audit import AUDIT, time_zone
from app.web.audit_query import query_of
from app.web.downloads import attachment
from app.web.exports import note_bytes
from app.web.tables import CSV_TYPE, Cell, csv_bytes
from app.web.unit_of_work import engagement_work
from governance.access import Permission
from governance.audit.cosignatures import cosigned_note
from governance.audit.log_proofs import proof_of
from governance.audit.models import AuditCheckpoint, AuditEntry
from governance.audit.search import Search, entry_in, find_entries
from governance.audit.sequencing import first_checkpoint_over
from governance.audit.service import read_entries
from governance.errors import Conflict

MOST_ROWS = 50_000
"""Rows of a file; who needs more takes a whole export of the log."""
_BATCH = 1_000
_COLUMNS = (
    *("time (UTC)", "id", "person", "action", "object", "object id", "label", "before", "after"),
    *("reason", "request", "place in the log"),
)
_TEXT = "text/plain; charset=utf-8"
_Request = Request[Any, Any, Any]
_exports = [requires(Permission.EXPORT_AUDIT), limited(EXPORT)]


@get(f"{AUDIT}/entries.csv", guards=_exports, sync_to_thread=True)
def download_entries(request: _Request) -> Response[bytes]:
    """The entries that the address asks for, newest first."""
    query = query_of(request)
    with engagement_work(request, Permission.EXPORT_AUDIT) as (unit, engagement):
        search = query.search(engagement.id, time_zone(unit, engagement))
        data = csv_bytes(_COLUMNS, entry_rows(unit.session, search))
    label = f"Audit entries of {engagement.reference}"
    note_bytes(request, engagement.id, label, data)
    return attachment(data, f"{engagement.reference}-audit.csv", CSV_TYPE)


def entry_rows(session: Session, search: Search) -> Iterator[list[Cell]]:
    """The rows of the file, read a thousand at a time."""
    before: AuditEntry | None = None
    for _ in range(MOST_ROWS // _BATCH):
        entries = find_entries(session, search, before=before, limit=_BATCH)
        for event in read_entries(session, entries):
            yield [
                event.at.astimezone(UTC).isoformat(),
                event.uid,
                event.actor_name,
                event.action.value,
                event.subject_kind,
                event.subject_id,
                event.subject_label,
                event.before or "",
                event.after or "",
                event.reason,
                event.request_id,
                event.leaf_index,
            ]
        if len(entries) < _BATCH:
            return
        before = entries[-1]


@get(f"{AUDIT}/{{uid:str}}/entry.json", guards=_exports, sync_to_thread=True)
def download_entry(request: _Request, uid: FromPath[str]) -> Response[bytes]:
    """The entry's own bytes, from which its leaf is hashed."""
    with engagement_work(request, Permission.EXPORT_AUDIT) as (unit, engagement):
        entry = entry_in(unit.session, engagement.id, uid)
    note_bytes(request, engagement.id, f"Audit entry {uid}", entry.data)
    return attachment(entry.data, f"{uid}.json", "application/json")


@get(f"{AUDIT}/{{uid:str}}/checkpoint", guards=_exports, sync_to_thread=True)
def download_checkpoint(request: _Request, uid: FromPath[str]) -> Response[bytes]:
    """The signed checkpoint that covers the entry, with the cosignatures of witnesses."""
    with engagement_work(request, Permission.EXPORT_AUDIT) as (unit, engagement):
        checkpoint = _covering(unit.session, entry_in(unit.session, engagement.id, uid))
        data = cosigned_note(unit.session, checkpoint).encode()
    note_bytes(request, engagement.id, f"Checkpoint of {checkpoint.size} entries", data)
    return attachment(data, f"checkpoint-{checkpoint.size}.txt", _TEXT)


@get(f"{AUDIT}/{{uid:str}}/proof", guards=_exports, sync_to_thread=True)
def download_proof(request: _Request, uid: FromPath[str]) -> Response[bytes]:
    """The proof file (C2SP tlog-proof), with the entry in it."""
    with engagement_work(request, Permission.EXPORT_AUDIT) as (unit, engagement):
        checkpoint = _covering(unit.session, entry_in(unit.session, engagement.id, uid))
        data = proof_of(unit.session, uid, checkpoint.size).text.encode()
    note_bytes(request, engagement.id, f"Proof of audit entry {uid}", data)
    return attachment(data, f"{uid}.tlog-proof", _TEXT)


def _covering(session: Session, entry: AuditEntry) -> AuditCheckpoint:
    found = None
    if entry.leaf_index is not None:
        found = first_checkpoint_over(session, entry.leaf_index)
    if found is None:
        raise Conflict("the entry is not under a checkpoint yet; ask again in a moment")
    return found


ROUTER = Router(
    "/", route_handlers=[download_entries, download_entry, download_checkpoint, download_proof]
)
