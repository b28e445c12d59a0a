"""Corrected rows put in the place of the rejected ones, so that the whole file is read anew."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from governance.errors import BadInput, Problem
from sla.evidence.quarantine import OWN_COLUMNS, ROW_COLUMN, decoded, numbered
from sla.evidence.sources import ROW, Opening, Source, open_source, repaired

_LISTED = 20


@dataclass(frozen=True, slots=True)
class Fixes:
    """Corrected rows of one file, as they were handed in."""

    corrects: str
    """Name of the file that the rows belong to."""
    path: Path
    name: str
    """What messages call them."""


def with_fixes(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    fixes: Sequence[Fixes],
    workspace: Path,
) -> Source:
    """The source with each corrected row in its place; later corrections outweigh earlier ones.

    Raises BadInput where corrections lack columns, name rows that the file doesn't have or name
    one twice, or hold what the column's type in a Parquet file can't.
    """
    whole = repaired(source, workspace) if source.dialect is not None else source
    table = f"whole_{source.sha256}"
    relation, row = numbered(connection, whole, table)
    columns = ", ".join(whole.columns.values())
    merged = f"merged_{source.sha256}"
    connection.execute(
        f"CREATE OR REPLACE TABLE {merged} AS SELECT {row} AS {ROW}, {columns} FROM {relation}"
    )
    taken: set[int] = set()
    for number, each in enumerate(fixes):
        fixed = _load(connection, whole, each, workspace, f"fixes_{number}_{source.sha256}")
        taken |= _replace(connection, whole, merged, fixed, each)
    ordered = f"(SELECT * FROM {merged} ORDER BY {ROW})"
    left = tuple(one for one in whole.broken if one.row not in taken)
    return replace(whole, relation=ordered, numbered=True, broken=left)


def _load(
    connection: duckdb.DuckDBPyConnection, whole: Source, fixes: Fixes, workspace: Path, table: str
) -> str:
    """The corrected rows in a table: their number and the source's columns, typed as there."""
    expected = frozenset({*whole.columns, *OWN_COLUMNS})
    opened = open_source(fixes.path, workspace, Opening(expected=expected), fixes.name)
    if opened.dialect is not None:
        opened = repaired(opened, workspace)
    problems = [*_missing(whole, opened, fixes), *_broken(opened)]
    if problems:
        raise BadInput(problems)
    loaded, line = numbered(connection, opened, f"loaded_{table}")
    kept = ", ".join(
        f"{_text(opened, name)} AS fixed_text_{place}" for place, name in enumerate(whole.columns)
    )
    number = opened.columns[ROW_COLUMN]
    connection.execute(
        f"CREATE OR REPLACE TABLE texts_{table} AS SELECT {line} AS fixed_line, "
        f"CAST({number} AS VARCHAR) AS fixed_stated, TRY_CAST({number} AS BIGINT) AS {ROW}, {kept} "
        f"FROM {loaded}"
    )
    typed = ", ".join(
        f"{_cast(place, whole.types[name])} AS {column}"
        for place, (name, column) in enumerate(whole.columns.items())
    )
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT *, {typed} FROM texts_{table}")
    _leave_unread(connection, whole, table)
    return table


def _leave_unread(connection: duckdb.DuckDBPyConnection, whole: Source, table: str) -> None:
    """Take out lines that couldn't be read and came back as the download had them, empty."""
    unread = ", ".join(str(one.row) for one in whole.broken)
    if unread:
        empty = " AND ".join(f"fixed_text_{place} IS NULL" for place in range(len(whole.columns)))
        connection.execute(f"DELETE FROM {table} WHERE {ROW} IN ({unread}) AND {empty}")


def _text(opened: Source, name: str) -> str:
    column = opened.columns[_heading_of(opened, name)]
    text = column if opened.text else f"CAST({column} AS VARCHAR)"
    return f"nullif({decoded(text)}, '')"


def _heading_of(opened: Source, name: str) -> str:
    """The heading as the download wrote it, where it had to be made harmless."""
    return name if name in opened.columns else f"'{name}"


