"""Read payments from a bank's CSV file by a simple mapping of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from billing.csv_tables import Columns, Row, bad_file, read_rows
from billing.payments.keys import Counted, compact
from billing.payments.notations import DayOrder, Mark, decimal_mark, is_open, read_day, read_minor
from billing.payments.values import Direction, Entry, Skipped, Source, Statement
from governance.values import known_currency

MOST_ENTRIES = 5000
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
_COLUMNS = Columns(COLUMNS, {"booked": "day of booking", "amount": "amount"}, "payment")
_IN = frozenset({"C", "CR", "CRDT", "CREDIT", "H", "HABEN", "IN", "+"})
_OUT = frozenset({"D", "DR", "DBIT", "DEBIT", "S", "SOLL", "OUT", "-"})


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a CSV file is read; what is empty is found by the headings and the amounts."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """The heading of the column for each part of a payment."""
    mark: Mark | None = None
    days: DayOrder = DayOrder.DAY_FIRST


def read_csv(name: str, data: bytes, mapped: Mapped, currency: str) -> Statement:
    """The payments of a CSV file in UTF-8 or Windows-1252, with a line of headings.

    `currency` holds where no column says one. A row that can't be read is skipped with its line
    and the reason. Raises BadInput where the file as a whole can't be read: no headings, no
    column for day or amount, amounts whose decimal mark is open, too many rows.
    """
    rows = read_rows(name, data, _COLUMNS, mapped.columns, MOST_ENTRIES)
    mark = mapped.mark or mark_of(name, [row.get("amount") for row in rows])
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


def mark_of(name: str, amounts: Sequence[str], column: str = "amount") -> Mark:
    """The decimal mark that a file's amounts tell of; BadInput where they leave it open."""
    try:
        told = decimal_mark(amounts)
    except ValueError as error:
        raise bad_file(name, str(error), "", "choose the decimal mark", column=column) from None
    if told is None and (found := next((one for one in amounts if is_open(one)), None)):
        what = "the amounts don't tell whether they have decimals"
        raise bad_file(name, what, found, "choose the decimal mark", column=column)
    return told or Mark.POINT


def _entry(row: Row, mark: Mark, days: DayOrder, currency: str, counted: Counted) -> Entry:
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
