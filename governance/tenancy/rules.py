"""To which engagement the rows of a table belong: every table says it, or says why to none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Table as SqlTable
from sqlalchemy import inspect
from sqlalchemy.orm import Mapper

from governance.tables import Table

_ENGAGEMENT = "engagement_id"


class TenancyError(RuntimeError):
    """A mistake of the program, never of a user: rows would be touched that nobody asked for."""


class Undeclared(TenancyError):
    """A table says neither to which engagement its rows belong nor why to none."""


@dataclass(frozen=True, slots=True)
class Own:
    """The rows name their engagement themselves."""

    column: str = _ENGAGEMENT


@dataclass(frozen=True, slots=True)
class Through:
    """The rows belong where the row belongs that a column refers to."""

    column: str
    parent: type[Table]


@dataclass(frozen=True, slots=True)
class NoTenant:
    """The rows belong to no engagement."""

    why: str


Rule: TypeAlias = Own | Through | NoTenant


def own(column: str) -> Own:
    """`__tenancy__` of a table whose `column` is the engagement's id.

    A table with a column `engagement_id` needs to say nothing.
    """
    return Own(column)


def through(column: str, parent: type[Table]) -> Through:
    """`__tenancy__` of a table whose `column` refers to a row of `parent`."""
    return Through(column, parent)


def no_tenant(why: str) -> NoTenant:
    """`__tenancy__` of a table that belongs to no engagement; `why` says what protects it."""
    return NoTenant(why)


def rule_of(mapped: type[Any]) -> Rule:
    """How the rows of a mapped class belong; Undeclared where the class doesn't say."""
    rule = declared_rule(mapped)
    if rule is None:
        raise Undeclared(
            f"{mapped.__name__} needs an engagement_id, or __tenancy__ = through(column, parent)"
            " or no_tenant(why)"
        )
    return rule


def declared_rule(mapped: type[Any]) -> Rule | None:
    """The same; None where the class doesn't say."""
    rule: Rule | None = getattr(mapped, "__tenancy__", None)
    return Own() if rule is None and _ENGAGEMENT in table_of(mapped).columns else rule


def mapped_classes() -> tuple[type[Table], ...]:
    """Every mapped class of the product that was imported so far."""
    return _mapped_classes(len(Table.metadata.tables))


@cache
def _mapped_classes(tables: int) -> tuple[type[Table], ...]:  # noqa: ARG001 (the cache's key)
    return tuple(one for one in _subclasses(Table) if inspect(one, raiseerr=False) is not None)


def _subclasses(base: type[Table]) -> Iterator[type[Table]]:
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)


def table_of(mapped: type[Any]) -> SqlTable:
    """The table of a mapped class."""
    mapper: Mapper[Any] = inspect(mapped)
    table = mapper.local_table
    if not isinstance(table, SqlTable):
        raise TypeError(f"{mapped.__name__} is mapped to no table")
    return table


def key_of(mapped: type[Any]) -> str:
    """The column of a table's primary key, to which others refer."""
    (key,) = table_of(mapped).primary_key
    return key.name


@cache
def rules_by_table(tables: int) -> dict[str, tuple[type[Table], Rule | None]]:  # noqa: ARG001 (the cache's key)
    """Class and rule by table name, for `tables` of them, without those of no tenant."""
    found = {table_of(one).name: (one, declared_rule(one)) for one in mapped_classes()}
    return {name: (one, rule) for name, (one, rule) in found.items() if not _is_free(rule)}


def _is_free(rule: Rule | None) -> bool:
    return isinstance(rule, NoTenant)
