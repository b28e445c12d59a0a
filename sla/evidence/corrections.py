"""What a corrected table does to the tables that count already."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from sla.evidence.checks import Known, Tables, good
from sla.evidence.datasets import DATASETS, Column
from sla.evidence.sql import glob_literal, identifier
from sla.evidence.staging import Staged
from sla.evidence.values import EvidenceFile, Finding

SHRUNK = 2
"""A table that replaces one with more than so many times its rows stands out."""


def correction_findings(
    connection: duckdb.DuckDBPyConnection, tables: Tables, known: Known
) -> tuple[Finding, ...]:
    """Findings on tables that shrink, and on what refers to rows that they don't hold any more.

    Rejected rows count as not held. The tables must have been checked.
    """
    return (*_shrunk(connection, tables, known), *_orphans(connection, tables, known))


def _shrunk(
    connection: duckdb.DuckDBPyConnection, tables: Tables, known: Known
) -> Iterator[Finding]:
    for name, staged in tables.items():
        if name not in known:
            continue
        before = known[name].rows
        now = _count(connection, f"FROM {staged.table} WHERE {good(connection, staged)}")
        if now * SHRUNK < before:
            verb = "takes" if now == 1 else "take"
            message = f"{_rows(now)} of {name} {verb} the place of {before:,}"
            yield Finding("table_shrinks", message, name)


def _orphans(
    connection: duckdb.DuckDBPyConnection, tables: Tables, known: Known
) -> Iterator[Finding]:
    for name, child in known.items():
        if name in tables or not child.path.is_file():
            continue
        for column in DATASETS[name].columns:
            parent = tables.get(column.refers_to)
            orphans = _astray(connection, child, column, parent) if parent else 0
            if orphans:
                verb = "refers" if orphans == 1 else "refer"
                message = (
                    f"{_rows(orphans)} of {name} {verb} to {column.refers_to} that this file "
                    f"doesn't hold"
                )
                yield Finding("references_orphaned", message, name)


def _astray(
    connection: duckdb.DuckDBPyConnection, child: EvidenceFile, column: Column, parent: Staged
) -> int:
    relation = f"read_parquet({glob_literal(str(child.path.absolute()))})"
    described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    if column.name not in {row[0] for row in described}:
        return 0
    name, key = identifier(column.name), identifier(parent.dataset.key[0])
    held = f"SELECT {key} FROM {parent.table} WHERE {good(connection, parent)}"
    return _count(
        connection,
        f"FROM {relation} WHERE {name} IS NOT NULL "
        f"AND {name} NOT IN ({held} AND {key} IS NOT NULL)",
    )


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(f"SELECT count(*) {query}").fetchone()
    return int(row[0]) if row else 0


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
