"""Puts a row into every table that has none, whatever the table is for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Enum, LargeBinary, TypeDecorator, func, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import Session

from governance.audit.rows import is_audited
from governance.tenancy.rules import mapped_classes, table_of
from tests.factories import NOW

_TOGETHER: dict[str, dict[str, Any]] = {
    "credit_note": {"payable_minor": 0},
    "dispute": {"position": 1},
    "late_charge": {"invoice_id": 1},
    "provider_invoice_contest": {"credited_by": ""},
}
"""By table, values that the usual ones of the other columns ask for."""


def fill_empty_tables(session: Session) -> None:
    """One row in each audited table, with made-up values that the columns allow."""
    classes = {table_of(one).name: one for one in mapped_classes()}
    tables = next(iter(classes.values())).metadata.sorted_tables
    for table in tables:
        if not is_audited(table) or _has_rows(session, table):
            continue
        values = {one.name: _value(session, one) for one in table.columns if _is_needed(one)}
        session.add(classes[table.name](**values | _TOGETHER.get(table.name, {})))
        session.flush()


def _has_rows(session: Session, table: SqlTable) -> bool:
    return bool(session.execute(select(func.count()).select_from(table)).scalar_one())


def _is_needed(column: Column[Any]) -> bool:
    return not column.nullable and not (column.primary_key and not column.foreign_keys)


def _value(session: Session, column: Column[Any]) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return session.execute(select(func.max(key.column))).scalar_one()
    if isinstance(column.type, Enum):
        return next(iter(column.type.enum_class or column.type.enums))
    if isinstance(column.type, LargeBinary):
        return b"made up"
    text = "made up"[: getattr(column.type, "length", None)]
    made = {str: text, int: 7, bool: True, datetime: NOW, date: NOW.date()}
    return made[python_type(column)]


def python_type(column: Column[Any]) -> type[Any]:
    """What a column's values are in Python."""
    kind = column.type
    return kind.impl_instance.python_type if isinstance(kind, TypeDecorator) else kind.python_type