def _cast(place: int, sql_type: str) -> str:
    text = f"fixed_text_{place}"
    return text if sql_type == "VARCHAR" else f"TRY_CAST({text} AS {sql_type})"


def _missing(whole: Source, opened: Source, fixes: Fixes) -> list[Problem]:
    wanted = [*whole.columns, ROW_COLUMN]
    missing = [name for name in wanted if _heading_of(opened, name) not in opened.columns]
    allowed = "the columns of the download, so that each row can be put in its place"
    return [
        Problem(f"the column '{name}' is missing", fixes.name, column=name, allowed=allowed)
        for name in missing
    ]


def _broken(opened: Source) -> list[Problem]:
    return [
        Problem(one.reason, one.file, line=one.line, row=one.row, found=one.value)
        for one in opened.broken[:_LISTED]
    ]


def _replace(
    connection: duckdb.DuckDBPyConnection, whole: Source, merged: str, fixed: str, fixes: Fixes
) -> set[int]:
    """Put the rows in their places; answers with their numbers."""
    problems = [
        *_astray(connection, whole, merged, fixed, fixes),
        *_twice(connection, fixed, fixes),
        *_untypable(connection, whole, fixed, fixes),
    ]
    if problems:
        raise BadInput(problems)
    columns = ", ".join(whole.columns.values())
    connection.execute(f"DELETE FROM {merged} WHERE {ROW} IN (SELECT {ROW} FROM {fixed})")
    connection.execute(
        f"INSERT INTO {merged} ({ROW}, {columns}) SELECT {ROW}, {columns} FROM {fixed}"
    )
    return {row for (row,) in connection.execute(f"SELECT {ROW} FROM {fixed}").fetchall()}


def _astray(
    connection: duckdb.DuckDBPyConnection, whole: Source, merged: str, fixed: str, fixes: Fixes
) -> list[Problem]:
    broken = ", ".join(str(one.row) for one in whole.broken) or "NULL"
    found = connection.execute(
        f"SELECT fixed_line, fixed_stated FROM {fixed} WHERE {ROW} IS NULL OR NOT "
        f"({ROW} IN (SELECT {ROW} FROM {merged}) OR coalesce({ROW} IN ({broken}), false)) "
        f"ORDER BY fixed_line LIMIT {_LISTED}"
    ).fetchall()
    allowed = "the number of the row as the download has it"
    what = f"this isn't a row of {fixes.corrects}"
    return [
        Problem(what, fixes.name, row=line, column=ROW_COLUMN, found=stated or "", allowed=allowed)
        for line, stated in found
    ]


def _twice(connection: duckdb.DuckDBPyConnection, fixed: str, fixes: Fixes) -> list[Problem]:
    found = connection.execute(
        f"SELECT {ROW}, count(*) FROM {fixed} WHERE {ROW} IS NOT NULL "
        f"GROUP BY {ROW} HAVING count(*) > 1 ORDER BY {ROW} LIMIT {_LISTED}"
    ).fetchall()
    what = "the same row is corrected twice"
    return [
        Problem(what, fixes.name, column=ROW_COLUMN, found=str(row), allowed="one line for each")
        for row, _ in found
    ]


def _untypable(
    connection: duckdb.DuckDBPyConnection, whole: Source, fixed: str, fixes: Fixes
) -> list[Problem]:
    """Values that a typed file could never have held."""
    problems: list[Problem] = []
    for place, (name, column) in enumerate(whole.columns.items()):
        if whole.types[name] == "VARCHAR":
            continue
        text = f"fixed_text_{place}"
        found = connection.execute(
            f"SELECT fixed_line, {text} FROM {fixed} "
            f"WHERE {text} IS NOT NULL AND {column} IS NULL LIMIT {_LISTED}"
        ).fetchall()
        what, allowed = "can't stand in this column", f"{whole.types[name]}, as in the file"
        problems += [
            Problem(what, fixes.name, row=line, column=name, found=written, allowed=allowed)
            for line, written in found
        ]
    return problems
