"""What is delivered and not billed at the end of a month, and its reversal on the next day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext

from billing.accounting.books import Books
from billing.accounting.documents import fee_postings
from billing.accounting.values import Entry, EntryKind, Posting, opposite, without_zeros
from billing.invoices.fee_document import Allowance, DocumentType, FeeDocument, FeeLine
from governance.values import EXACT, Period, round_money, summed


def month_ends(period: Period, today: date) -> tuple[date, ...]:
    """The month ends whose accrual or reversal lies in the period; none after today."""
    before = Period(period.start - timedelta(days=1), period.end)
    ends = (month.end for month in before.months())
    return tuple(end for end in ends if before.contains(end) and end <= today)


def accrual_entries(
    documents: Iterable[FeeDocument],
    ends: Iterable[date],
    books: Books,
    months: Iterable[FeeDocument] = (),
) -> Iterator[Entry]:
    """An accrual at each month end for every document that isn't issued by then, and its reversal.

    Accrued is what is before tax, service credits taken off: the invoice makes the tax due.
    `months` are settled ones without an invoice of their own, with what each alone delivered. They
    count until the month end that completes their quarter or year, and where nobody has drawn up
    its invoice yet. Of an invoice of several months that aren't settled one by one the part of its
    days that have passed is accrued, each amount rounded half up. Drafts count with the figures
    that they have now. Credit notes, and invoices that correct one, are never accrued.
    """
    alone = list(months)
    charged_later = {one.period for one in alone}
    known = [
        one
        for one in documents
        if one.type is DocumentType.INVOICE and one.period not in charged_later
    ]
    for end in ends:
        by_then = [one for one in alone if one.period.end <= end]
        for document in known:
            if _unbilled(document, end):
                yield from _of_document(document, end, books, by_then)
        for month in by_then:
            if not any(one.period.contains(month.period.end) for one in known):
                yield from _accrual(month, end, books)


def _of_document(
    document: FeeDocument, end: date, books: Books, months: Iterable[FeeDocument]
) -> Iterator[Entry]:
    """What is delivered of a document: month by month where all of them are settled."""
    span = document.period
    own = [one for one in months if span.contains(one.period.end)]
    passed = Period(span.start, min(span.end, end)).months()
    if end < span.end and {one.period for one in own} >= set(passed):
        for month in own:
            yield from _accrual(month, end, books)
    else:
        yield from _accrual(document, end, books)


def _unbilled(document: FeeDocument, end: date) -> bool:
    issued = document.issued_on is not None and document.issued_on <= end
    return not issued and document.period.start <= end


def _accrual(document: FeeDocument, end: date, books: Books) -> Iterator[Entry]:
    part = delivered(document, end)
    fees = without_zeros(fee_postings(part, books))
    net = summed(one.amount for one in fees)
    if not fees:
        return
    number = f"ACC-{end:%Y-%m}/{document.period.label}"
    postings = without_zeros((Posting(books.accrued(), -net, reference=number), *fees))
    accrual = Entry(
        on=end,
        kind=EntryKind.ACCRUAL,
        number=number,
        payee=(document.buyer if books.is_provider else document.seller).name,
        narration=f"Delivered in {document.period.label} and not billed by {end.isoformat()}",
        currency=document.currency,
        postings=postings,
    )
    yield accrual
    yield replace(
        accrual,
        on=end + timedelta(days=1),
        kind=EntryKind.REVERSAL,
        narration=f"Reversal of {number}",
        postings=opposite(postings),
    )


def delivered(document: FeeDocument, end: date) -> FeeDocument:
    """The document with the part of its lines and allowances that was delivered by a day."""
    span = document.period
    passed = Period(span.start, min(span.end, end)).days
    if passed == span.days:
        return document

    def part(amount: Decimal) -> Decimal:
        with localcontext(EXACT):
            return round_money(amount * passed / span.days, document.currency)

    def line(one: FeeLine) -> FeeLine:
        return replace(one, amount=part(one.amount))

    def allowance(one: Allowance) -> Allowance:
        return replace(one, amount=part(one.amount))

    return replace(
        document,
        lines=tuple(line(one) for one in document.lines),
        allowances=tuple(allowance(one) for one in document.allowances),
    )
