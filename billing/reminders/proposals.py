"""Which invoices are due for which reminder, and what late payment costs so far; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from billing.statements.interest import NOT_LATE, LateInterest
from billing.statements.values import Account, MovementKind, Receivable
from governance.contract.invoicing import Reminder

_NOTHING = Decimal(0)


class State(StrEnum):
    """Whether an invoice can be reminded of."""

    DUE = "due"
    LATER = "later"
    """Its next step has a day to come."""
    DISPUTED = "disputed"
    """All that is open is in dispute."""
    EXHAUSTED = "exhausted"
    """It had every step, or the contract has none."""
    PAID = "paid"
    """Nothing is open; late payment cost something that isn't charged yet."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The last step that an invoice had."""

    step: int
    on: date
    reference: str
    """The reminder: RM-3."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A late invoice, its next step, and what could be charged for it."""

    invoice: Receivable
    days_late: int
    open: Decimal
    disputed: Decimal
    state: State
    step: int | None
    """The step that is next, counted from 1; None where there is none."""
    due_on: date | None
    """The day from which that step is due."""
    taken: Taken | None
    late: LateInterest
    """What late payment costs in all."""
    interest: Decimal
    """What of its interest no reminder has charged."""
    lump_sum: Decimal
    """The same of the lump sum."""

    @property
    def asked(self) -> Decimal:
        """What is open and not in dispute."""
        return self.open - self.disputed

    @property
    def chargeable(self) -> Decimal:
        """Interest and lump sum that a reminder could charge."""
        return self.interest + self.lump_sum

    @property
    def ready(self) -> bool:
        """Whether a reminder can be issued for it today, if only to charge something."""
        return self.state is State.DUE or (self.state is not State.DISPUTED and self.chargeable > 0)


def proposals(
    account: Account,
    steps: Sequence[Reminder],
    taken: Mapping[int, Taken],
    costs: Mapping[str, LateInterest],
    day: date,
) -> tuple[Proposal, ...]:
    """Every invoice that is late at the end of a day, or was paid late and not charged for it.

    The earliest due first. `taken` are the last steps by invoice id, `costs` what late payment
    costs by number. A step is due from its days after the due date, and from as many days after
    the step before it as the contract puts between the two.
    """
    found = _proposals(account, steps, taken, costs, day)
    return tuple(sorted(found, key=lambda one: (one.invoice.due_on, one.invoice.number)))


def _proposals(
    account: Account,
    steps: Sequence[Reminder],
    taken: Mapping[int, Taken],
    costs: Mapping[str, LateInterest],
    day: date,
) -> Iterator[Proposal]:
    left = uncharged(account, costs, day)
    for invoice in account.receivables:
        still = max(invoice.open_on(day), _NOTHING)
        interest, lump_sum = left.get(invoice.number, (_NOTHING, _NOTHING))
        if invoice.issued_on > day or day <= invoice.due_on or not (still or interest + lump_sum):
            continue
        last = taken.get(invoice.id)
        step, due_on = _next(invoice, steps, last)
        disputed = invoice.disputed_on(day)
        yield Proposal(
            invoice=invoice,
            days_late=(day - invoice.due_on).days,
            open=still,
            disputed=disputed,
            state=_state(still, disputed, due_on, day),
            step=step,
            due_on=due_on,
            taken=last,
            late=costs.get(invoice.number, NOT_LATE),
            interest=interest,
            lump_sum=lump_sum,
        )


def uncharged(
    account: Account, costs: Mapping[str, LateInterest], day: date
) -> Mapping[str, tuple[Decimal, Decimal]]:
    """By invoice, the interest and the lump sum that no reminder has charged by a day.

    What was waived counts as charged: it isn't charged again.
    """
    charged: dict[tuple[str, MovementKind], Decimal] = {}
    for one in account.charges:
        if one.on <= day:
            key = (one.invoice, one.kind)
            charged[key] = charged.get(key, _NOTHING) + one.amount
    return {
        number: (
            max(cost.interest - charged.get((number, MovementKind.INTEREST), _NOTHING), _NOTHING),
            max(cost.lump_sum - charged.get((number, MovementKind.LUMP_SUM), _NOTHING), _NOTHING),
        )
        for number, cost in costs.items()
    }


def charged_beyond(
    account: Account, costs: Mapping[str, LateInterest], number: str, day: date
) -> Decimal:
    """What is charged for one invoice by a day, not waived, and more than late payment cost.

    It comes of a credit note: what it gives back was never owed and bore no interest. Whoever may
    write off waives it.
    """
    cost = costs.get(number, NOT_LATE)
    owed = {MovementKind.INTEREST: cost.interest, MovementKind.LUMP_SUM: cost.lump_sum}
    charged = dict.fromkeys(owed, _NOTHING)
    for one in account.charges:
        if one.invoice == number and one.kind in charged:
            charged[one.kind] += one.open_on(day)
    return sum((max(charged[kind] - owed[kind], _NOTHING) for kind in owed), _NOTHING)


def _next(
    invoice: Receivable, steps: Sequence[Reminder], last: Taken | None
) -> tuple[int | None, date | None]:
    """The next step and the day from which it is due; nothing where there is none left."""
    taken = last.step if last else 0
    if taken >= len(steps):
        return None, None
    due_on = invoice.due_on + timedelta(days=steps[taken].after_days)
    if last is not None:
        apart = steps[taken].after_days - steps[taken - 1].after_days
        due_on = max(due_on, last.on + timedelta(days=apart))
    return taken + 1, due_on


def _state(still: Decimal, disputed: Decimal, due_on: date | None, day: date) -> State:
    if not still:
        return State.PAID
    if disputed >= still:
        return State.DISPUTED
    if due_on is None:
        return State.EXHAUSTED
    return State.DUE if due_on <= day else State.LATER
