"""Hold a period's provider invoices against what should have been billed.

Everything is a pure function of the documents as they were read, of the computed invoice and of
people's decisions on single lines. The differences add up to what is billed less what is expected,
to the cent, and every billed and every expected line stands in exactly one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.provider_invoices.differences import Difference, Kind
from billing.provider_invoices.line_differences import differences_of_row, said
from billing.provider_invoices.matching import Decisions, Placed, match_items
from billing.provider_invoices.tax_differences import tax_differences
from billing.provider_invoices.values import BilledDocument, BilledItem, Expected, ExpectedItem
from governance.values import Period, summed


@dataclass(frozen=True, slots=True)
class Row:
    """An expected line with all that is billed for it, or a billed line that nothing expects."""

    expected: ExpectedItem | None
    billed: tuple[Placed, ...]
    differences: tuple[Difference, ...]

    @property
    def billed_amount(self) -> Decimal:
        """What all of it comes to, before tax."""
        return summed(one.item.amount for one in self.billed)

    @property
    def expected_amount(self) -> Decimal:
        """What should have been billed, before tax."""
        return self.expected.amount if self.expected else Decimal(0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The check of one period; amounts in `currency`, with tax where nothing else is said."""

    period: Period
    currency: str
    documents: tuple[str, ...]
    """Numbers of the provider's documents, invoices first."""
    rows: tuple[Row, ...]
    further: tuple[Difference, ...]
    """What belongs to no line: tax, totals, references."""
    billed: Decimal
    """What the documents come to; those in another currency don't count."""
    expected: Decimal

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All of them, lines first; they add up to what is billed less what is expected."""
        return (*(one for row in self.rows for one in row.differences), *self.further)

    @property
    def difference(self) -> Decimal:
        """What is billed too much; negative where too little is."""
        return self.billed - self.expected


def compare(
    documents: Sequence[BilledDocument], expected: Expected, decisions: Decisions
) -> Comparison:
    """All documents of a period together, so that what is given back or billed again is seen.

    What another currency is billed in is compared with nothing.
    """
    ordered = sorted(documents, key=lambda one: (one.is_credit_note, one.issued_on, one.number))
    as_read = [one for one in ordered if one.currency == expected.currency]
    own = [_as_expected(one, expected) for one in as_read]
    placed = match_items(own, expected, decisions)
    giving_back = {one.number for one in own if one.is_credit_note}
    return Comparison(
        period=expected.period,
        currency=expected.currency,
        documents=tuple(one.number for one in ordered),
        rows=tuple(_rows(placed, expected, giving_back)),
        further=(
            *tax_differences(own, placed, expected),
            *(one for document in as_read for one in _of_document(document, expected)),
            *(_foreign(one, expected) for one in ordered if one.currency != expected.currency),
        ),
        billed=summed(one.total for one in own),
        expected=expected.total,
    )


def _as_expected(document: BilledDocument, expected: Expected) -> BilledDocument:
    """The document with a tax that is no VAT as a charge, where it is expected as one."""
    others = {one.title: one for one in expected.items if one.key.startswith("tax ")}
    if not others or not any(one.amount for one in document.taxes):
        return document
    (title, usual), *_ = others.items()
    charges = tuple(
        BilledItem(f"charge tax {number}", title, one.amount, tax=usual.tax)
        for number, one in enumerate(document.taxes, start=1)
        if one.amount
    )
    untaxed = tuple(replace(one, tax=usual.tax) for one in document.items)
    return replace(document, items=(*untaxed, *charges), taxes=())


def _rows(placed: Sequence[Placed], expected: Expected, giving_back: set[str]) -> Iterator[Row]:
    for one in expected.items:
        billed = tuple(each for each in placed if each.target == one.key)
        yield Row(one, billed, tuple(differences_of_row(one, billed, expected, giving_back)))
    for each in placed:
        if not each.target:
            yield Row(None, (each,), tuple(_unexpected(each, expected)))


def _unexpected(placed: Placed, expected: Expected) -> Iterator[Difference]:
    item, kind = placed.item, Kind.NOT_IN_CONTRACT
    billed, agreed = said(item.amount, expected.currency), ""
    span = item.period
    outside = span and not span.overlap(expected.period.start, expected.period.end)
    if outside or expected.why_nothing:
        kind = Kind.PERIOD
        billed = span.label if outside and span else billed
        agreed = expected.why_nothing or expected.period.label
    if item.amount:
        yield Difference(kind, item.amount, item.title, billed, agreed, placed.document, item.key)


def _of_document(document: BilledDocument, expected: Expected) -> Iterator[Difference]:
    """Its totals, its references and its period."""
    lines = summed(one.amount for one in document.items if one.is_line)
    net, taxes = (
        summed(one.amount for one in document.items),
        summed(one.amount for one in document.taxes),
    )
    for title, stated, parts, amount in (
        ("Sum of the lines", document.subtotal, lines, Decimal(0)),
        ("Total before tax", document.net, net, Decimal(0)),
        ("Tax", document.tax_total, taxes, Decimal(0)),
        ("Total", document.total, net + taxes, document.total - net - taxes),
    ):
        if stated is not None and stated != parts:
            figures = (said(stated, document.currency), said(parts, document.currency))
            yield Difference(Kind.TOTALS, amount, title, *figures, document=document.number)
    yield from _references(document, expected)


def _references(document: BilledDocument, expected: Expected) -> Iterator[Difference]:
    order, nothing = expected.purchase_order, Decimal(0)
    number = document.number
    if order and document.purchase_order != order and not document.is_credit_note:
        stated = document.purchase_order or "none"
        yield Difference(Kind.PURCHASE_ORDER, nothing, "Purchase order", stated, order, number)
    span = document.period
    if span and not span.overlap(expected.period.start, expected.period.end):
        figures = (span.label, expected.period.label)
        yield Difference(Kind.PERIOD, nothing, "Period of the invoice", *figures, number)


def _foreign(document: BilledDocument, expected: Expected) -> Difference:
    billed = said(document.total, document.currency)
    number, currency = document.number, expected.currency
    return Difference(Kind.CURRENCY, Decimal(0), "Currency", billed, currency, number)
