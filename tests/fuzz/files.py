"""Invoices as CSV, workbooks and Parquet, with whatever people and programs write."""

# ruff: noqa: S608 (Queries name the fuzzer's own temporary files.)

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl

HEADING = ("invoice_id", "customer_id", "issue_date", "due_date", "currency", "amount")
AMOUNTS = (
    "100.00", "0", "0.0001", "99999999999999.9999", "1e308", "1E5", "NaN", "nan", "Infinity",
    "-Infinity", "-1.00", "+5", "5.", ".5", "1_000", "1,000.00", "1.000,00", "0x10", "１２３",
    "٣٤", "12 34", "1\u00a0000", " 7.5 ", "--1", "1.00001", "1.10000", "100000000000000",
    "000012.5", "1.5e", "", "null", "NULL", "=1+1", "=cmd|' /C calc'!A0", "@SUM(1)", "#REF!",
    "1\x00", "1\n", "€5", "5 EUR", "true",
)  # fmt: skip
DATES = (
    "2013-01-02", "2013-02-29", "2012-02-29", "2013-02-30", "0000-01-01", "0001-01-01",
    "9999-12-31", "10000-01-01", "5874898-01-01", "-2013-01-01", "2013-1-2", "13-01-02",
    "2013/01/02", "01.02.2013", "02/01/2013", "2013-01-02 00:00:00", "2013-01-02T00:00:00",
    "2013-01-02 10:00:00", "infinity", "epoch", "today", "２０１３-01-02", "2013-01-02Z",
    " 2013-01-02 ", "2013‐01‐02", "41276", "41276.0", "", "2013-W01-1", "2013-002", "a-b-c",
    "____-__-__", "%%%%-%%-%%", "2013-01-02\x00",
)  # fmt: skip
CURRENCIES = ("EUR", "USD", "eur", "EURO", "E", "", "XXX", "ZZZ", " EUR", "€", "EUR\u200b")
IDENTIFIERS = (
    "I1", "I2", "00012", "=1+1", "+49", "-x", "@x", "'x", "''", '"', "a,b", "a;b", "a\tb", "a\nb",
    "ä", "\u202ex", "é", "é", "I\x00", "", " ", "  x  ", "\u00a0x", "NULL", "nan", "1e5", "😀",
    "\ufeffx", "x" * 300, "a\rb", "a\u2028b", "a\x0bb", "a\x1cb", "a\x85b", "a\\", '""',
)  # fmt: skip
Rows = Sequence[Sequence[str]]


def rows(luck: random.Random, *, odd: float = 0.15, most: int = 12) -> list[list[str]]:
    """Some invoices, of which about every seventh value is one that may go wrong."""
    return [_row(luck, number, odd) for number in range(luck.randint(0, most))]


def _row(luck: random.Random, number: int, odd: float) -> list[str]:
    day = dt.date(2013, 1, 1) + dt.timedelta(days=luck.randint(0, 700))
    usual = (
        f"N{number}", f"C{luck.randint(1, 3)}", day.isoformat(),
        (day + dt.timedelta(days=30)).isoformat(), "EUR",
        f"{luck.randint(0, 99999)}.{luck.randint(0, 99):02}",
    )  # fmt: skip
    strange = (IDENTIFIERS, IDENTIFIERS, DATES, DATES, CURRENCIES, AMOUNTS)
    return [
        luck.choice(choices) if luck.random() < odd else value
        for value, choices in zip(usual, strange, strict=True)
    ]


def csv_file(luck: random.Random, folder: Path) -> Path:
    """A CSV file, written in one of many ways, then perhaps damaged."""
    stream = io.StringIO()
    writer = csv.writer(
        stream,
        delimiter=luck.choice(",,,;\t|"),
        quoting=luck.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
        lineterminator=luck.choice(("\n", "\n", "\r\n", "\r")),
    )
    writer.writerow(_heading(luck))
    writer.writerows(rows(luck))
    text = stream.getvalue()
    for _ in range(luck.choice((0, 0, 0, 1, 2))):
        text = luck.choice(_TEXT_FAULTS)(luck, text)
    codec = luck.choice(("utf-8",) * 8 + ("utf-8-sig", "latin-1", "utf-16", "utf-16-le", "cp1252"))
    data = text.encode(codec, "replace")
    if luck.random() < 0.25:
        data = luck.choice(_BYTE_FAULTS)(luck, data)
    if luck.random() < 0.15:
        packed = gzip.compress(data)
        if luck.random() < 0.5:
            packed = luck.choice(_BYTE_FAULTS)(luck, packed)
        return _write(folder / "invoices.csv.gz", packed)
    return _write(folder / "invoices.csv", data)


def _heading(luck: random.Random) -> list[str]:
    names = list(HEADING)
    match luck.randint(0, 29):
        case 0:
            names[luck.randrange(6)] = luck.choice(("amount", "", "x", "AMOUNT", "amount "))
        case 1:
            luck.shuffle(names)
        case 2:
            names.append(luck.choice(("amount", "channel", "delivered_at", "")))
        case 3:
            names += [f"extra{number}" for number in range(luck.choice((10, 480, 5_000)))]
        case _:
            pass
    return names


def _anywhere(luck: random.Random, text: str, added: str) -> str:
    place = luck.randrange(len(text) + 1)
    return text[:place] + added + text[place:]


