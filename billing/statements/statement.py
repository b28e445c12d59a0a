"""The statement of account: opening balance, movements, closing balance; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from billing.statements.values import (
    Account,
    Movement,
    MovementKind,
    Receipt,
    Receivable,
    effect_days,
    ordered,
)
from governance.values import Period, summed

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement and what the client owes after it."""

    movement: Movement
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """What happened on an account between two days, both included."""

    account: Account
    period: Period
    opening: Decimal
    """What the client owed before the first day; negative is in its favour."""
    lines: tuple[StatementLine, ...]

    @property
    def closing(self) -> Decimal:
        """What the client owes at the end of the last day."""
        return self.lines[-1].balance if self.lines else self.opening

    @property
    def debits(self) -> Decimal:
        """All that raised the balance."""
        return summed(max(one.movement.amount, Decimal(0)) for one in self.lines)

    @property
    def credits(self) -> Decimal:
        """All that lowered it, as a positive amount."""
        return summed(max(-one.movement.amount, Decimal(0)) for one in self.lines)


def statement(account: Account, period: Period) -> Statement:
    """The account's statement of these days.

    Opening balance and movements add up to the closing balance, which is the opening balance of
    the days after.
    """
    moved = ordered(movements(account))
    opening = summed(one.amount for one in moved if one.on < period.start)
    lines, balance = [], opening
    for one in moved:
        if period.contains(one.on):
            balance += one.amount
            lines.append(StatementLine(one, balance))
    return Statement(account, period, opening, tuple(lines))


def movements(account: Account) -> Iterator[Movement]:
    """Everything that ever moved the account, in no order; what moves nothing is left out."""
    for receivable in account.receivables:
        yield from _of_receivable(receivable)
    for receipt in account.receipts:
        yield from _of_receipt(receipt)
    for one in account.charges:
        yield Movement(one.on, one.kind, one.reference, one.amount, one.invoice)
        if one.waived_on is not None:
            waived = MovementKind.WAIVER
            yield Movement(one.waived_on, waived, one.reference, -one.amount, one.invoice)


def _of_receivable(one: Receivable) -> Iterator[Movement]:
    yield Movement(
        one.issued_on,
        MovementKind.INVOICE,
        one.number,
        one.payable,
        due_on=one.due_on,
        period=one.period,
    )
    for effect in one.effects:
        yield Movement(effect.on, effect.kind, effect.reference, effect.amount, one.number)
    for day in sorted(set(effect_days(one))):
        change = one.written_off_on(day) - one.written_off_on(day - _DAY)
        if change:
            reference = _write_off_of(one, day)
            yield Movement(day, MovementKind.WRITE_OFF, reference, -change, one.number)


def _write_off_of(one: Receivable, day: date) -> str:
    """What is cited for a change of what is written off: the latest write-off by then."""
    known = [effect for effect in one.given_up if effect.on <= day]
    return max(known, key=lambda effect: effect.on).reference


def _of_receipt(one: Receipt) -> Iterator[Movement]:
    yield Movement(one.on, MovementKind.PAYMENT, one.reference, -one.amount, one.note)
    for effect in one.back:
        yield Movement(effect.on, effect.kind, effect.reference, effect.amount, one.note)
