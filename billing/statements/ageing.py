"""Open invoices by how long they are past due, as of a day; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.statements.values import Account, Receivable
from governance.values import Period, summed

_NOTHING = Decimal(0)


class Bucket(StrEnum):
    """How long an invoice is past due, in days."""

    NOT_DUE = "not_due"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "over_90"


_LAST_DAYS = {Bucket.NOT_DUE: 0, Bucket.TO_30: 30, Bucket.TO_60: 60, Bucket.TO_90: 90}


def bucket_of(days: int) -> Bucket:
    """The bucket of so many days after the due date; the due date itself isn't past due."""
    return next((one for one, last in _LAST_DAYS.items() if days <= last), Bucket.OVER_90)


@dataclass(frozen=True, slots=True)
class AgedInvoice:
    """An invoice on which something is open."""

    id: int
    number: str
    period: Period
    issued_on: date
    due_on: date
    days: int
    """Past due; negative before it."""
    open: Decimal
    disputed: Decimal
    """What of it is in dispute."""

    @property
    def bucket(self) -> Bucket:
        """Where it stands."""
        return bucket_of(self.days)

    @property
    def undisputed(self) -> Decimal:
        """What the bucket has of it."""
        return self.open - self.disputed


@dataclass(frozen=True, slots=True)
class Sums:
    """Open amounts by bucket, what is disputed apart, and what the client has to its credit."""

    buckets: Mapping[Bucket, Decimal]
    """Undisputed amounts."""
    disputed: Decimal
    in_favour: Decimal = _NOTHING
    """Of invoices that are credited or paid beyond what was payable, as a positive amount."""
    on_account: Decimal = _NOTHING
    """Paid, and not yet for an invoice."""
    charges: Decimal = _NOTHING
    """Interest, lump sums and fees that reminders charged."""

    @property
    def open(self) -> Decimal:
        """All that is open on invoices."""
        return summed(self.buckets.values()) + self.disputed

    @property
    def balance(self) -> Decimal:
        """What the client owes in all: the closing balance of a statement to that day."""
        return self.open + self.charges - self.in_favour - self.on_account

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            {one: self.buckets[one] + other.buckets[one] for one in Bucket},
            self.disputed + other.disputed,
            self.in_favour + other.in_favour,
            self.on_account + other.on_account,
            self.charges + other.charges,
        )


NO_SUMS = Sums(dict.fromkeys(Bucket, _NOTHING), _NOTHING)


@dataclass(frozen=True, slots=True)
class Ageing:
    """The open invoices of an account at the end of a day."""

    engagement: str
    currency: str
    day: date
    invoices: tuple[AgedInvoice, ...]
    """The earliest due first."""
    sums: Sums


def ageing(account: Account, day: date) -> Ageing:
    """What is open on an account at the end of a day, by days past due.

    The buckets and the disputed amounts add up to what is open.
    """
    signed = [(one, one.open_on(day)) for one in account.receivables]
    aged = [_aged(one, found, day) for one, found in signed if found > 0]
    aged.sort(key=lambda one: (one.due_on, one.number))
    sums = Sums(
        _by_bucket(aged),
        summed(one.disputed for one in aged),
        summed(-found for _, found in signed if found < 0),
        account.on_account(day),
        summed(one.open_on(day) for one in account.charges),
    )
    return Ageing(account.engagement, account.currency, day, tuple(aged), sums)


def _aged(one: Receivable, found: Decimal, day: date) -> AgedInvoice:
    days = (day - one.due_on).days
    disputed = one.disputed_on(day)
    return AgedInvoice(
        one.id, one.number, one.period, one.issued_on, one.due_on, days, found, disputed
    )


def _by_bucket(aged: Iterable[AgedInvoice]) -> dict[Bucket, Decimal]:
    found = dict.fromkeys(Bucket, _NOTHING)
    for one in aged:
        found[one.bucket] += one.undisputed
    return found


def totals(ageings: Iterable[Ageing]) -> dict[str, Sums]:
    """The sums of several accounts by currency, in the order of the codes."""
    found: dict[str, Sums] = {}
    for one in ageings:
        found[one.currency] = found.get(one.currency, NO_SUMS) + one.sums
    return dict(sorted(found.items()))
