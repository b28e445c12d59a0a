"""Tables that leave as CSV, safe to open in a spreadsheet: nothing in them is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from litestar import Response

from app.web.downloads import attachment

Cell = str | int | Decimal | date | datetime | None
"""What a table may hold. Numbers stay numbers, texts stay texts, days are written by ISO 8601."""
CSV_TYPE = "text/csv; charset=utf-8"
_STARTS_A_FORMULA = frozenset("=+-@\t\r\n\0＝＋－＠")
"""First characters that a spreadsheet may take for a formula (ASVS 1.2.10), full-width ones too."""


def safe_cell(value: Cell) -> str:
    """A cell's text: a text that a spreadsheet would calculate gets an apostrophe before it.

    Numbers keep their sign, so that a credit stays a negative number.
    """
    if value is None:
        return ""
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return f"'{value}" if value[:1] in _STARTS_A_FORMULA else value


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV file by RFC 4180 with a line of headings, in UTF-8 that spreadsheets recognise."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in columns])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def csv_download(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], file_name: str
) -> Response[bytes]:
    """The same, to be saved under `file_name`."""
    return attachment(csv_bytes(columns, rows), file_name, CSV_TYPE)
