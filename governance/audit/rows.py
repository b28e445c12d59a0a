"""Which rows a transaction changed, and digests of rows as they stand.

An entry names every row that its change touched with the digest of the row's content. So a row
that was altered behind the application's back is found: its latest digest is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Enum,
    MetaData,
    String,
    Table,
    event,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy.orm import Mapper, Session, UOWTransaction

from governance.audit.entries import plain_value
from governance.audit.models import NOT_AUDITED
from governance.tables import canonical_json, digest

RowKey = tuple[str, str]
"""Table and primary key."""
ChangedRow = tuple[str, str, str | None]
"""Table, primary key, and the digest of the row, None where it was deleted."""
_CHANGED = "changed_rows"


def is_audited(table: Table) -> bool:
    """Whether changes to the table's rows must be in the log."""
    return NOT_AUDITED not in table.info


def row_digest(values: Mapping[str, Any]) -> str:
    """SHA-256 of a row's content as canonical JSON."""
    return digest(canonical_json(stated_row(values)))


def stated_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row's content as it is hashed: bytes by their digests, empty columns left out.

    So a column that is added later changes no digest.
    """
    return {name: _stated(value) for name, value in values.items() if value is not None}


def stated_object(row: object) -> tuple[RowKey, dict[str, Any]]:
    """Table and key of a mapped row, and its content as it is hashed."""
    mapper: Mapper[Any] = inspect(type(row))
    key = _joined(mapper.primary_key_from_instance(row))
    return (str(mapper.local_table), key), stated_row(_values(row))


def _stated(value: Any) -> Any:
    if isinstance(value, (bytes, memoryview)):
        return digest(bytes(value))
    if isinstance(value, datetime) and value.tzinfo is None:
        return plain_value(value.replace(tzinfo=UTC))
    return plain_value(value)


def row_digests(session: Session, metadata: MetaData) -> Iterator[tuple[RowKey, str]]:
    """Every row of every audited table with its digest, as it stands in the database."""
    for table in metadata.sorted_tables:
        if not is_audited(table):
            continue
        keys = [column.name for column in table.primary_key]
        columns = [as_stored(column) for column in table.columns]
        streamed = select(*columns).execution_options(yield_per=1000)
        for row in session.execute(streamed).mappings():
            values = {str(name): value for name, value in row.items()}
            yield (table.name, _joined(values[key] for key in keys)), row_digest(values)


def as_stored(column: Column[Any]) -> ColumnElement[Any]:
    """An enum's text as it stands, whether or not the enum has such a value."""
    if isinstance(column.type, Enum):
        return type_coerce(column, String).label(column.name)
    return column


def take_changed_rows(session: Session) -> list[ChangedRow]:
    """The rows changed since the last call, by table and key."""
    session.flush()
    changed: dict[RowKey, object] = session.info.pop(_CHANGED, {})
    taken: list[ChangedRow] = []
    for (table, key), row in sorted(changed.items(), key=lambda one: one[0]):
        if row is None:
            taken.append((table, key, None))
        elif inspect(row).persistent:
            taken.append((table, key, row_digest(_values(row))))
    return taken


def has_changed_rows(session: Session) -> bool:
    """Whether rows changed that no entry names yet."""
    return bool(session.info.get(_CHANGED))


def _values(row: object) -> dict[str, Any]:
    mapper: Mapper[Any] = inspect(type(row))
    return {column.name: getattr(row, key) for key, column in _columns(mapper)}


def _columns(mapper: Mapper[Any]) -> list[tuple[str, Any]]:
    return [(one.key, one.columns[0]) for one in mapper.column_attrs]


def _key_of_object(row: object) -> RowKey | None:
    """Table and key of a changed object; None where its table is not audited."""
    mapper: Mapper[Any] = inspect(type(row))
    table = mapper.local_table
    if not isinstance(table, Table) or not is_audited(table):
        return None
    return table.name, _joined(mapper.primary_key_from_instance(row))


def _joined(parts: Any) -> str:
    return "/".join(str(part) for part in parts)


def _note_changes(session: Session, _context: UOWTransaction) -> None:
    changed: dict[RowKey, object] = session.info.setdefault(_CHANGED, {})
    for row in (*session.new, *(one for one in session.dirty if session.is_modified(one))):
        if (key := _key_of_object(row)) is not None:
            changed[key] = row
    for row in session.deleted:
        if (key := _key_of_object(row)) is not None:
            changed[key] = None


def _forget_changes(session: Session) -> None:
    session.info.pop(_CHANGED, None)


event.listen(Session, "after_flush", _note_changes)
event.listen(Session, "after_rollback", _forget_changes)
