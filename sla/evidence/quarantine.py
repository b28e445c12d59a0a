"""The rejected rows of a file as a CSV file that a person corrects and hands in again.

The file has the source's own columns and, after them, columns of the product that say which row
it is and what is wrong with it. A spreadsheet program would run a cell that begins like a formula,
so such a text gets an apostrophe in front. So does every text that begins with an apostrophe
already: taking one apostrophe away from each text that begins with one gives back exactly what
stood in the source, whether or not somebody changed other cells meanwhile.
"""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sla.evidence.sources import ROW, Source
from sla.evidence.sql import literal
from sla.evidence.values import Quarantined, ReasonCount, Rejection

ROW_COLUMN = "plumbline_row"
LINE_COLUMN = "plumbline_line"
REASON_COLUMN = "plumbline_reason"
TEXT_COLUMN = "plumbline_text"
"""What stands in the file, where it couldn't be read as a row."""
OWN_COLUMNS = (ROW_COLUMN, LINE_COLUMN, REASON_COLUMN, TEXT_COLUMN)
QUARANTINED = 100_000
"""Rejections a dataset that are written out; further ones are only counted."""

_FORMULA = re.compile(r"[=+\-@\t\r\n\0']")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,' ]*")
"""A number with a sign is no formula, and nobody should find an apostrophe before it."""


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet program runs; `original` gives it back."""
    if not _FORMULA.match(text) or (_NUMBER.fullmatch(text) and not text.startswith("'")):
        return text
    return f"'{text}"


def original(text: str) -> str:
    """What `harmless` was given."""
    return text.removeprefix("'")


def reason_counts(rejections: Iterable[Rejection]) -> tuple[ReasonCount, ...]:
    """The rejections by file, column and reason, the most frequent first.

    Guesses at what was meant ("did you mean …?") differ by value, so they don't count as reasons.
    """
    counted = Counter(
        (each.file, each.column, each.reason.partition(", did you mean")[0]) for each in rejections
    )
    return tuple(ReasonCount(*key, rows) for key, rows in counted.most_common())


@dataclass(frozen=True, slots=True)
class RowsOf:
    """A source with SQL for its rows, from which rejected ones are copied."""

    source: Source
    relation: str
    row: str
    """SQL of the data row in `relation`."""


def write_quarantines(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[RowsOf],
    rejections: Iterable[Rejection],
    folder: Path,
) -> tuple[Quarantined, ...]:
    """One CSV file in `folder` for each source that has rejected rows."""
    by_file: dict[str, list[Rejection]] = {}
    for one in rejections:
        by_file.setdefault(one.file, []).append(one)
    return tuple(
        _written(connection, each, by_file[each.source.file], folder / f"quarantine-{number}.csv")
        for number, each in enumerate(rows)
        if each.source.file in by_file
    )


def _written(
    connection: duckdb.DuckDBPyConnection,
    rows: RowsOf,
    rejections: Sequence[Rejection],
    target: Path,
) -> Quarantined:
    wrong: dict[int, list[Rejection]] = {}
    for one in rejections:
        wrong.setdefault(one.row, []).append(one)
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*map(harmless, rows.source.columns), *OWN_COLUMNS])
        held = _held(connection, rows, wrong)
        for row in sorted(wrong):
            writer.writerow(_record(rows.source, row, held.get(row), wrong[row]))
    with target.open("rb") as written:
        sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    return Quarantined(rows.source.file, len(wrong), target, sha256)


def _record(
    source: Source, row: int, values: Sequence[str | None] | None, wrong: Sequence[Rejection]
) -> list[str]:
    broken = "" if values is not None else wrong[0].value
    cells = [value or "" for value in values] if values is not None else [""] * len(source.columns)
    reasons = "; ".join(_said(one) for one in wrong)
    line = next((str(one.line) for one in wrong if one.line is not None), "")
    return [*map(harmless, cells), str(row), line, harmless(reasons), harmless(broken)]


def _said(rejection: Rejection) -> str:
    return f"{rejection.column}: {rejection.reason}" if rejection.column else rejection.reason


def _held(
    connection: duckdb.DuckDBPyConnection, rows: RowsOf, wrong: Mapping[int, object]
) -> dict[int, tuple[str | None, ...]]:
    """The rejected rows by number, as text; those that couldn't be read at all are missing."""
    connection.execute("CREATE OR REPLACE TEMP TABLE wanted (number BIGINT)")
    for some in _batches(sorted(wrong)):
        listed = ", ".join(f"({number})" for number in some)
        connection.execute(f"INSERT INTO wanted VALUES {listed}")
    texts = ", ".join(f"CAST({column} AS VARCHAR)" for column in rows.source.columns.values())
    numbered = f"(SELECT {rows.row} AS number_, * FROM {rows.relation})"
    found = connection.execute(
        f"SELECT number_, {texts} FROM {numbered} WHERE number_ IN (SELECT number FROM wanted)"
    ).fetchall()
    return {found_row[0]: tuple(found_row[1:]) for found_row in found}


_BATCH = 10_000


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


def numbered(connection: duckdb.DuckDBPyConnection, source: Source, table: str) -> tuple[str, str]:
    """A table with all of a source's rows, and SQL of the data row in it."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM {source.relation}")
    return table, ROW if source.numbered else "rowid + 1"


def decoded(column: str) -> str:
    """SQL of `original` for a column of text."""
    return f"CASE WHEN prefix({column}, {literal(chr(39))}) THEN {column}[2:] ELSE {column} END"
