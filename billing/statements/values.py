"""What a client's account consists of: frozen, dated and in one currency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from governance.values import Period, summed

_NOTHING = Decimal(0)


class MovementKind(StrEnum):
    """What moves an account; movements of one day stand in this order."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    INTEREST = "interest"
    LUMP_SUM = "lump_sum"
    REMINDER_FEE = "reminder_fee"
    WAIVER = "waiver"
    """Interest, a lump sum or a fee that the provider lets go."""
    PAYMENT = "payment"
    REFUND = "refund"
    BOUNCE = "bounce"
    """A payment that the bank took back."""
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that changes what is open from a day on; negative amounts take off."""

    on: date
    amount: Decimal
    kind: MovementKind
    reference: str
    """The document or payment behind it: CN-2026-00001, PAY-3."""


@dataclass(frozen=True, slots=True)
class Contested:
    """What the client disputes of an invoice, as it would be payable."""

    first: date
    until: date | None
    """The day from which it isn't in dispute any more; None while it is."""
    amount: Decimal

    def holds(self, day: date) -> bool:
        """Whether it is in dispute at the end of a day."""
        return self.first <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Receivable:
    """An issued invoice with everything that happened to it."""

    id: int
    number: str
    period: Period
    issued_on: date
    due_on: date
    payable: Decimal
    """Negative where the provider owes the client."""
    effects: tuple[Effect, ...] = ()
    """Credit notes, and what was paid out on an invoice in the client's favour."""
    paid: tuple[Effect, ...] = ()
    """Parts of payments, from the day that the money came in; those that bounced come back."""
    given_up: tuple[Effect, ...] = ()
    """Write-offs and their reversals; empty in what the client sees."""
    contested: tuple[Contested, ...] = ()

    def open_on(self, day: date) -> Decimal:
        """What is open at the end of a day; below zero it is in the client's favour."""
        if day < self.issued_on:
            return _NOTHING
        return self._owed(day) - self.written_off_on(day)

    def _owed(self, day: date) -> Decimal:
        return self.payable + _sum_to(day, (*self.effects, *self.paid))

    def written_off_on(self, day: date) -> Decimal:
        """What is written off at the end of a day, at most what would be open otherwise.

        What was written off and is credited later is nothing that the client gets back.
        """
        return min(-_sum_to(day, self.given_up), max(self._owed(day), _NOTHING))

    def contested_on(self, day: date) -> Decimal:
        """What is in dispute at the end of a day, whether or not it is paid."""
        return summed(one.amount for one in self.contested if one.holds(day))

    def disputed_on(self, day: date) -> Decimal:
        """What of the open amount is in dispute at the end of a day."""
        return min(self.contested_on(day), max(self.open_on(day), _NOTHING))

    def credited_by(self, day: date) -> Decimal:
        """What credit notes gave back by a day."""
        notes = (one for one in self.effects if one.kind is MovementKind.CREDIT_NOTE)
        return -_sum_to(day, notes)


def _sum_to(day: date, effects: Iterable[Effect]) -> Decimal:
    return summed(one.amount for one in effects if one.on <= day)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment as the account has it: in full, whatever it pays."""

    reference: str
    on: date
    amount: Decimal
    back: tuple[Effect, ...] = ()
    """What was refunded or bounced, as positive amounts."""
    note: str = ""
    """Who paid."""

    def kept_on(self, day: date) -> Decimal:
        """What the provider has of it at the end of a day."""
        return self.amount - _sum_to(day, self.back) if self.on <= day else _NOTHING


@dataclass(frozen=True, slots=True)
class Charged:
    """Interest, a lump sum or a fee that a reminder charged."""

    kind: MovementKind
    on: date
    amount: Decimal
    reference: str
    """The reminder: RM-3."""
    invoice: str
    """The invoice that it is for; empty for the fee of a reminder."""
    waived_on: date | None = None

    def open_on(self, day: date) -> Decimal:
        """What is owed of it at the end of a day."""
        if day < self.on or (self.waived_on is not None and self.waived_on <= day):
            return _NOTHING
        return self.amount


@dataclass(frozen=True, slots=True)
class Account:
    """What one client owes one provider by one engagement, in one currency."""

    engagement: str
    currency: str
    receivables: tuple[Receivable, ...]
    receipts: tuple[Receipt, ...] = ()
    charges: tuple[Charged, ...] = ()

    def on_account(self, day: date) -> Decimal:
        """What was paid and pays no invoice at the end of a day."""
        paid = summed(-_sum_to(day, one.paid) for one in self.receivables)
        return summed(one.kept_on(day) for one in self.receipts) - paid


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a statement; what raises the client's debt is positive."""

    on: date
    kind: MovementKind
    reference: str
    amount: Decimal
    detail: str = ""
    """The invoice that it belongs to, or who paid."""
    due_on: date | None = None
    """Of an invoice."""
    period: Period | None = None
    """Of an invoice."""


def ordered(movements: Iterable[Movement]) -> tuple[Movement, ...]:
    """Oldest first, and within a day in the order of their kinds and references."""
    return tuple(sorted(movements, key=lambda one: (one.on, _ORDER[one.kind], one.reference)))


_ORDER = {kind: place for place, kind in enumerate(MovementKind)}


def effect_days(receivable: Receivable) -> Iterator[date]:
    """The days on which what is open changes, in no order."""
    for one in (*receivable.effects, *receivable.paid, *receivable.given_up):
        yield one.on
