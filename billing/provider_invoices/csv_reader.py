"""Read a provider's invoice from a CSV file, one row a line, by a mapping of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from billing.csv_tables import Columns, Row, bad_file, read_rows
from billing.e_invoices.codes import CATEGORIES
from billing.e_invoices.taxes import Category
from billing.invoices.fee_document import DocumentType
from billing.payments.csv_reader import mark_of
from billing.payments.notations import DayOrder, Mark, read_day, read_decimal, read_minor
from billing.provider_invoices.values import BilledDocument, BilledItem, BilledTax, Source
from billing.provider_invoices.xml_reader import MOST_LINES
from governance.contract.charges import TaxCategory
from governance.errors import BadInput, Problem
from governance.values import Money, Period, known_currency, summed

T = TypeVar("T")
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("invoice number", "invoice", "invoice no", "number", "rechnungsnummer", "rechnung"),
    "issued_on": ("invoice date", "issued on", "issued", "date", "rechnungsdatum", "datum"),
    "period": ("period", "month", "leistungszeitraum", "leistungsmonat", "monat"),
    "line": ("line id", "line", "item", "item id", "charge", "position", "artikel"),
    "description": ("description", "title", "text", "service", "beschreibung", "bezeichnung"),
    "quantity": ("quantity", "qty", "menge", "anzahl"),
    "price": ("unit price", "price", "einzelpreis", "preis"),
    "net": ("net amount", "net", "amount", "netto", "nettobetrag", "betrag"),
    "tax_rate": ("tax rate", "vat rate", "vat %", "tax %", "steuersatz", "ust-satz"),
    "tax": ("tax amount", "tax", "vat", "vat amount", "steuer", "steuerbetrag", "ust"),
    "total": ("total", "gross", "invoice total", "gesamtbetrag", "brutto"),
    "currency": ("currency", "währung", "waehrung", "ccy"),
    "purchase_order": ("purchase order", "po", "order", "bestellnummer", "bestellung"),
}  # fmt: skip
"""What a row of an invoice has, and how the columns for it are usually headed."""
_NEEDED: Final = {
    "number": "invoice's number",
    "issued_on": "day of issue",
    "description": "description",
    "net": "net amount",
}
_ROWS: Final = Columns(COLUMNS, _NEEDED, "line of an invoice")
_STANDARD: Final = CATEGORIES[TaxCategory.STANDARD]
_ZERO: Final = CATEGORIES[TaxCategory.ZERO]


@dataclass(frozen=True, slots=True)
class CsvProfile:
    """How a provider's CSV file is read; what is empty is found by the headings and figures."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """The heading of the column for each part of a row."""
    mark: Mark | None = None
    days: DayOrder = DayOrder.DAY_FIRST


def read_csv(name: str, data: bytes, profile: CsvProfile, currency: str) -> BilledDocument:
    """The one invoice of a CSV file; negative amounts give back.

    The total is what its column states, the same in every row, or in its last row alone; without
    that column it is what the rows come to. `currency` holds where no column says one. Raises
    BadInput with file, line and column of every cell that can't be read, and where the file holds
    several invoices.
    """
    rows = read_rows(name, data, _ROWS, profile.columns, MOST_LINES)
    table = _Table(name, rows, profile, currency)
    items = table.items()
    taxes = table.taxes(items)
    # The first row's cells hold for the invoice as a whole.
    document = BilledDocument(
        source=Source.CSV,
        type=DocumentType.INVOICE,
        number=table.the_one("number", str),
        issued_on=table.the_one("issued_on", table.day),
        currency=table.currency,
        items=items,
        taxes=taxes,
        total=table.total(items, taxes),
        period=table.period(),
        purchase_order=table.the_one("purchase_order", str),
    )
    table.raise_problems()
    return document


