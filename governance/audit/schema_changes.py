"""After the schema changed: the log learns how every row stands now."""

from __future__ import annotations

from sqlalchemy import MetaData, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.entries import decode_entry
from governance.audit.models import Action, AuditEntry
from governance.audit.rows import ChangedRow, RowKey, row_digests
from governance.audit.service import Change, record_rows


def record_migration(session: Session, actor: Actor, metadata: MetaData, revision: str) -> None:
    """Record the rows that a migration changed, or that are older than the log.

    It takes the rows as they are: check the log before an upgrade, not after.
    """
    known = _last_digests(session)
    changed: list[ChangedRow] = []
    for key, digest in row_digests(session, metadata):
        if known.pop(key, None) != digest:
            changed.append((*key, digest))
    if changed:
        change = Change(Action.SCHEMA_MIGRATED, "schema", revision, f"revision {revision}")
        record_rows(session, actor, change, changed)


def _last_digests(session: Session) -> dict[RowKey, str | None]:
    """By row, what the last entry that names it says."""
    entries = session.scalars(select(col(AuditEntry.data)).order_by(col(AuditEntry.id)))
    return {
        (table, key): digest
        for data in entries.yield_per(1000)
        for table, key, digest in decode_entry(data)["rows"]
    }
