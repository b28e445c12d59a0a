"""What a strict reader that shares no code with the product finds in a file."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl

from tests.fuzz.files import HEADING, exact

_AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4}0*)?", re.ASCII)
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})( 00:00:00)?", re.ASCII)
_UNKNOWN_TYPE = re.compile(rb' t="(?!(?:s|str|inlineStr|n|b|e|d)")[^"]*"')
Row = tuple[str, ...]


def sound_rows(path: Path) -> Counter[Row] | None:
    """Every row that may be accepted, as often as it stands there; None where no oracle reads it.

    Where a quotation mark makes it unclear what a record is, the rows of each reading count.
    """
    if path.suffix == ".parquet":
        return None
    found: Counter[Row] = Counter()
    tables = [*(_sheet(path) if path.suffix == ".xlsx" else _csv_readings(path))]
    if path.suffix == ".xlsx" and not tables:
        return None
    for table in tables:
        found |= Counter(_typed(table))
    return found


def _csv_readings(path: Path) -> Iterator[list[list[str]]]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
    text = data.decode("utf-8-sig", "replace")
    for delimiter in ",;\t|":
        yield list(_records([text], delimiter))
        # Each line for itself, for a reader that gives up on a record goes on at the next line.
        lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
        heading = next((line for line in lines if line.strip()), "")
        for start in range(1, 3):
            joined = ["".join(lines[at : at + start]) for at in range(len(lines))]
            yield [
                *_records([heading], delimiter),
                *(row for piece in joined for row in _records([piece], delimiter)),
            ]


def _records(pieces: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(10**9)
    for piece in pieces:
        for spaces in (True, False):
            reader = csv.reader(
                io.StringIO(piece, newline=""),
                delimiter=delimiter,
                strict=True,
                skipinitialspace=spaces,
            )
            with suppress(csv.Error):
                yield from (row for row in reader if any(cell.strip() for cell in row))
            if spaces and '"' not in piece:
                break


def _sheet(path: Path) -> Iterator[list[list[str]]]:
    data = path.read_bytes()
    yield from _tables(data)
    with suppress(zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError):
        yield from _tables(_with_known_types(data))


def _with_known_types(workbook: bytes) -> bytes:
    """The workbook with every cell of an unknown type as the text that stands in it."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(target, "w") as mended:
        for name in source.namelist():
            mended.writestr(name, _UNKNOWN_TYPE.sub(b' t="inlineStr"', source.read(name)))
    return target.getvalue()


def _tables(workbook: bytes) -> Iterator[list[list[str]]]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(workbook), data_only=True)
        rows = [
            [_cell(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)
        ]
    except Exception:  # noqa: BLE001 (a damaged workbook makes the reader raise anything)
        return
    filled = [row for row in rows if any(row)]
    yield filled


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(f"{float(value):.15g}"), "f")
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return "" if value is None else str(value)


def _typed(table: list[list[str]]) -> Iterator[Row]:
    if not table:
        return
    heading = [name.strip() for name in table[0]]
    if not set(HEADING) <= set(heading):
        return
    places = [heading.index(name) for name in HEADING]
    for written in table[1:]:
        extra = len(written) == len(heading) + 1 and not written[-1].strip()
        row = written[:-1] if extra else written
        padded = [*row, *[""] * (len(heading) - len(row))] if len(row) >= 1 else row
        if len(row) > len(heading):
            continue
        made = _row([padded[place].strip(" ") for place in places])
        if made is not None:
            yield made


def _row(cells: list[str]) -> Row | None:
    invoice, customer, issued, due, currency, amount = cells
    days = [_day(issued), _day(due)]
    if not invoice or not customer or None in days or not _AMOUNT.fullmatch(amount):
        return None
    if not re.fullmatch("[A-Z]{3}", currency) or currency == "ZZZ":
        return None
    return (invoice, customer, str(days[0]), str(days[1]), currency, exact(Decimal(amount)))


def _day(text: str) -> dt.date | None:
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    try:
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
