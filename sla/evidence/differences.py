"""How a corrected table differs from the one that counts, row by row."""

# ruff: noqa: S608 (Names come from the dataset definitions, paths pass through sql.glob_literal.)

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sla.evidence.datasets import DATASETS, Dataset
from sla.evidence.hand_in import MEMORY_LIMIT, working_database
from sla.evidence.sql import absent, glob_literal, identifier, literal
from sla.evidence.values import EvidenceFile

EXAMPLES = 10
"""Differing rows listed a table and kind."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that differs."""

    kind: str
    """"added", "removed" or "changed"."""
    row: str
    """Its key, or all its values where the dataset has no key."""
    changes: tuple[tuple[str, str, str], ...] = ()
    """For a changed row: column, before and after, as text."""


@dataclass(frozen=True, slots=True)
class TableDifference:
    """What one table's correction does to its rows."""

    dataset: str
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    """0 where the dataset has no key: a changed row is a removed and an added one there."""
    examples: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A table that counts and the one that would take its place."""

    before: EvidenceFile
    after: EvidenceFile


@dataclass(frozen=True, slots=True)
class Comparing:
    """What a process of its own needs to compare tables."""

    pairs: tuple[Pair, ...]
    memory_limit: str = MEMORY_LIMIT


@dataclass(frozen=True, slots=True)
class Compared:
    """The differences, by dataset."""

    tables: tuple[TableDifference, ...]


def compare_tables(comparing: Comparing) -> Compared:
    """The differences of each pair, in its order."""
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as folder,
        working_database(Path(folder), comparing.memory_limit) as connection,
    ):
        return Compared(tuple(_difference(connection, pair) for pair in comparing.pairs))


def _difference(connection: duckdb.DuckDBPyConnection, pair: Pair) -> TableDifference:
    dataset = DATASETS[pair.after.dataset]
    for name, file in (("earlier", pair.before), ("later", pair.after)):
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS {_rows(connection, dataset, file)}"
        )
    kinds = _keyed(connection, dataset) if dataset.key else _bare(connection, dataset)
    (added, removed, changed), examples = kinds
    return TableDifference(
        dataset.name, pair.before.rows, pair.after.rows, added, removed, changed, examples
    )


def _rows(connection: duckdb.DuckDBPyConnection, dataset: Dataset, file: EvidenceFile) -> str:
    """All columns of the dataset as text, those that an older file lacks as NULL."""
    relation = f"read_parquet({glob_literal(str(file.path.absolute()))})"
    held = {row[0] for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()}
    columns = ", ".join(
        f"CAST({identifier(each.name) if each.name in held else absent(each)} AS VARCHAR)"
        f" AS {identifier(each.name)}"
        for each in dataset.columns
    )
    return f"SELECT {columns} FROM {relation}"


_Found = tuple[tuple[int, int, int], tuple[Difference, ...]]


def _keyed(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> _Found:
    key = ", ".join(identifier(name) for name in dataset.key)
    others = [name for name in dataset.column_names if name not in dataset.key]
    differ = " OR ".join(
        f"a.{identifier(name)} IS DISTINCT FROM b.{identifier(name)}" for name in others
    )
    first = identifier(dataset.key[0])
    joined = f"earlier AS a FULL JOIN later AS b USING ({key})"
    kind = (
        f"CASE WHEN a.{first} IS NULL THEN 'added' WHEN b.{first} IS NULL THEN 'removed' "
        "ELSE 'changed' END"
    )
    shown = f"concat_ws(', ', {key})"
    changes = ", ".join(
        f"CASE WHEN a.{identifier(name)} IS DISTINCT FROM b.{identifier(name)} THEN "
        f"[{literal(name)}, coalesce(a.{identifier(name)}, ''), coalesce(b.{identifier(name)}, '')]"
        " END"
        for name in others
    )
    query = (
        f"SELECT {kind} AS kind, {shown} AS shown, "
        f"list_filter([{changes}], lambda x: x IS NOT NULL) AS changes FROM {joined} "
        f"WHERE a.{first} IS NULL OR b.{first} IS NULL OR {differ}"
    )
    return _collected(connection, query)


def _bare(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> _Found:
    """Rows without a key are compared as a whole, as often as they occur."""
    columns = ", ".join(identifier(name) for name in dataset.column_names)
    shown = f"concat_ws(', ', {columns})"
    none = "CAST([] AS VARCHAR[][])"
    query = (
        f"SELECT 'added' AS kind, {shown} AS shown, {none} AS changes "
        "FROM (FROM later EXCEPT ALL FROM earlier) UNION ALL "
        f"SELECT 'removed', {shown}, {none} FROM (FROM earlier EXCEPT ALL FROM later)"
    )
    return _collected(connection, query)


def _collected(connection: duckdb.DuckDBPyConnection, query: str) -> _Found:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE differing AS {query}")
    counted = dict(
        connection.execute("SELECT kind, count(*) FROM differing GROUP BY kind").fetchall()
    )
    rows = connection.execute(
        "SELECT kind, shown, changes FROM differing "
        "QUALIFY row_number() OVER (PARTITION BY kind ORDER BY shown) <= $1 ORDER BY kind, shown",
        [EXAMPLES],
    ).fetchall()
    examples = tuple(
        Difference(kind, shown, tuple((name, old, new) for name, old, new in changes))
        for kind, shown, changes in rows
    )
    counts = (counted.get("added", 0), counted.get("removed", 0), counted.get("changed", 0))
    return counts, examples


def pairs_of(known: Sequence[EvidenceFile], files: Sequence[EvidenceFile]) -> tuple[Pair, ...]:
    """The tables that take the place of another with other rows."""
    counting = {file.dataset: file for file in known}
    return tuple(
        Pair(counting[file.dataset], file)
        for file in files
        if file.dataset in counting and counting[file.dataset].sha256 != file.sha256
    )
