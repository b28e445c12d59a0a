"""The entries of payments, write-offs and what was paid out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.accounting.books import Books
from billing.accounting.values import Entry, EntryKind, Posting, opposite, without_zeros
from governance.values import summed


@dataclass(frozen=True, slots=True)
class Allocated:
    """A part of a payment that pays an invoice."""

    invoice: str
    """Its number."""
    amount: Decimal
    on: date
    """The day on which somebody said so."""
    taken_back_on: date | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """A part of a payment that went back to who paid it."""

    amount: Decimal
    on: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment with all that became of it."""

    reference: str
    """PAY-3."""
    booked_on: date
    recorded_on: date
    currency: str
    amount: Decimal
    payee: str
    """The other party to whose books these are."""
    allocations: tuple[Allocated, ...] = ()
    refunds: tuple[Refunded, ...] = ()
    bounced_on: date | None = None
    bounce_reason: str = ""

    @property
    def bounced(self) -> Decimal:
        """What the bank took back."""
        refunded = summed(one.amount for one in self.refunds)
        return Decimal(0) if self.bounced_on is None else self.amount - refunded


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """An amount of an invoice that was given up with approval, or is expected again."""

    reference: str
    """WO-2, or WR-1 where it is expected again."""
    on: date
    invoice: str
    currency: str
    amount: Decimal
    payee: str
    reason: str = ""
    reversed_: bool = False
    """Whether it is expected again."""


def payment_entries(paid: Paid, books: Books) -> Iterator[Entry]:
    """A payment on the day that it was booked, and what became of it later.

    What was allocated on the day that the payment was recorded is part of its own entry; the rest
    is on account. Later allocations are posted on their day, so that no closed month changes, and
    what is taken back, refunded or bounced likewise. An allocation that was taken back on its own
    day moved nothing.
    """
    lasting = [
        one for one in paid.allocations if one.taken_back_on is None or one.taken_back_on > one.on
    ]
    at_once = [one for one in lasting if one.on <= paid.recorded_on]
    direct = summed(one.amount for one in at_once)
    yield _entry(
        paid,
        EntryKind.PAYMENT,
        paid.booked_on,
        f"Payment {paid.reference}",
        books.posting(books.bank(), paid.amount, paid.reference),
        *(books.posting(books.open(), -one.amount, one.invoice) for one in at_once),
        books.posting(books.on_account(), direct - paid.amount, paid.reference),
    )
    for one in lasting:
        if one.on > paid.recorded_on:
            yield _moved(paid, books, one, one.on)
        if one.taken_back_on is not None:
            yield _moved(paid, books, one, max(one.taken_back_on, paid.booked_on), back=True)
    yield from _returned(paid, books)


def _moved(paid: Paid, books: Books, one: Allocated, on: date, *, back: bool = False) -> Entry:
    amount = -one.amount if back else one.amount
    said = "no longer pays" if back else "pays"
    return _entry(
        paid,
        EntryKind.ALLOCATION_TAKEN_BACK if back else EntryKind.ALLOCATION,
        on,
        f"{paid.reference} {said} {one.invoice}",
        books.posting(books.on_account(), amount, paid.reference),
        books.posting(books.open(), -amount, one.invoice),
    )


def _returned(paid: Paid, books: Books) -> Iterator[Entry]:
    returned = [(EntryKind.REFUND, one.on, one.amount, one.reason) for one in paid.refunds]
    if paid.bounced_on is not None:
        bounced = (EntryKind.BOUNCE, paid.bounced_on, paid.bounced, paid.bounce_reason)
        returned.append(bounced)
    for kind, on, amount, reason in returned:
        words = "refunded" if kind is EntryKind.REFUND else "taken back by the bank"
        yield _entry(
            paid,
            kind,
            on,
            f"{paid.reference} {words}" + (f": {reason}" if reason else ""),
            books.posting(books.on_account(), amount, paid.reference),
            books.posting(books.bank(), -amount, paid.reference),
        )


def _entry(paid: Paid, kind: EntryKind, on: date, narration: str, *postings: Posting) -> Entry:
    moving = without_zeros(postings)
    return Entry(on, kind, paid.reference, paid.payee, narration, paid.currency, moving)


def write_off_entry(one: WrittenOff, books: Books) -> Entry | None:
    """What the provider gives up of an invoice, or expects again; None in the client's books.

    A creditor that no longer expects a payment hasn't released the debtor from it: what the client
    owes is the client's to judge.
    """
    if not books.is_provider:
        return None
    postings = (
        books.posting(books.write_offs(), one.amount, one.reference),
        books.posting(books.open(), -one.amount, one.invoice),
    )
    what = "Reversal of a write-off of" if one.reversed_ else "Write-off of"
    return Entry(
        one.on,
        EntryKind.WRITE_OFF_REVERSAL if one.reversed_ else EntryKind.WRITE_OFF,
        one.reference,
        one.payee,
        f"{what} {one.invoice}" + (f": {one.reason}" if one.reason else ""),
        one.currency,
        opposite(postings) if one.reversed_ else postings,
    )


@dataclass(frozen=True, slots=True)
class PaidOut:
    """What the provider paid on an invoice that is in the client's favour."""

    reference: str
    """REF-1."""
    on: date
    invoice: str
    currency: str
    amount: Decimal
    payee: str
    reason: str = ""
    taken_back_on: date | None = None


def paid_out_entries(one: PaidOut, books: Books) -> Iterator[Entry]:
    """Money that left, and its correction where it hadn't."""
    postings = (
        books.posting(books.open(), one.amount, one.invoice),
        books.posting(books.bank(), -one.amount, one.reference),
    )
    said = f"{one.invoice} paid out" + (f": {one.reason}" if one.reason else "")
    kind = EntryKind.INVOICE_REFUND
    yield Entry(one.on, kind, one.reference, one.payee, said, one.currency, postings)
    if one.taken_back_on is not None:
        yield Entry(
            max(one.on, one.taken_back_on),
            EntryKind.INVOICE_REFUND_TAKEN_BACK,
            one.reference,
            one.payee,
            f"{one.invoice} wasn't paid out",
            one.currency,
            opposite(postings),
        )
