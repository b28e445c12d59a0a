"""The audit log becomes a transparency log; what was recorded before becomes its first entries."""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import rfc8785
import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, row_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ENTRY = "id, uid, at, actor_id, action, engagement_id, subject_kind, subject_id, data"
_NEVER_CHANGED = ("audit_node", "audit_checkpoint")
_EVENT = (
    *("id", "actor_id", "actor_name", "action", "engagement_id", "subject_kind", "subject_id"),
    *("subject_label", "before", "after", "reason", "request_id"),
)
_PERSONAL_KINDS = frozenset({"user_account", "membership"})
_PERSONAL_FIELDS = frozenset({"email", "name"})


def upgrade() -> None:
    _entry()
    _node()
    _checkpoint()
    _head()
    _personal_value()
    _move_events()
    op.drop_table("audit_event")
    for table in (*_NEVER_CHANGED, "audit_entry", "audit_head"):
        _refuse(table, "DELETE")
        _refuse_truncation(table)
    for table in (*_NEVER_CHANGED, "audit_personal_value"):
        _refuse(table, "UPDATE")
    _refuse("audit_entry", "UPDATE", f" OF {_ENTRY}")
    _refuse("audit_entry", "UPDATE", " OF leaf_index", "OLD.leaf_index IS NOT NULL", "_again")
    _refuse("audit_head", "UPDATE", "", "NEW.size < OLD.size")


def _entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        row_of("audit_entry", "actor_id", "user_account", nullable=True),
        sa.Column("action", sa.String(40), nullable=False),
        row_of("audit_entry", "engagement_id", "engagement", nullable=True),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
        sa.UniqueConstraint("uid", name="uq_audit_entry_uid"),
        sa.UniqueConstraint("leaf_index", name="uq_audit_entry_leaf_index"),
    )
    for column in ("at", "actor_id", "engagement_id"):
        op.create_index(f"ix_audit_entry_{column}", "audit_entry", [column])
    op.create_index(
        "ix_audit_entry_subject_kind_subject_id", "audit_entry", ["subject_kind", "subject_id"]
    )


def _node() -> None:
    op.create_table(
        "audit_node",
        sa.Column("level", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("position", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name="pk_audit_node"),
    )


def _checkpoint() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_audit_checkpoint"),
    )


def _head() -> None:
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "root": sha256(b"").digest()}])


def _personal_value() -> None:
    op.create_table(
        "audit_personal_value",
        sa.Column("ref", sa.String(32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_audit_personal_value"),
    )
    op.create_index("ix_audit_personal_value_person_id", "audit_personal_value", ["person_id"])


def _move_events() -> None:
    """Each event becomes an entry with the same words; it says that it was moved."""
    connection = op.get_bind()
    moments = sa.column("at", MOMENT)
    events = sa.table("audit_event", moments, *(sa.column(name) for name in _EVENT))
    values = _PersonalValues()
    entries = [
        _moved(event, values)
        for event in connection.execute(sa.select(events).order_by(events.c.id)).mappings()
    ]
    _insert("audit_personal_value", values.rows, key=sa.LargeBinary(), value=sa.Text())
    _insert("audit_entry", entries, at=MOMENT, data=sa.LargeBinary())


def _insert(table: str, rows: list[dict[str, Any]], **types: sa.types.TypeEngine[Any]) -> None:
    if rows:
        columns = [sa.column(name, types.get(name, sa.types.NULLTYPE)) for name in rows[0]]
        op.bulk_insert(sa.table(table, *columns), rows)


class _PersonalValues:
    """The personal values of the moved events, each kept once for a person."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._kept: dict[tuple[int, str], dict[str, str]] = {}

    def committed(self, value: str, person: int | None) -> dict[str, str]:
        """What the entry states instead of the value."""
        if person is None:
            return self._keep(value, person)
        if (person, value) not in self._kept:
            self._kept[person, value] = self._keep(value, person)
        return self._kept[person, value]

    def _keep(self, value: str, person: int | None) -> dict[str, str]:
        ref, key = uuid4().hex, secrets.token_bytes(32)
        self.rows.append({"ref": ref, "person_id": person, "value": value, "key": key})
        commitment = hmac.digest(
            key, rfc8785.dumps({"person": person, "value": value}), "sha256"
        ).hex()
        return {"ref": ref, "alg": "HMAC-SHA256", "commitment": commitment}


def _moved(event: sa.RowMapping, values: _PersonalValues) -> dict[str, Any]:
    uid, at = uuid4().hex, _utc(event["at"])
    is_person = event["subject_kind"] in _PERSONAL_KINDS
    is_user = event["subject_kind"] == "user_account" and event["subject_id"].isdecimal()
    person = int(event["subject_id"]) if is_user else None
    name, label = event["actor_name"], event["subject_label"]
    actor_id = event["actor_id"]
    fields = {
        "v": 1,
        "id": uid,
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "tenant": event["engagement_id"],
        "actor": {
            "id": actor_id,
            "name": name if actor_id is None else values.committed(name, actor_id),
        },
        "action": event["action"],
        "subject": {
            "kind": event["subject_kind"],
            "id": event["subject_id"],
            "label": values.committed(label, person) if is_person else label,
        },
        "before": _fields(event["before"], is_person, person, values),
        "after": _fields(event["after"], is_person, person, values),
        "reason": event["reason"],
        "request": event["request_id"],
        "rows": [],
        "moved_from": f"audit_event/{event['id']}",
    }
    kept = ("actor_id", "action", "engagement_id", "subject_kind", "subject_id")
    return {"uid": uid, "at": at, "data": rfc8785.dumps(fields)} | {
        name: event[name] for name in kept
    }


def _fields(
    stored: str | None, is_person: bool, person: int | None, values: _PersonalValues
) -> dict[str, Any] | None:
    fields: dict[str, Any] | None = None if stored is None else json.loads(stored)
    if fields is None or not is_person:
        return fields
    return {
        name: values.committed(value, person) if name in _PERSONAL_FIELDS else value
        for name, value in fields.items()
    }


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, operation: str, of: str = "", when: str = "", suffix: str = "") -> None:
    condition = f"WHEN ({when})" if when else ""
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else "BEGIN SELECT RAISE(ABORT,"
        f" '{operation} of {table} is refused: rows are only ever added'); END"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_{operation.lower()}{suffix} BEFORE {operation}{of} ON {table}"
        f" FOR EACH ROW {condition} {action}"
    )


def _refuse_truncation(table: str) -> None:
    """SQLite has no TRUNCATE; on PostgreSQL it would pass the triggers of single rows by."""
    if _on_postgresql():
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
