"""Read payments from a bank's CSV file by a simple mapping of its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from billing.payments.keys import Counted, compact
from billing.payments.notations import DayOrder, Mark, decimal_mark, is_open, read_day, read_minor
from billing.payments.values import Direction, Entry, Skipped, Source, Statement
from governance.errors import BadInput, Problem
from governance.values import known_currency

MOST_ENTRIES = 5000
_MOST_COLUMNS = 200
_LONGEST_CELL = 20_000
_DELIMITERS = ";,\t|"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "booked": ("booking date", "booked", "date", "buchungstag", "buchungsdatum", "datum"),
    "value": ("value date", "value", "valuta", "valutadatum", "wertstellung"),
    "amount": ("amount", "betrag", "umsatz", "credit", "betrag (eur)"),
    "direction": ("credit/debit", "direction", "soll/haben", "type", "dc"),
    "currency": ("currency", "währung", "waehrung", "ccy"),
    "debtor": (
        "debtor", "payer", "name", "counterparty", "auftraggeber", "zahlungspflichtiger",
        "beguenstigter/zahlungspflichtiger", "auftraggeber/empfänger",
    ),
    "iban": ("iban", "debtor iban", "account", "kontonummer/iban", "iban zahlungsbeteiligter"),
    "text": (
        "remittance", "purpose", "text", "description", "details", "verwendungszweck",
        "buchungstext",
    ),
    "reference": ("reference", "creditor reference", "referenz", "kundenreferenz"),
    "end_to_end_id": ("end to end id", "end-to-end id", "endtoendid", "end-to-end-referenz"),
    "bank_reference": ("bank reference", "transaction id", "bankreferenz", "servicer reference"),
}  # fmt: skip
"""What a payment has, and how the columns for it are usually headed."""
_NEEDED = ("booked", "amount")
_IN = frozenset({"C", "CR", "CRDT", "CREDIT", "H", "HABEN", "IN", "+"})
_OUT = frozenset({"D", "DR", "DBIT", "DEBIT", "S", "SOLL", "OUT", "-"})


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a CSV file is read; what is empty is found by the headings and the amounts."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """The heading of the column for each part of a payment."""
    mark: Mark | None = None
    days: DayOrder = DayOrder.DAY_FIRST


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.cells.get(name, "")


def read_csv(name: str, data: bytes, mapped: Mapped, currency: str) -> Statement:
    """The payments of a CSV file in UTF-8 or Windows-1252, with a line of headings.

    `currency` holds where no column says one. A row that can't be read is skipped with its line
    and the reason. Raises BadInput where the file as a whole can't be read: no headings, no
    column for day or amount, amounts whose decimal mark is open, too many rows.
    """
    rows = _rows(name, data, mapped)
    mark = mapped.mark or _mark(name, [row.get("amount") for row in rows])
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    counted = Counted()
    for row in rows:
        try:
            entries.append(_entry(row, mark, mapped.days, currency, counted))
        except ValueError as error:
            found = " · ".join(value for value in row.cells.values() if value)[:200]
            skipped.append(Skipped(f"line {row.line}", str(error), found))
    return Statement(Source.CSV, "", tuple(entries), tuple(skipped))


def _rows(name: str, data: bytes, mapped: Mapped) -> list[_Row]:
    table = _table(name, data)
    _, headings = next(table)
    places = _places(name, headings, mapped.columns)
    found: list[_Row] = []
    for line, cells in table:
        if not any(cell.strip() for cell in cells):
            continue
        if len(found) == MOST_ENTRIES:
            raise _bad(name, "the file has too many rows", "", f"{MOST_ENTRIES:,} rows")
        values = {part: cells[at].strip() if at < len(cells) else "" for part, at in places.items()}
        found.append(_Row(line, values))
    if not found:
        raise _bad(name, "the file has no rows below its headings", "", "at least one payment")
    return found


def _table(name: str, data: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    text = _decoded(name, data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for cells in reader:
            if len(cells) > _MOST_COLUMNS or any(len(cell) > _LONGEST_CELL for cell in cells):
                raise _bad(
                    name, "a row is too wide", "", f"{_MOST_COLUMNS} columns", reader.line_num
                )
            yield reader.line_num, tuple(cells)
    except csv.Error as error:
        what = f"the file is no sound CSV: {error}"
        raise _bad(name, what, "", "a CSV file", reader.line_num) from None


def _decoded(name: str, data: bytes) -> str:
    if not data.strip():
        raise _bad(name, "the file is empty", "", "a CSV file with a line of headings")
    if b"\0" in data:
        raise _bad(name, "this is no text", "", "a CSV file in UTF-8 or Windows-1252")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(_DELIMITERS, key=first.count)


def _places(name: str, headings: Sequence[str], asked: Mapping[str, str]) -> dict[str, int]:
    """Which column holds what: as asked, else by its heading."""
    known = {heading.strip().casefold(): at for at, heading in reversed([*enumerate(headings)])}
    found: dict[str, int] = {}
    problems: list[tuple[str, str]] = []
    for part, usual in COLUMNS.items():
        wanted = asked.get(part, "").strip()
        if wanted and wanted.casefold() not in known:
            problems.append((f"there is no column '{wanted}'", part))
        hits = [one for one in ([wanted.casefold()] if wanted else usual) if one in known]
        if hits:
            found[part] = known[hits[0]]
        elif part in _NEEDED and not wanted:
            problems.append((f"no column is headed as the {_WORDS[part]} usually is", part))
    if problems:
        listed = ", ".join(one.strip() for one in headings)[:500]
        raise BadInput(
            Problem(what, file=name, line=1, column=part, allowed=f"one of: {listed}")
            for what, part in problems
        )
    return found


_WORDS = {"booked": "day of booking", "amount": "amount"}


def _mark(name: str, amounts: Sequence[str]) -> Mark:
    try:
        told = decimal_mark(amounts)
    except ValueError as error:
        raise _bad(name, str(error), "", "choose the decimal mark", column="amount") from None
    if told is None and (found := next((one for one in amounts if is_open(one)), None)):
        what = "the amounts don't tell whether they have decimals"
        raise _bad(name, what, found, "choose the decimal mark", column="amount")
    return told or Mark.POINT


def _entry(row: _Row, mark: Mark, days: DayOrder, currency: str, counted: Counted) -> Entry:
    code = row.get("currency").upper() or currency
    if not known_currency(code):
        raise ValueError(f"{code} is no currency")
    minor = read_minor(row.get("amount"), code, mark)
    direction = _direction(row.get("direction"), minor)
    booked = read_day(row.get("booked"), days)
    value = read_day(row.get("value"), days) if row.get("value") else booked
    if minor == 0:
        raise ValueError("the amount is nothing")
    texts = {
        "debtor": row.get("debtor"),
        "iban": compact(row.get("iban")),
        "end_to_end_id": row.get("end_to_end_id"),
        "text": row.get("text"),
        "bank_reference": row.get("bank_reference"),
    }
    reference = row.get("reference")
    key = counted.key("", _said(booked, code, abs(minor), direction, reference, texts))
    return Entry(
        key=key,
        place=f"line {row.line}",
        direction=direction,
        booked_on=booked,
        value_on=value,
        currency=code,
        minor=abs(minor),
        references=(reference,) if reference else (),
        **texts,
    )


def _said(  # noqa: PLR0917 (what a row says)
    booked: date, code: str, minor: int, direction: Direction, reference: str, texts: dict[str, str]
) -> list[str]:
    said = [booked.isoformat(), code, str(minor), direction.value]
    if texts["bank_reference"]:
        return [*said, texts["bank_reference"]]
    return [*said, reference, *texts.values()]


def _direction(text: str, minor: int) -> Direction:
    word = text.upper()
    if word and word not in _IN | _OUT:
        raise ValueError(f"'{text}' says neither credit nor debit")
    return Direction.OUT if word in _OUT or minor < 0 else Direction.IN


def _bad(  # noqa: PLR0917 (every part of a problem)
    name: str, what: str, found: str, allowed: str, line: int | None = None, column: str = ""
) -> BadInput:
    return BadInput.one(
        Problem(what, file=name, line=line, column=column, found=found, allowed=allowed)
    )
