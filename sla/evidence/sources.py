"""Source files as relations that SQL can read, whatever their format."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

import csv
import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from governance.errors import BadInput, Problem
from sla.evidence.csv_records import Dialect, Record, records
from sla.evidence.limits import limits
from sla.evidence.sql import glob_literal, identifier, literal, trimmed
from sla.evidence.values import Rejection
from sla.evidence.workbooks import read_workbook

SUFFIXES = (".csv", ".csv.gz", ".xlsx", ".parquet")
"""Formats read, by the end of the file name."""
ROW = "source_row"
"""Column of a relation that holds the data row, where rows don't simply come in order."""


_BLOCK = 1024 * 1024
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Source:
    """One source file, ready to be read."""

    path: Path
    file: str
    """File name as the user gave it."""
    sha256: str
    columns: Mapping[str, str]
    """Heading → SQL name of the column in the relation."""
    types: Mapping[str, str]
    """Heading → SQL type in the relation; VARCHAR throughout for text files."""
    relation: str
    """What SQL reads from; text columns are trimmed, and NULL where they are empty."""
    text: bool = True
    """Whether all columns are text, as in CSV and workbooks."""
    numbered: bool = False
    """Whether the relation has the column `source_row`; else its order is the file's."""
    dialect: Dialect | None = None
    """For CSV: how it is written."""
    broken: tuple[Rejection, ...] = ()
    """Records that can't be read as rows at all; the relation doesn't hold them."""
    sheet: str | None = None
    """For workbooks: the name of the sheet that is read."""
    heading_line: int | None = None
    """For workbooks: row of the heading in the sheet, counted from 1."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a source is to be read: what an import profile states, or what is usual."""

    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None
    expected: frozenset[str] = field(default_factory=frozenset)
    """Columns by which the delimiter is recognised where it isn't stated."""
    heading_line: int = 1
    """Line or row of the heading; what stands above isn't read."""


def suffix_of(path: Path) -> str:
    """The format's suffix (".csv.gz"), empty for a format that isn't read."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def open_source(
    path: Path, workspace: Path, opening: Opening | None = None, file: str = ""
) -> Source:
    """Open a file of any known format; temporary files go to `workspace`.

    Messages call it `file`, or by its own name. Raises BadInput where the file as a whole can't
    be used.
    """
    opening, file = opening or Opening(), file or path.name
    _require_content(path, file)
    match suffix_of(path):
        case ".parquet":
            return _parquet(path, file)
        case ".xlsx":
            return _workbook(path, file, workspace, opening)
        case ".csv.gz":
            _require_bounded(path, file)
            return _csv(path, file, workspace, opening)
        case ".csv":
            return _csv(path, file, workspace, opening)
        case _:
            raise BadInput.one(
                Problem("is of a format that isn't read", file, allowed=", ".join(SUFFIXES))
            )


def heading_of(path: Path, opening: Opening) -> tuple[str, ...]:
    """The heading of a file of any known format; empty where it has none that can be read."""
    try:
        with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
            return tuple(open_source(path, Path(folder), opening).columns)
    except BadInput:
        return ()


def _require_content(path: Path, file: str) -> None:
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        problem = Problem("can't be read", file, found=error.strerror or str(error))
        raise BadInput.one(problem) from error
    if not start:
        raise BadInput.one(Problem("is empty", file, allowed="a heading and rows"))
    looks_like = {b"PK\x03\x04": ".xlsx", b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz"}
    found = looks_like.get(start) or looks_like.get(start[:2], ".csv")
    suffix = suffix_of(path)
    if suffix and found != suffix:
        raise BadInput.one(_misnamed(file, suffix, found))


def _require_text(path: Path, file: str, encoding: str) -> None:
    """Refuse what no encoding of one byte a character makes readable, by its first bytes."""
    if encoding.startswith(("utf-16", "utf-32")):
        return
    with gzip.open(path) if suffix_of(path) == ".csv.gz" else path.open("rb") as stream:
        start = stream.read(_LOOKED_AT)
    if _utf_16(start):
        allowed = "the file saved as CSV in UTF-8"
        raise BadInput.one(Problem("looks like UTF-16 text", file, allowed=allowed))
    control = sum(byte < 32 and byte not in _WHITESPACE for byte in start)
    if 0 in start or control * _CONTROL_SHARE > len(start):
        raise BadInput.one(Problem("isn't text", file, allowed="CSV text in UTF-8"))


_LOOKED_AT = 4096
_CONTROL_SHARE = 20
"""Text has fewer than one control character in so many, besides line ends and tabs."""
_WHITESPACE = b"\t\n\v\f\r"


def _utf_16(start: bytes) -> bool:
    """Whether the bytes begin with UTF-16's mark, or every other one tends to be zero."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    even, odd = start[::2].count(0), start[1::2].count(0)
    return min(even, odd) == 0 and max(even, odd) * 4 > len(start)


