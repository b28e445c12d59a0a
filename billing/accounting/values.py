"""Entries of a journal as values: dated, balanced, in one currency each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from governance.access_terms import Side
from governance.values import Period, summed

_NOTHING = Decimal(0)


class AccountType(StrEnum):
    """What an account is in the balance sheet or in profit and loss."""

    ASSET = "asset"
    LIABILITY = "liability"
    REVENUE = "revenue"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """A ledger account; colons separate the levels of its name."""

    name: str
    type: AccountType


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on an account, in the entry's currency: debit is positive, credit negative."""

    account: Account
    amount: Decimal
    cost_centre: str = ""
    purchase_order: str = ""
    reference: str = ""
    """What it is for: the charge, clause, payment or invoice."""


class EntryKind(StrEnum):
    """What an entry records; entries of one day stand in this order."""

    REVERSAL = "reversal"
    """Of an accrual, on the first of the next month."""
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    LATE_CHARGE = "late_charge"
    """Interest, a lump sum or a fee that a reminder charges."""
    WAIVER = "waiver"
    """What the provider lets go of that."""
    PAYMENT = "payment"
    ALLOCATION = "allocation"
    """What was on account pays an invoice."""
    ALLOCATION_TAKEN_BACK = "allocation_taken_back"
    REFUND = "refund"
    BOUNCE = "bounce"
    WRITE_OFF = "write_off"
    WRITE_OFF_REVERSAL = "write_off_reversal"
    INVOICE_REFUND = "invoice_refund"
    """The provider paid out on an invoice in the client's favour."""
    INVOICE_REFUND_TAKEN_BACK = "invoice_refund_taken_back"
    ACCRUAL = "accrual"


_ORDER = {kind: place for place, kind in enumerate(EntryKind)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; its postings add up to nothing."""

    on: date
    kind: EntryKind
    number: str
    """The document's: an invoice, credit note, payment, write-off or accrual."""
    payee: str
    """The other party."""
    narration: str
    currency: str
    postings: tuple[Posting, ...]

    @property
    def volume(self) -> Decimal:
        """Sum of the debits, which is that of the credits."""
        return summed(one.amount for one in self.postings if one.amount > 0)

    @property
    def difference(self) -> Decimal:
        """Debits less credits: zero, or it isn't an entry."""
        return summed(one.amount for one in self.postings)


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What the entries of a journal come to on one account in one currency."""

    account: Account
    currency: str
    debit: Decimal
    credit: Decimal
    """Positive."""

    @property
    def balance(self) -> Decimal:
        """Debit less credit."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class Journal:
    """The entries of one party's books between two days."""

    engagement: str
    title: str
    side: Side
    period: Period
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    """What the journal doesn't have and a reader might look for, as sentences."""

    @property
    def totals(self) -> tuple[AccountTotal, ...]:
        """By account and currency, in the order of their names."""
        sums: dict[tuple[Account, str], tuple[Decimal, Decimal]] = {}
        for entry in self.entries:
            for one in entry.postings:
                key = (one.account, entry.currency)
                debit, credit = sums.get(key, (_NOTHING, _NOTHING))
                sums[key] = (debit + max(one.amount, _NOTHING), credit + max(-one.amount, _NOTHING))
        return tuple(AccountTotal(*key, *sums[key]) for key in sorted(sums))


def in_order(entries: Iterable[Entry], period: Period) -> tuple[Entry, ...]:
    """The entries of these days, oldest first; those without postings say nothing and go."""
    kept = (one for one in entries if one.postings and period.contains(one.on))
    return tuple(sorted(kept, key=lambda one: (one.on, _ORDER[one.kind], one.number)))


def without_zeros(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The postings that move something."""
    return tuple(one for one in postings if one.amount)


def opposite(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """The same with debit and credit changed over."""
    return tuple(
        Posting(one.account, -one.amount, one.cost_centre, one.purchase_order, one.reference)
        for one in postings
    )
