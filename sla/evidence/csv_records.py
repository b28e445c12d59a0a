"""CSV read record by record, so that a broken record costs itself and no other."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from governance.errors import BadInput, Problem

QUOTED_LINES = 100
"""A quoted value may run over this many lines; longer is a quotation mark left open."""
FIELD_CHARACTERS = 2_000_000
"""Longest value read."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written."""

    delimiter: str = ","
    encoding: str = "utf-8"
    heading_line: int = 1
    """Line of the heading; nothing above it is read."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a CSV file, or what is wrong with it."""

    line: int
    fields: tuple[str, ...] = ()
    fault: str = ""
    found: str = ""
    """The text of a broken record, as far as it helps to find it."""


def records(path: Path, file: str, dialect: Dialect) -> Iterator[Record]:
    """Every record with the line it starts at, the heading first; blank lines are passed over.

    Raises BadInput where a compressed file can't be unpacked, or the text can't be decoded at all.
    """
    csv.field_size_limit(FIELD_CHARACTERS)
    try:
        with _opened(path, dialect.encoding) as lines:
            yield from _parsed(lines, dialect)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        problem = Problem("the compressed data is damaged or cut off", file, found=str(error))
        raise BadInput.one(problem) from error
    except UnicodeError as error:
        problem = Problem(f"isn't {dialect.encoding.upper()} text", file, found=str(error))
        raise BadInput.one(problem) from error


def _opened(path: Path, encoding: str) -> IO[str]:
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding=codec, errors="surrogateescape", newline="")
    return path.open(encoding=codec, errors="surrogateescape", newline="")


def _parsed(lines: Iterator[str], dialect: Dialect) -> Iterator[Record]:
    waiting = deque[str]()
    number = 1
    while text := _next_line(lines, waiting):
        if not text.strip():
            number += 1
            continue
        if number < dialect.heading_line:
            number += 1
            continue
        fields, fault, used = _record(text, lines, waiting, dialect)
        for _ in range(used - 1):
            waiting.popleft()
        fault = fault or _undecodable(fields, dialect)
        yield Record(number, fields, fault, _shown(text) if fault else "")
        number += used


def _shown(text: str) -> str:
    shown = text.rstrip("\r\n")[:80]
    return shown.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _next_line(lines: Iterator[str], waiting: deque[str]) -> str:
    return waiting.popleft() if waiting else next(lines, "")


def _record(
    text: str, lines: Iterator[str], waiting: deque[str], dialect: Dialect
) -> tuple[tuple[str, ...], str, int]:
    """The fields, the fault and the number of lines of the record that starts with `text`.

    Lines that were read ahead stay in `waiting`.
    """
    fields, fault = _fields(text, dialect)
    used = 1
    while fault == _OPEN_QUOTE and used < QUOTED_LINES:
        if len(waiting) < used:
            line = next(lines, "")
            if not line:
                break
            waiting.append(line)
        text += waiting[used - 1]
        used += 1
        fields, fault = _fields(text, dialect)
    if not fault:
        return fields, "", used
    return (), _OPEN_QUOTE if used > 1 else fault, 1


_OPEN_QUOTE = "a quotation mark is opened and never closed"


def _fields(text: str, dialect: Dialect) -> tuple[tuple[str, ...], str]:
    reader = csv.reader([text], delimiter=dialect.delimiter, strict=True, skipinitialspace=True)
    try:
        return tuple(next(reader)), ""
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return (), _OPEN_QUOTE
        if "field limit" in str(error):
            return (), f"a value is longer than {FIELD_CHARACTERS} characters"
        return (), f"text stands beside a quoted value; expected {dialect.delimiter!r} after it"


def _undecodable(fields: tuple[str, ...], dialect: Dialect) -> str:
    if all(field.isascii() or not _has_surrogates(field) for field in fields):
        return ""
    return f"not {dialect.encoding.upper()} text; save the file in that encoding"


def _has_surrogates(text: str) -> bool:
    return any("\udc80" <= char <= "\udcff" for char in text)


def lines_of(path: Path, file: str, dialect: Dialect, rows: Collection[int]) -> dict[int, int]:
    """The lines at which data rows start."""
    wanted, last = frozenset(rows), max(rows, default=0)
    numbered = enumerate(islice(records(path, file, dialect), last + 1))
    return {row: record.line for row, record in numbered if row in wanted}
