"""CSV files that people hand in, with a line of headings, as rows by what their columns hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from governance.errors import BadInput, Problem

_MOST_COLUMNS = 200
_LONGEST_CELL = 20_000
_DELIMITERS = ";,\t|"


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a kind of file may hold."""

    usual: Mapping[str, tuple[str, ...]]
    """By part: how its column is usually headed, in lower case."""
    needed: Mapping[str, str]
    """Parts that a file can't do without, with what messages call them."""
    what: str
    """What a row is called: "payment"."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; parts without a column are empty."""

    line: int
    """In the file, counted from 1."""
    cells: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The cell of a part, without space around it."""
        return self.cells.get(name, "")


def read_rows(
    name: str, data: bytes, columns: Columns, asked: Mapping[str, str], most: int
) -> list[Row]:
    """The rows of a CSV file in UTF-8 or Windows-1252; empty ones are left out.

    `asked` is the heading of a part's column where it isn't a usual one. Raises BadInput where
    the file is no CSV or empty, a column is missing, or there are more than `most` rows.
    """
    table = _table(name, data)
    _, headings = next(table)
    places = _places(name, headings, columns, asked)
    found: list[Row] = []
    for line, cells in table:
        if not any(cell.strip() for cell in cells):
            continue
        if len(found) == most:
            raise bad_file(name, "the file has too many rows", "", f"{most:,} rows")
        values = {part: cells[at].strip() if at < len(cells) else "" for part, at in places.items()}
        found.append(Row(line, values))
    if not found:
        what = "the file has no rows below its headings"
        raise bad_file(name, what, "", f"at least one {columns.what}")
    return found


def _table(name: str, data: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    text = _decoded(name, data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for cells in reader:
            if len(cells) > _MOST_COLUMNS or any(len(cell) > _LONGEST_CELL for cell in cells):
                what = "a row is too wide"
                raise bad_file(name, what, "", f"{_MOST_COLUMNS} columns", reader.line_num)
            yield reader.line_num, tuple(cells)
    except csv.Error as error:
        what = f"the file is no sound CSV: {error}"
        raise bad_file(name, what, "", "a CSV file", reader.line_num) from None


def _decoded(name: str, data: bytes) -> str:
    if not data.strip():
        raise bad_file(name, "the file is empty", "", "a CSV file with a line of headings")
    if b"\0" in data:
        raise bad_file(name, "this is no text", "", "a CSV file in UTF-8 or Windows-1252")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(_DELIMITERS, key=first.count)


def _places(
    name: str, headings: Sequence[str], columns: Columns, asked: Mapping[str, str]
) -> dict[str, int]:
    """Which column holds what: as asked, else by its heading."""
    known = {heading.strip().casefold(): at for at, heading in reversed([*enumerate(headings)])}
    found: dict[str, int] = {}
    problems: list[tuple[str, str]] = []
    for part, usual in columns.usual.items():
        wanted = asked.get(part, "").strip()
        if wanted and wanted.casefold() not in known:
            problems.append((f"there is no column '{wanted}'", part))
        hits = [one for one in ([wanted.casefold()] if wanted else usual) if one in known]
        if hits:
            found[part] = known[hits[0]]
        elif part in columns.needed and not wanted:
            words = columns.needed[part]
            problems.append((f"no column is headed as the {words} usually is", part))
    if problems:
        listed = ", ".join(one.strip() for one in headings)[:500]
        raise BadInput(
            Problem(what, file=name, line=1, column=part, allowed=f"one of: {listed}")
            for what, part in problems
        )
    return found


def bad_file(  # noqa: PLR0917 (every part of a problem)
    name: str, what: str, found: str, allowed: str, line: int | None = None, column: str = ""
) -> BadInput:
    """The error for one problem of a file."""
    return BadInput.one(
        Problem(what, file=name, line=line, column=column, found=found, allowed=allowed)
    )
