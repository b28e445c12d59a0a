"""Checks that look beyond one row: keys, references, and what a rejected row takes with it."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from itertools import groupby

import duckdb

from sla.evidence.csv_records import lines_of
from sla.evidence.datasets import DATASETS, Column
from sla.evidence.reasons import (
    reason_follows,
    reason_not_before,
    reason_of,
    reason_repeated,
    reason_unknown,
)
from sla.evidence.sql import glob_literal, identifier, literal
from sla.evidence.staging import ORDER_FAULT, Staged
from sla.evidence.values import EvidenceFile, Finding, Rejection

LISTED = 1_000
"""Rejections listed a dataset; further ones are only counted."""
SHOWN_CHARACTERS = 200
"""Of a rejected value."""

Tables = Mapping[str, Staged]
Known = Mapping[str, EvidenceFile]
"""Tables by dataset that count already, so that references may lead to them."""


class _Kind(StrEnum):
    """What led to a rejection."""

    VALUE = "value"
    REPEATED = "repeated"
    SAME = "same"
    """Repeated with all its values."""
    UNKNOWN = "unknown"
    FOLLOWS = "follows"
    SAME_ROW = "same_row"
    """Another table derived from the same source row rejected it, and lists it."""


def check_tables(connection: duckdb.DuckDBPyConnection, tables: Tables, known: Known) -> None:
    """Fill the tables of rejected rows: faulty values, repeated keys, broken references.

    `tables` come in the order of `DATASETS`, so that a reference is checked after the rows
    that it leads to: what refers to a rejected row is rejected with it, however far. A
    reference to a dataset that isn't handed in now may lead to the one that is known.
    """
    for staged in tables.values():
        _reject_faulty(connection, staged)
        _reject_repeated(connection, staged)
    for staged in tables.values():
        _reject_source_rows(connection, staged, tables)
    for staged in tables.values():
        for column in staged.dataset.columns:
            if column.refers_to in tables:
                _reject_astray(connection, staged, column, tables[column.refers_to])
            elif column.refers_to in known:
                _reject_unknown(connection, staged, column, known[column.refers_to])


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return int(row[0]) if row else 0


def _reject_faulty(connection: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    connection.execute(
        f"INSERT INTO {staged.rejected} "
        f"SELECT id, source_row, fault.name, fault.value, '{_Kind.VALUE}', NULL "
        f"FROM (SELECT rowid AS id, {staged.row} AS source_row, unnest(faults) AS fault "
        f"FROM {staged.table} WHERE faults IS NOT NULL) WHERE fault IS NOT NULL"
    )


def _reject_repeated(connection: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """All rows of one key but the first are rejected."""
    if not staged.dataset.key:
        return
    key = ", ".join(identifier(name) for name in staged.dataset.key)
    given = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in staged.dataset.key)
    one = key if len(staged.dataset.key) == 1 else f"ROW({key})"
    # Counting distinct keys is several times cheaper than finding the repeated ones.
    counted = connection.execute(
        f"SELECT count(*) - count(DISTINCT {one}) FROM {staged.table} WHERE {given}"
    ).fetchone()
    if counted == (0,):
        return
    named = literal(staged.dataset.key[-1])
    # What can't be read is NULL in its column; its text stands among the faults.
    values = ", ".join([*map(identifier, staged.dataset.column_names), "faults"])
    first = f"OVER (PARTITION BY {key} ORDER BY rowid)"
    connection.execute(
        f"INSERT INTO {staged.rejected} "
        f"SELECT id, source_row, {named}, text, "
        f"CASE WHEN same THEN '{_Kind.SAME}' ELSE '{_Kind.REPEATED}' END, first_row FROM ("
        f"SELECT rowid AS id, {staged.row} AS source_row, "
        f"concat_ws(', ', {key}) AS text, "
        f"first_value({staged.row}) {first} AS first_row, "
        f"first_value(hash({values})) {first} = hash({values}) AS same "
        f"FROM {staged.table} WHERE {given}) WHERE source_row <> first_row"
    )


def _reject_source_rows(
    connection: duckdb.DuckDBPyConnection, staged: Staged, tables: Tables
) -> None:
    """A rejected row of a file is rejected in every table that is derived from it."""
    if staged.dimension:
        return
    for other in tables.values():
        if other is staged or other.source is not staged.source or other.dimension:
            continue
        connection.execute(
            f"INSERT INTO {staged.rejected} "
            f"SELECT rowid, {staged.row}, '', '', '{_Kind.SAME_ROW}', NULL FROM {staged.table} "
            f'WHERE {staged.row} IN (SELECT "row" FROM {other.rejected})'
        )


def _reject_astray(
    connection: duckdb.DuckDBPyConnection, staged: Staged, column: Column, target: Staged
) -> None:
    """Reject rows whose reference leads nowhere, or to a rejected row."""
    name = identifier(column.name)
    key = identifier(target.dataset.key[0])
    sound = f"SELECT {key} AS key FROM {target.table} WHERE {good(connection, target)}"
    astray = (
        f"SELECT rowid AS id, {staged.row} AS source_row, {name} AS text FROM {staged.table} "
        f"WHERE {name} IS NOT NULL AND {name} NOT IN ({sound} AND {key} IS NOT NULL)"
    )
    if not _count(connection, astray):
        return
    known = f"text IN (SELECT {key} FROM {target.table} WHERE {key} IS NOT NULL)"
    connection.execute(
        f"INSERT INTO {staged.rejected} "
        f"SELECT id, source_row, {literal(column.name)}, text, kind, NULL FROM ("
        f"SELECT *, CASE WHEN {known} THEN '{_Kind.FOLLOWS}' ELSE '{_Kind.UNKNOWN}' END AS kind "
        f"FROM ({astray})) "
        f"WHERE kind = '{_Kind.UNKNOWN}' OR id NOT IN (SELECT id FROM {staged.rejected})"
    )


def _reject_unknown(
    connection: duckdb.DuckDBPyConnection, staged: Staged, column: Column, target: EvidenceFile
) -> None:
    """Reject rows whose reference isn't in the table that was handed in earlier."""
    name = identifier(column.name)
    (key, *_) = DATASETS[target.dataset].key
    connection.execute(
        f"INSERT INTO {staged.rejected} "
        f"SELECT rowid, {staged.row}, {literal(column.name)}, {name}, '{_Kind.UNKNOWN}', NULL "
        f"FROM {staged.table} WHERE {name} IS NOT NULL AND {name} NOT IN "
        f"(SELECT {identifier(key)} FROM read_parquet({glob_literal(str(target.path))}))"
    )


