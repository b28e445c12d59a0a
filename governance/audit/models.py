"""The tables of the transparency log. Rows of a log are only ever added."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, Text
from sqlmodel import Field

from governance.tables import Table, UtcDateTime, maybe_row_of, open_text_of, row_key

NOT_AUDITED = "not_audited"
"""Key of a table's `info`: why changes to its rows are no entries of the log."""


class Action(StrEnum):
    """What happened, `subject:action`."""

    USER_CREATED = "user:created"
    USER_PASSWORD_SET = "user:password_set"  # noqa: S105 (names an action)
    USER_DEACTIVATED = "user:deactivated"
    USER_SIGNED_IN = "user:signed_in"
    USER_SIGN_IN_REFUSED = "user:sign_in_refused"
    USER_SIGNED_OUT = "user:signed_out"
    USER_ERASED = "user:erased"
    MEMBER_ADDED = "member:added"
    MEMBER_REMOVED = "member:removed"
    ENGAGEMENT_CREATED = "engagement:created"
    CONTRACT_ADDED = "contract:added"
    EVIDENCE_ACCEPTED = "evidence:accepted"
    EVIDENCE_REJECTED = "evidence:rejected"
    PERIOD_SETTLED = "period:settled"
    LOG_EXPORTED = "log:exported"
    INVOICE_ISSUED = "invoice:issued"
    ROWS_CHANGED = "rows:changed"
    """Rows that changed in a transaction whose service named no change of its own."""
    SCHEMA_MIGRATED = "schema:migrated"
    """Rows as they stand after the schema changed; also those from before the log began."""


def _own_table(*constraints: Index) -> tuple[Index | dict[str, dict[str, str]], ...]:
    return (*constraints, {"info": {NOT_AUDITED: "it is the log itself"}})


class AuditEntry(Table, table=True):
    """One entry: the bytes that count, and beside them what is needed to find it."""

    __tablename__ = "audit_entry"
    __table_args__ = _own_table(
        Index("ix_audit_entry_subject_kind_subject_id", "subject_kind", "subject_id")
    )

    id: int = row_key()
    uid: str = Field(sa_type=String(32), unique=True)
    """The entry's own id, which also stands in its bytes."""
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor_id: int | None = maybe_row_of("user_account.id")
    """None for the command line and for strangers at the door."""
    action: Action = Field(sa_type=open_text_of(Action))
    engagement_id: int | None = maybe_row_of("engagement.id")
    subject_kind: str = Field(sa_type=Text)
    """Table of what was changed."""
    subject_id: str = Field(sa_type=Text)
    data: bytes = Field(sa_type=LargeBinary)
    """RFC 8785 bytes, from which the leaf is hashed."""
    leaf_index: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    """Place in the tree, None until the sequencer has given one."""


class AuditNode(Table, table=True):
    """Hash of one complete subtree; level 0 are the leaves."""

    __tablename__ = "audit_node"
    __table_args__ = _own_table()

    level: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    position: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    hash: bytes = Field(sa_type=LargeBinary)


class AuditCheckpoint(Table, table=True):
    """A checkpoint that was signed."""

    __tablename__ = "audit_checkpoint"
    __table_args__ = _own_table()

    size: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    root: bytes = Field(sa_type=LargeBinary)
    note: str = Field(sa_type=Text)
    """The signed note, to the byte."""
    signed_at: datetime = Field(sa_type=UtcDateTime)


class AuditHead(Table, table=True):
    """The one row whose lock a sequencer holds."""

    __tablename__ = "audit_head"
    __table_args__ = _own_table()

    id: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    size: int = Field(sa_type=BigInteger)
    root: bytes = Field(sa_type=LargeBinary)


class AuditPersonalValue(Table, table=True):
    """A value about a person that entries commit to, with the key of the commitment.

    Deleting the row erases the value; the entries stay provable.
    """

    __tablename__ = "audit_personal_value"
    __table_args__ = _own_table()

    ref: str = Field(primary_key=True, sa_type=String(32))
    """What entries call the value."""
    person_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    """The user whose data it is; no foreign key, as it must outlive nothing."""
    value: str = Field(sa_type=Text)
    key: bytes = Field(sa_type=LargeBinary)