def _line_ends(luck: random.Random, text: str) -> str:
    return "".join(luck.choice(("\n", "\r\n", "\r")) if char == "\n" else char for char in text)


def _repeated_line(luck: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines, luck.choice(lines)]) if lines else text


_TEXT_FAULTS: tuple[Callable[[random.Random, str], str], ...] = (
    lambda luck, text: _anywhere(luck, text, '"'),
    lambda luck, text: _anywhere(luck, text, luck.choice((",", ";", "\n", "\r", '","', '""'))),
    lambda luck, text: _anywhere(luck, text, luck.choice("\0\x1a\x1b\u2028\x85\ufeff")),
    lambda luck, text: _anywhere(luck, text, "9" * luck.choice((50, 5_000, 100_000))),
    lambda luck, text: text[: luck.randrange(len(text) + 1)],
    _line_ends,
    _repeated_line,
    lambda _, text: text + "\n\n\n",
    lambda _, text: "\n" + text,
    lambda _, text: text.replace(",", ", "),
    lambda _, text: "sep=,\n" + text,
)


def _flipped(luck: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(luck.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[luck.randrange(len(changed))] = luck.randrange(256)
    return bytes(changed)


def _doubled(luck: random.Random, data: bytes) -> bytes:
    start = luck.randrange(len(data) + 1)
    part = data[start : start + luck.randint(1, 400)]
    return data[:start] + part + data[start:]


_BYTE_FAULTS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flipped,
    _flipped,
    _doubled,
    lambda luck, data: data[: luck.randrange(len(data) + 1)],
    lambda luck, data: data + luck.randbytes(luck.randint(1, 300)),
)


def workbook(luck: random.Random, folder: Path) -> Path:
    """A workbook with typed cells, formulas and errors, then perhaps damaged within or outside."""
    book = openpyxl.Workbook()
    sheet = book.active
    for _ in range(luck.choice((0, 0, 0, 1, 3))):
        sheet.append([])
    sheet.append(_heading(luck)[:50])
    for row in rows(luck, most=8):
        sheet.append([_cell(luck, place, value) for place, value in enumerate(row)])
    stream = io.BytesIO()
    book.save(stream)
    data = stream.getvalue()
    if luck.random() < 0.4:
        data = _damaged_part(luck, data)
    if luck.random() < 0.3:
        data = luck.choice(_BYTE_FAULTS)(luck, data)
    return _write(folder / "invoices.xlsx", data)


def _cell(luck: random.Random, place: int, value: str) -> object:
    text = "".join(char for char in value if char in "\t\n" or ord(char) >= 32)
    typed = luck.random() < 0.5
    if typed and place in {2, 3} and len(text) == 10 and text[:4].isdigit():
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            return text
        return day if day.year >= 1900 else text
    if typed and place == 5:
        return luck.choice(
            (luck.randint(-5, 10**15), luck.random() * 1e6, 1e15, 0.1 + 0.2, True, None)
        )
    return luck.choice(("=1+1", "=A1", "#N/A", text)) if luck.random() < 0.05 else text


def _damaged_part(luck: random.Random, data: bytes) -> bytes:
    """The archive with one of its parts changed, and its checksums right."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as changed:
        members = source.namelist()
        chosen = luck.choice([name for name in members if "sheet" in name or "shared" in name])
        for name in members:
            part = source.read(name)
            changed.writestr(
                name, luck.choice(_BYTE_FAULTS)(luck, part) if name == chosen else part
            )
    return target.getvalue()


def parquet(luck: random.Random, folder: Path) -> Path:
    """A Parquet file whose columns have usual and unusual types, then perhaps damaged."""
    path = folder / "invoices.parquet"
    made = rows(luck, odd=0.02)
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} VARCHAR" for name in HEADING)
        connection.execute(f"CREATE TABLE made ({columns})")
        for row in made:
            connection.execute("INSERT INTO made VALUES (?, ?, ?, ?, ?, ?)", row)
        date = luck.choice(("DATE", "TIMESTAMP", "VARCHAR", "TIMESTAMPTZ"))
        amount = luck.choice(("DECIMAL(18,4)", "DOUBLE", "VARCHAR", "DECIMAL(38,10)", "FLOAT"))
        odd = luck.choice(("currency",) * 6 + ("[currency]", "{'a': currency}", "encode(currency)"))
        connection.execute(
            f"COPY (SELECT invoice_id, customer_id, TRY_CAST(issue_date AS {date}) AS issue_date, "
            f"TRY_CAST(due_date AS {date}) AS due_date, {odd} AS currency, "
            f"TRY_CAST(amount AS {amount}) AS amount FROM made) TO '{path}' (FORMAT parquet)"
        )
    if luck.random() < 0.6:
        _write(path, luck.choice(_BYTE_FAULTS)(luck, path.read_bytes()))
    return path


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


KINDS: dict[str, Callable[[random.Random, Path], Path]] = {
    "csv": csv_file,
    "xlsx": workbook,
    "parquet": parquet,
}


def exact(value: object) -> str:
    """A stored value as the oracle writes it."""
    if isinstance(value, Decimal):
        return format(value.normalize() if value else Decimal(0), "f")
    return "" if value is None else str(value)