def _require_bounded(path: Path, file: str) -> None:
    """Refuse a compressed file that is damaged or unpacks beyond all proportion."""
    bound = max(limits().small_bytes, path.stat().st_size * limits().ratio)
    unpacked = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(_BLOCK):
                unpacked += len(block)
                if unpacked > bound:
                    problem = f"unpacks to more than {limits().ratio} times its size"
                    raise BadInput.one(Problem(problem, file, allowed="the file unpacked"))
    except (OSError, EOFError, zlib.error) as error:
        damaged = Problem("the compressed data is damaged or cut off", file, found=str(error))
        raise BadInput.one(damaged) from error


_KINDS = {
    ".csv": "CSV text",
    ".csv.gz": "gzip-compressed CSV",
    ".xlsx": "an Excel workbook",
    ".parquet": "a Parquet file",
}


def _misnamed(file: str, suffix: str, found: str) -> Problem:
    what = f"isn't {_KINDS[suffix]}, as its name says"
    if found == ".csv":
        return Problem(what, file, allowed=_KINDS[suffix])
    what += f", but looks like {_KINDS[found]}"
    return Problem(what, file, allowed=f"rename it to end in {found}")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _name_digest(sheet: str | None) -> str:
    """A sheet's name as part of a file name, whatever characters it holds."""
    return hashlib.sha256((sheet or "").encode()).hexdigest()[:8]


def _parquet(path: Path, file: str) -> Source:
    relation = f"read_parquet({glob_literal(str(path))})"
    try:
        with duckdb.connect() as connection:
            described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
            unpacked = _unpacked_bytes(connection, path, len(described))
    except duckdb.Error as error:
        problem = Problem("can't be read as Parquet", file, found=str(error).splitlines()[0])
        raise BadInput.one(problem) from error
    types = {str(name): str(sql_type) for name, sql_type, *_ in described}
    _require_few(types, file)
    _require_proportion(path, file, unpacked)
    columns = {name: identifier(name) for name in types}
    return Source(path, file, _digest(path), columns, types, relation, text=False)


def _unpacked_bytes(connection: duckdb.DuckDBPyConnection, path: Path, columns: int) -> int:
    """Bytes that the rows of a Parquet file need, by its footer.

    Equal values are stored once, so the stated size hides them: each value counts eight bytes.
    """
    name = glob_literal(str(path))
    found = connection.execute(
        f"SELECT sum(greatest(total_uncompressed_size, num_values * {_VALUE_BYTES})), "
        f"(SELECT sum(num_rows) FROM parquet_file_metadata({name})) FROM parquet_metadata({name})"
    ).fetchone()
    stated, rows = found or (0, 0)
    return max(int(stated or 0), int(rows or 0) * columns * _VALUE_BYTES)


_VALUE_BYTES = 8


def _require_proportion(path: Path, file: str, unpacked: int) -> None:
    if unpacked > max(limits().small_bytes, path.stat().st_size * limits().ratio):
        problem = f"its rows unpack to more than {limits().ratio} times its size"
        found = f"about {unpacked // 1024**2} MiB in {path.stat().st_size} bytes"
        allowed = "the same rows as CSV"
        raise BadInput.one(Problem(problem, file, found=found, allowed=allowed))


def _workbook(path: Path, file: str, workspace: Path, opening: Opening) -> Source:
    target = workspace / f"{_digest(path)}.{_name_digest(opening.sheet)}.csv"
    sheet = read_workbook(path, file, opening.sheet, target, opening.heading_line)
    columns = _columns(sheet.heading, file)
    return Source(
        path,
        file,
        _digest(path),
        columns,
        _texts(columns),
        _csv_relation(target, len(columns), ",", numbered=True),
        numbered=True,
        sheet=sheet.name,
        heading_line=sheet.heading_line,
    )