class _Table:
    """The rows of one file, and what is wrong with their cells."""

    def __init__(self, name: str, rows: Sequence[Row], profile: CsvProfile, currency: str) -> None:
        self._name, self._rows, self._days = name, rows, profile.days
        self._problems: list[Problem] = []
        parts = ("net", "price", "tax", "total", "quantity")
        figures = [row.get(part) for part in parts for row in rows]
        self._mark = profile.mark or mark_of(name, figures, "net")
        self.currency = self.the_one("currency", str).upper() or currency
        if not known_currency(self.currency):
            raise bad_file(name, "this is no currency", self.currency, "EUR", column="currency")

    def raise_problems(self) -> None:
        """Raise BadInput where any cell couldn't be read."""
        if self._problems:
            raise BadInput(self._problems)

    def day(self, text: str) -> date:
        return read_day(text, self._days)

    def the_one(self, part: str, read: Callable[[str], T]) -> T:
        """What all rows that state a part agree on; BadInput where they don't."""
        found = {row.get(part): row for row in reversed(self._rows) if row.get(part)}
        if len(found) > 1:
            listed = ", ".join(list(found)[:5])
            what = f"the file holds more than one {part.replace('_', ' ')}"
            raise bad_file(self._name, what, listed, "one invoice a file", column=part)
        text, row = next(iter(found.items()), ("", self._rows[0]))
        if not text and part in _NEEDED:
            raise bad_file(self._name, f"the {_NEEDED[part]} is missing", "", "", row.line, part)
        try:
            return read(text)
        except ValueError as error:
            raise bad_file(self._name, str(error), text, "", row.line, part) from None

    def period(self) -> Period | None:
        """The period of all rows together; None where none states one."""
        found = [one for row in self._rows if (one := self._cell(row, "period", self._span))]
        if not found:
            return None
        return Period(min(one.start for one in found), max(one.end for one in found))

    def _span(self, text: str) -> Period:
        first, separator, last = text.partition("/")
        if separator and len(first) > 4:
            return Period(self.day(first), self.day(last))
        try:
            return Period.parse(text)
        except BadInput:
            day = self.day(text)
            return Period.month(day.year, day.month)

    def items(self) -> tuple[BilledItem, ...]:
        """The lines; no money moves by what can't be read, for the caller raises it."""
        return tuple(self._item(number, row) for number, row in enumerate(self._rows, start=1))

    def _item(self, number: int, row: Row) -> BilledItem:
        quantity = self._cell(row, "quantity", self._decimal)
        price = self._cell(row, "price", self._decimal)
        if price is not None and price < 0:
            quantity, price = -(quantity or Decimal(1)), -price
        if not row.get("net"):
            self._note(row, "net", "the amount is missing")
        return BilledItem(
            key=f"line {number}",
            title=row.get("description"),
            amount=self._cell(row, "net", self._amount) or Decimal(0),
            charge=row.get("line"),
            quantity=quantity,
            price=price,
            tax=self._category(row),
            period=self._cell(row, "period", self._span),
        )

    def _category(self, row: Row) -> Category | None:
        rate = self._cell(row, "tax_rate", self._decimal)
        if rate is None:
            return None
        return Category(_STANDARD if rate else _ZERO, rate)

    def taxes(self, items: Sequence[BilledItem]) -> tuple[BilledTax, ...]:
        """The rows' tax amounts by rate."""
        sums: dict[Category | None, Decimal] = {}
        for item, row in zip(items, self._rows, strict=True):
            amount = self._cell(row, "tax", self._amount)
            if amount is not None:
                sums[item.tax] = sums.get(item.tax, Decimal(0)) + amount
        return tuple(BilledTax(category, amount) for category, amount in sums.items())

    def total(self, items: Sequence[BilledItem], taxes: Sequence[BilledTax]) -> Decimal:
        """As stated: a total that every row repeats, or the sum of the rows' own."""
        net = summed(one.amount for one in items)
        computed = net + summed(one.amount for one in taxes)
        cells = [self._cell(row, "total", self._amount) for row in self._rows]
        stated = [one for one in cells if one is not None]
        if not stated:
            return computed
        # Rows may have equal totals of their own: what comes closer to the rows is meant.
        repeated = abs(stated[0] - computed) < abs(summed(stated) - computed)
        return stated[0] if repeated and len(set(stated)) == 1 else summed(stated)

    def _decimal(self, text: str) -> Decimal:
        return read_decimal(text, self._mark)

    def _amount(self, text: str) -> Decimal:
        return Money(read_minor(text, self.currency, self._mark), self.currency).amount

    def _cell(self, row: Row, part: str, read: Callable[[str], T]) -> T | None:
        """A cell's value; None where it is empty or can't be read, which is noted."""
        text = row.get(part)
        try:
            return read(text) if text else None
        except ValueError as error:
            self._note(row, part, str(error))
            return None

    def _note(self, row: Row, part: str, what: str) -> None:
        problem = Problem(what, self._name, row.line, column=part, found=row.get(part)[:200])
        if problem not in self._problems:
            self._problems.append(problem)
