"""The entry of an invoice or credit note."""

from __future__ import annotations

from collections.abc import Iterator

from billing.accounting.books import SELF_ASSESSED, Books
from billing.accounting.values import Entry, EntryKind, Posting, opposite, without_zeros
from billing.invoices.fee_document import DocumentType, FeeDocument, FeeTax
from billing.tax import percentage_of
from governance.errors import BadInput, Problem


def document_entry(document: FeeDocument, books: Books) -> Entry:
    """What an issued document is in a party's books, on the day of its issue.

    The lines less the service credits are revenue (the client's expense) and taxes stand by
    category and rate; against them stand what is payable and what the client withholds. A credit
    note is the same the other way round. Amounts keep the document's currency. Raises BadInput for
    a draft and for a document whose own figures don't add up.
    """
    if document.number is None or document.issued_on is None:
        raise BadInput.one(Problem("a draft isn't posted", allowed="an issued document"))
    returned = document.type is DocumentType.CREDIT_NOTE
    postings = without_zeros(_postings(document, books))
    entry = Entry(
        on=document.issued_on,
        kind=EntryKind.CREDIT_NOTE if returned else EntryKind.INVOICE,
        number=document.number,
        payee=(document.buyer if books.is_provider else document.seller).name,
        narration=_narration(document),
        currency=document.currency,
        postings=opposite(postings) if returned else postings,
    )
    if entry.difference:
        what = f"the figures of {document.number} don't add up: {entry.difference} is left"
        raise BadInput.one(Problem(what, allowed="lines less credits plus taxes as the total"))
    return entry


def _narration(document: FeeDocument) -> str:
    words = {
        DocumentType.INVOICE: "Fees",
        DocumentType.CREDIT_NOTE: "Credit note on fees",
        DocumentType.CORRECTED_INVOICE: "Corrected invoice of fees",
    }[document.type]
    of = f" ({document.corrects.number})" if document.corrects else ""
    return f"{words} for {document.period.label}{of}, {document.title}"


def _postings(document: FeeDocument, books: Books) -> Iterator[Posting]:
    yield Posting(
        books.open(),
        books.sign * document.payable,
        purchase_order=document.purchase_order or "",
        reference=document.number or "",
    )
    yield books.posting(books.withholding(), document.withholding, document.number or "")
    yield from fee_postings(document, books)
    for tax in document.taxes:
        yield from _tax_postings(tax, document.currency, books)


def fee_postings(document: FeeDocument, books: Books) -> Iterator[Posting]:
    """The lines and the service credits of a document, before tax, by cost centre."""
    for line in document.lines:
        account = books.fees(line.charge)
        yield from _ordered(
            document, books.shared(account, -line.amount, document.currency, line.charge)
        )
    for one in document.allowances:
        reference = one.clause or one.reason
        account = books.service_credits()
        yield from _ordered(
            document, books.shared(account, one.amount, document.currency, reference)
        )


def _ordered(document: FeeDocument, postings: Iterator[Posting]) -> Iterator[Posting]:
    """With the document's purchase order where a part has none of its own."""
    for one in postings:
        order = one.purchase_order or document.purchase_order or ""
        yield Posting(one.account, one.amount, one.cost_centre, order, one.reference)


def _tax_postings(tax: FeeTax, currency: str, books: Books) -> Iterator[Posting]:
    account = books.tax(tax.tax)
    if tax.tax.name is not None and not books.is_provider:
        yield from books.shared(account, -tax.amount, currency)
    else:
        yield books.posting(account, -tax.amount)
    if books.is_provider or books.own_tax_rate is None or tax.tax.category not in SELF_ASSESSED:
        return
    own = percentage_of(tax.base, books.own_tax_rate, currency)
    yield Posting(books.tax(tax.tax), own, reference="declared and deducted by the client")
    yield Posting(books.own_tax(tax.tax), -own, reference="declared and deducted by the client")