def _csv(path: Path, file: str, workspace: Path, opening: Opening) -> Source:
    _require_text(path, file, opening.encoding)
    delimiter = opening.delimiter or _delimiter(path, file, opening)
    dialect = Dialect(delimiter, opening.encoding, opening.heading_line)
    heading = _heading(path, file, dialect)
    columns = _columns(heading, file)
    source = Source(path, file, _digest(path), columns, _texts(columns), "", dialect=dialect)
    if dialect.encoding != "utf-8" or dialect.heading_line > 1:
        return repaired(source, workspace)
    # The relation names a link, so that no character of the user's file name is a pattern.
    link = workspace / f"{source.sha256}{suffix_of(path)}"
    if not link.is_symlink():
        link.symlink_to(path.resolve())
    return replace(source, relation=_csv_relation(link, len(heading), dialect.delimiter))


def _delimiter(path: Path, file: str, opening: Opening) -> str:
    """The delimiter that yields most of the expected columns; a comma where none does."""

    def known(delimiter: str) -> int:
        dialect = Dialect(delimiter, opening.encoding, opening.heading_line)
        first = next(records(path, file, dialect), Record(1))
        return len(opening.expected & {name.strip() for name in first.fields})

    return max(_DELIMITERS, key=known)


def _heading(path: Path, file: str, dialect: Dialect) -> tuple[str, ...]:
    first = next(records(path, file, dialect), None)
    if first is None:
        raise BadInput.one(Problem("is empty", file, allowed="a heading and rows"))
    if first.fault:
        what = f"the heading can't be read: {first.fault}"
        raise BadInput.one(Problem(what, file, line=first.line, found=first.found))
    return tuple(name.strip() for name in first.fields)


def _require_few(columns: Collection[object], file: str) -> None:
    """A ledger has tens of columns; thousands keep the query engine planning for minutes."""
    most = limits().columns
    if len(columns) > most:
        what, allowed = f"has {len(columns)} columns", f"at most {most}, those that are needed"
        raise BadInput.one(Problem(what, file, allowed=allowed))


def _columns(heading: tuple[str, ...], file: str) -> dict[str, str]:
    _require_few(heading, file)
    named = [name or f"unnamed_{number}" for number, name in enumerate(heading, 1)]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        what = "the heading names this column twice"
        raise BadInput(Problem(what, file, column=name) for name in twice)
    return {name: f"c{number}" for number, name in enumerate(named)}


def _texts(columns: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(columns, "VARCHAR")


def _csv_relation(path: Path, width: int, delimiter: str, *, numbered: bool = False) -> str:
    names = [f"c{number}" for number in range(width)]
    read = [ROW, *names] if numbered else names
    struct = ", ".join(f"'{name}': 'VARCHAR'" for name in read)
    shown = ", ".join(f"{trimmed(name)} AS {name}" for name in names)
    row = f"CAST({ROW} AS BIGINT) AS {ROW}, " if numbered else ""
    return (
        f"(SELECT {row}{shown} FROM read_csv({glob_literal(str(path))}, auto_detect = false, "
        f"header = true, columns = {{{struct}}}, delim = {literal(delimiter)}, quote = '\"', "
        "escape = '\"', null_padding = false))"
    )


def repaired(source: Source, workspace: Path) -> Source:
    """The same CSV source, read record by record: broken records are set aside, with reasons."""
    dialect = source.dialect or Dialect()
    target = workspace / f"{source.sha256}.repaired.csv"
    width = len(source.columns)
    broken = []
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow([ROW, *source.columns])
        for row, record in enumerate(records(source.path, source.file, dialect)):
            if row == 0:
                continue
            fields = _without_trailing_empty(record.fields, width)
            fault = record.fault or _wrong_width(fields, width)
            if fault:
                found = record.found or dialect.delimiter.join(record.fields)[:80]
                broken.append(Rejection(source.file, row, "", found, fault, record.line))
            else:
                writer.writerow([row, *fields])
    relation = _csv_relation(target, width, ",", numbered=True)
    return replace(source, relation=relation, numbered=True, broken=tuple(broken))


def _without_trailing_empty(fields: tuple[str, ...], width: int) -> tuple[str, ...]:
    return fields[:-1] if len(fields) == width + 1 and not fields[-1].strip() else fields


def _wrong_width(fields: tuple[str, ...], width: int) -> str:
    if len(fields) == width:
        return ""
    return f"has {len(fields)} fields where the heading has {width}"
