"""Source rows as typed rows of a dataset, each with what is wrong with it."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from sla.evidence.datasets import Dataset, Kind
from sla.evidence.instants import utc_name
from sla.evidence.mapping import Mapped
from sla.evidence.sources import ROW, Source
from sla.evidence.sql import identifier, literal

_UNCHECKED = {Kind.IDENTIFIER, Kind.TEXT}
"""Kinds whose text can't be wrong, unless an import profile states what is accepted."""
ORDER_FAULT = " before "
"""Stands between two column names in the name of an order fault."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A dataset's rows in a table of the working database."""

    dataset: Dataset
    source: Source
    mapped: tuple[Mapped, ...]
    row: str
    """SQL of the source file's data row."""
    dimension: bool = False
    """Whether a row stands for all equal rows of the source file."""

    @property
    def table(self) -> str:
        """Name of the table: the dataset's columns and `faults`."""
        return f"stage_{self.dataset.name}"

    @property
    def instants(self) -> tuple[str, ...]:
        """The columns that hold the instants of timestamps written with an offset."""
        return tuple(utc_name(each.column.name) for each in self.mapped if each.instant)

    @property
    def rejected(self) -> str:
        """Name of the table of rejected rows, filled by the checks."""
        return f"rejected_{self.dataset.name}"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one dataset, in SQL."""

    dataset: Dataset
    mapped: Sequence[Mapped]
    relation: str
    row: str = ""
    """Data row of the source file, empty where the order alone gives it."""
    dimension: bool = False


def stage(connection: duckdb.DuckDBPyConnection, source: Source, rows: Rows) -> Staged:
    """Read rows into a typed table in one pass, in their order.

    A row with faults keeps their names, and what was written, in its column `faults`.
    Raises duckdb.Error where the source can't be read to its end.
    """
    row = ROW if rows.row else "rowid + 1"
    staged = Staged(rows.dataset, source, tuple(rows.mapped), row, rows.dimension)
    connection.execute(f"CREATE OR REPLACE TABLE {staged.table} AS {_select(rows)}")
    connection.execute(
        f"CREATE OR REPLACE TABLE {staged.rejected} "
        '(id BIGINT, "row" BIGINT, fault VARCHAR, "value" VARCHAR, kind VARCHAR, first_row BIGINT)'
    )
    return staged


def _select(rows: Rows) -> str:
    numbered = f"{rows.row} AS {ROW}, " if rows.row else ""
    inner = ", ".join(
        f"{entry.value} AS {identifier(entry.column.name)}, "
        f"{entry.given} AS given_{number}, {entry.raw} AS raw_{number}"
        + (f", {entry.instant} AS instant_{number}" if entry.instant else "")
        for number, entry in enumerate(rows.mapped)
    )
    faults = dict(_faults(rows))
    bad = " OR ".join(f"({condition})" for condition in faults.values())
    named = ", ".join(
        f"CASE WHEN {found} THEN {{'name': {literal(name)}, 'value': {_raw_of(name, rows)}}} END"
        for name, found in faults.items()
    )
    columns = ", ".join(
        [
            *map(identifier, rows.dataset.column_names),
            *(
                f"instant_{number} AS {identifier(utc_name(entry.column.name))}"
                for number, entry in enumerate(rows.mapped)
                if entry.instant
            ),
        ]
    )
    return (
        f"SELECT {ROW + ', ' if rows.row else ''}{columns}, "
        f"CASE WHEN {bad} THEN [{named}] END AS faults "
        f"FROM (SELECT {numbered}{inner} FROM {rows.relation})"
    )


def _raw_of(fault: str, rows: Rows) -> str:
    column = fault.partition(ORDER_FAULT)[0]
    names = [entry.column.name for entry in rows.mapped]
    return f"raw_{names.index(column)}"


def _faults(rows: Rows) -> Iterator[tuple[str, str]]:
    """Each possible fault of a row: its name and the SQL that finds it."""
    for number, entry in enumerate(rows.mapped):
        name = entry.column.name
        if entry.column.required:
            yield name, f"{identifier(name)} IS NULL"
        elif entry.given != "false" and (entry.column.kind not in _UNCHECKED or entry.expected):
            yield name, f"given_{number} AND {identifier(name)} IS NULL"
    for later, earlier in rows.dataset.not_before:
        condition = f"coalesce({identifier(later)} < {identifier(earlier)}, false)"
        yield f"{later}{ORDER_FAULT}{earlier}", condition