def good(connection: duckdb.DuckDBPyConnection, staged: Staged) -> str:
    """SQL condition that keeps the rows of a staged table that aren't rejected."""
    if not _count(connection, f"FROM {staged.rejected}"):
        return "true"
    return f"rowid NOT IN (SELECT id FROM {staged.rejected})"


def rejected_rows(connection: duckdb.DuckDBPyConnection, tables: Tables) -> dict[str, int]:
    """Number of rejected rows by source file, only for files that have any."""
    by_file: dict[str, list[str]] = {}
    broken: dict[str, int] = {}
    for staged in tables.values():
        by_file.setdefault(staged.source.file, []).append(
            f'SELECT DISTINCT "row" FROM {staged.rejected}'
        )
        broken[staged.source.file] = len(staged.source.broken)
    counts = {
        file: broken[file] + _count(connection, " UNION ".join(parts))
        for file, parts in by_file.items()
    }
    return {file: count for file, count in counts.items() if count}


def rejections(
    connection: duckdb.DuckDBPyConnection, tables: Tables, limit: int = LISTED
) -> tuple[Rejection, ...]:
    """The rejections of all tables, at most `limit` a dataset, by file and row."""
    listed: dict[Rejection, None] = {}
    for staged in tables.values():
        listed.update(dict.fromkeys(staged.source.broken[:limit]))
        listed.update(dict.fromkeys(_listed(connection, staged, limit)))
    return tuple(sorted(_with_lines(listed, tables), key=lambda each: (each.file, each.row)))


def _with_lines(listed: Iterable[Rejection], tables: Tables) -> Iterator[Rejection]:
    """The same rejections, with the line of the CSV file or the row of the sheet."""
    sources = {staged.source.file: staged.source for staged in tables.values()}
    by_file = groupby(sorted(listed, key=lambda each: each.file), key=lambda each: each.file)
    for file, group in by_file:
        found, source = list(group), sources[file]
        if source.heading_line is not None:
            below = source.heading_line
            yield from (replace(each, line=below + each.row, sheet=source.sheet) for each in found)
            continue
        lines = {}
        if source.dialect is not None:
            rows = {each.row for each in found}
            lines = lines_of(source.path, file, source.dialect, rows)
        yield from (replace(each, line=each.line or lines.get(each.row)) for each in found)


def _listed(connection: duckdb.DuckDBPyConnection, staged: Staged, limit: int) -> list[Rejection]:
    found = connection.execute(
        f'SELECT "row", fault, "value", kind, first_row FROM {staged.rejected} '
        f"WHERE kind <> '{_Kind.SAME_ROW}' ORDER BY id LIMIT {limit}"
    ).fetchall()
    order = {name: place for place, name in enumerate(staged.dataset.column_names)}
    found.sort(key=lambda each: (each[0], order[each[1].partition(ORDER_FAULT)[0]]))
    return [_rejection(staged, row) for row in found]


def _rejection(staged: Staged, found: tuple[int, str, str | None, str, int | None]) -> Rejection:
    row, fault, value, kind, first_row = found
    by_name = {entry.column.name: entry for entry in staged.mapped}
    name, _, earlier = fault.partition(ORDER_FAULT)
    entry = by_name[name]
    match kind:
        case _ if earlier:
            reason = reason_not_before(by_name[earlier].source_column)
        case _Kind.REPEATED | _Kind.SAME if first_row is not None:
            reason = reason_repeated(first_row, same=kind == _Kind.SAME)
        case _Kind.UNKNOWN:
            reason = reason_unknown(entry.column.refers_to)
        case _Kind.FOLLOWS:
            reason = reason_follows(entry.column.refers_to)
        case _:
            reason = reason_of(entry.column, value or "", entry.expected)
    shown = (value or "")[:SHOWN_CHARACTERS]
    return Rejection(staged.source.file, row, entry.source_column, shown, reason)


def unchecked_references(tables: Tables, known: Known) -> list[Finding]:
    """A finding for each reference whose dataset wasn't handed in, now or earlier."""
    return [
        Finding(
            "reference_not_checked",
            f"'{column.name}' of {name} isn't checked, for {column.refers_to} wasn't handed in",
            name,
        )
        for name, staged in tables.items()
        for column in staged.dataset.columns
        if column.refers_to
        and column.refers_to not in tables
        and column.refers_to not in known
        and staged.mapped[staged.dataset.column_names.index(column.name)].given != "false"
    ]
