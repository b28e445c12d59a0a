"""What every table shares: constraint names, key and time columns, enums as text, exact bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar

import rfc8785
from sqlalchemy import BigInteger, DateTime, Dialect, Enum, Integer, MetaData, String, TypeDecorator
from sqlmodel import Field, SQLModel

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    """Base of all tables; every constraint has a name, so that a migration can address it."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=_NAMES)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always aware and in UTC; SQLite would hand it back without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 (SQLAlchemy's signature)
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 (SQLAlchemy's signature)
    ) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only where the key's type is INTEGER."""
Sha256 = String(64)
Currency = String(3)


def row_key() -> Any:
    """The primary key, numbered by the database."""
    return Field(default=None, primary_key=True, sa_type=BigKey)


def row_of(column: str, *, index: bool = True) -> Any:
    """A required reference to another table's row, which can't be deleted while referred to."""
    return Field(foreign_key=column, sa_type=BigKey, index=index, ondelete="RESTRICT")


def maybe_row_of(column: str) -> Any:
    """The same, where the reference may be absent."""
    return Field(default=None, foreign_key=column, sa_type=BigKey, index=True, ondelete="RESTRICT")


def text_of(enum: type[StrEnum], name: str) -> Enum:
    """An enum stored as its value in text, with a CHECK constraint called `name`."""
    return _enum(enum, name=name, create_constraint=True)


def open_text_of(enum: type[StrEnum]) -> Enum:
    """The same without CHECK, for enums that grow with every feature."""
    return _enum(enum, create_constraint=False)


def _enum(enum: type[StrEnum], **options: Any) -> Enum:
    return Enum(
        enum,
        native_enum=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
        **options,
    )


def canonical_json(value: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """RFC 8785 bytes of a document, so that equal documents have equal digests.

    Decimals must already be strings; floats and large integers are refused.
    """
    return rfc8785.dumps(value)


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(data).hexdigest()
