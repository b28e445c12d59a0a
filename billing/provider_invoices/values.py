"""What a provider's own invoice states, and what contract and evidence say it should state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.e_invoices.taxes import Category, adjustments_of, breakdowns_of, category_of
from billing.invoices.fee_document import DocumentType, FeeDocument, FeeLine
from governance.values import Period, summed


class Source(StrEnum):
    """What an invoice was handed in as."""

    CII = "cii"
    UBL = "ubl"
    PDF = "pdf"
    """With one of the two inside."""
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class BilledItem:
    """A line, or an allowance or charge on the whole document; what gives back is negative."""

    key: str
    """Unique in its document: "line 3", "allowance 1", "charge 1"."""
    title: str
    amount: Decimal
    """Before tax, as stated."""
    charge: str = ""
    """The seller's id of the item (BT-155), which may be the contract's id of the charge."""
    text: str = ""
    """All else that is said of it."""
    quantity: Decimal | None = None
    price: Decimal | None = None
    """Of one unit; never negative."""
    tax: Category | None = None
    """None where the line states no tax."""
    period: Period | None = None
    """Its own, where it states one."""

    @property
    def is_line(self) -> bool:
        """Whether it is a line of the document."""
        return self.key.startswith("line")


@dataclass(frozen=True, slots=True)
class BilledTax:
    """A tax as stated; no category where the document states only an amount."""

    category: Category | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BilledDocument:
    """An invoice or credit note of the provider; the amounts of a credit note are negative."""

    source: Source
    type: DocumentType
    number: str
    issued_on: date
    currency: str
    items: tuple[BilledItem, ...]
    taxes: tuple[BilledTax, ...]
    total: Decimal
    """With tax, as stated."""
    period: Period | None = None
    """None where the document states none."""
    purchase_order: str = ""
    corrects: str = ""
    """Number of the invoice that it refers to."""
    subtotal: Decimal | None = None
    """The sum of the lines as stated, as are the next two; None where it isn't."""
    net: Decimal | None = None
    tax_total: Decimal | None = None

    @property
    def is_credit_note(self) -> bool:
        """Whether it gives back."""
        return self.type is DocumentType.CREDIT_NOTE


@dataclass(frozen=True, slots=True)
class ExpectedItem:
    """A line, or a share of the service credit, that should have been billed."""

    key: str
    """The charge's id, counted from its second line on ("CH-01", "CH-01 #2"), or "credit 1"."""
    title: str
    amount: Decimal
    """Before tax; what is given back is negative."""
    tax: Category
    charge: str = ""
    clause: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    """Of one unit; None where the line has more than one price."""
    position: int | None = None
    """Of the line on the computed invoice, where it opens to its measurement."""

    @property
    def of_whole(self) -> bool:
        """Whether it is of the whole invoice: service credit, bonus, or a tax that is no VAT."""
        return not self.charge

    @property
    def is_credit(self) -> bool:
        """Whether it is a share of the service credit."""
        return self.of_whole and self.amount < 0


@dataclass(frozen=True, slots=True)
class ExpectedTax:
    """Tax of one category and rate."""

    category: Category
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Expected:
    """What contract and evidence say of a period."""

    period: Period
    currency: str
    items: tuple[ExpectedItem, ...]
    taxes: tuple[ExpectedTax, ...]
    purchase_order: str = ""
    why_nothing: str = ""
    """Why nothing is expected at all; empty where something may be."""

    @property
    def total(self) -> Decimal:
        """With tax."""
        net = summed(one.amount for one in self.items)
        return net + summed(one.amount for one in self.taxes)


def expected_of(document: FeeDocument, span: Period | None = None) -> Expected:
    """What a computed invoice leads to expect, as an electronic invoice would state it.

    `span` are the days that it charges, where they are more than its own period. Taxes that are no
    VAT are charges on the document, as EN 16931 has them.
    """
    return Expected(
        period=span or document.period,
        currency=document.currency,
        items=(*_lines(document), *_adjustments(document)),
        taxes=tuple(
            ExpectedTax(one.category, one.base, one.amount) for one in breakdowns_of(document)
        ),
        purchase_order=document.purchase_order or "",
    )


def _lines(document: FeeDocument) -> Iterator[ExpectedItem]:
    seen: dict[str, int] = {}
    for line in document.lines:
        count = seen[line.charge] = seen.get(line.charge, 0) + 1
        quantity, price = _counted(line)
        yield ExpectedItem(
            key=line.charge if count == 1 else f"{line.charge} #{count}",
            title=line.title,
            amount=line.amount,
            tax=category_of(document, line.tax),
            charge=line.charge,
            clause="" if line.clause == "not stated" else line.clause,
            quantity=quantity,
            unit=line.unit,
            price=price,
            position=line.position,
        )


def _counted(line: FeeLine) -> tuple[Decimal, Decimal | None]:
    """Quantity and price; the quantity has the sign of a line that takes back."""
    if len(line.steps) != 1 or line.steps[0].quantity != line.quantity:
        return line.quantity, None
    sign = -1 if line.steps[0].price < 0 else 1
    return line.quantity * sign, line.steps[0].price * sign


def _adjustments(document: FeeDocument) -> Iterator[ExpectedItem]:
    clauses = [one.clause for one in document.allowances if one.amount]
    for number, one in enumerate(adjustments_of(document), start=1):
        clause = "" if one.is_tax else clauses[number - 1]
        key = f"{'tax' if one.is_tax else 'credit'} {number}"
        yield ExpectedItem(key, one.reason, -one.amount, one.category, clause=clause)
