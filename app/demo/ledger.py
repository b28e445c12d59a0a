"""The demo ledger: 24 months of a wholesaler's receivables, the same at every run.

Nothing is drawn from the clock or the machine: one seed decides everything, so the
demo's figures can be quoted in documents and tests.
"""

from __future__ import annotations

import calendar
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

SEED = 20260801
FIRST_DAY = date(2024, 11, 1)
LAST_DAY = date(2026, 10, 31)
"""The ledger was exported on this day: nothing later is known."""
SLUMP = (date(2026, 7, 27), date(2026, 8, 31))
"""Invoices due in this span were collected late: the month that earns a credit."""
CUSTOMERS = 200
CURRENCY = "EUR"

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Habit:
    """How one kind of customer pays."""

    share: float
    """Part of all customers."""
    days_late: float
    """Mean of paid − due."""
    spread: float
    """Standard deviation of it, in days."""
    disputes: float
    """Chance that an invoice is disputed."""


HABITS = {
    "prompt": Habit(0.46, -6.0, 3.0, 0.015),
    "steady": Habit(0.32, -1.0, 3.5, 0.025),
    "late": Habit(0.17, 8.0, 6.0, 0.04),
    "chronic": Habit(0.05, 22.0, 14.0, 0.07),
}
_FIRST = (
    "Alster",
    "Bremer",
    "Delta",
    "Elbe",
    "Falken",
    "Greif",
    "Hanse",
    "Insel",
    "Jade",
    "Kogge",
    "Linden",
    "Mittel",
    "Nord",
    "Oster",
)
_SECOND = (
    "bau",
    "chemie",
    "druck",
    "eisen",
    "farben",
    "glas",
    "handel",
    "kabel",
    "logistik",
    "motoren",
    "papier",
    "stahl",
    "textil",
)
_LEGAL = ("GmbH", "AG", "KG", "GmbH & Co. KG", "e.K.")
_COUNTRIES = ("DE", "DE", "DE", "AT", "NL", "FR", "PL")
_REASONS = ("price differs from order", "quantity short", "goods damaged", "duplicate invoice")


@dataclass(frozen=True, slots=True)
class Customer:
    """A debtor of the client."""

    id: str
    name: str
    country: str
    habit: str
    terms_days: int
    invoices_a_month: float
    typical_amount: float


@dataclass(slots=True)
class Ledger:
    """The rows of each dataset, in the order in which they came about."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, dataset: str, **values: object) -> None:
        """Append one row; None becomes an empty cell."""
        self.tables[dataset].append({k: "" if v is None else str(v) for k, v in values.items()})


@dataclass(slots=True)
class _Payments:
    """Payments collected before they are booked, since customers pay several items at once."""

    by_day: dict[tuple[date, str], list[tuple[str, Decimal]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def expect(self, customer: str, day: date, invoice: str, amount: Decimal) -> None:
        # Banks book on working days only.
        day += timedelta(days=(7 - day.weekday()) if day.weekday() > 4 else 0)
        if amount > 0 and day <= LAST_DAY:
            self.by_day[(day, customer)].append((invoice, amount))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every step of the generation draws from and writes to."""

    dice: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    payments: _Payments = field(default_factory=_Payments)


def generate_ledger(seed: int = SEED) -> Ledger:
    """The whole demo ledger."""
    scene = _Scene(random.Random(seed))  # noqa: S311 (made-up data, no secret)
    dice, ledger = scene.dice, scene.ledger
    customers = list(_customers(dice))
    for customer in customers:
        ledger.add(
            "customers",
            customer_id=customer.id,
            name=customer.name,
            country=customer.country,
            risk_class=customer.habit,
            credit_limit=f"{round(customer.typical_amount * 12, -3):.2f}",
        )
    number = 0
    for first in _month_starts():
        for customer, issued in _issues(dice, customers, first):
            number += 1
            _invoice(scene, customer, issued, f"RE-{number:06}")
    _book(scene)
    _observe(dice, ledger)
    return ledger


def _customers(dice: random.Random) -> Iterator[Customer]:
    names = [f"{a}{b}" for a in _FIRST for b in _SECOND]
    dice.shuffle(names)
    kinds, weights = list(HABITS), [habit.share for habit in HABITS.values()]
    for index in range(CUSTOMERS):
        # No two customers share a name, which would look like one customer kept twice.
        branch = " Süd" if index >= len(names) else ""
        yield Customer(
            id=f"K{10001 + index}",
            name=f"{names[index % len(names)]}{branch} {dice.choice(_LEGAL)}",
            country=dice.choice(_COUNTRIES),
            habit=dice.choices(kinds, weights)[0],
            terms_days=dice.choices((14, 30, 45), (3, 6, 1))[0],
            invoices_a_month=dice.uniform(2.5, 9.5),
            typical_amount=math.exp(dice.gauss(6.6, 0.7)),
        )


def _month_starts() -> Iterator[date]:
    day = FIRST_DAY
    while day <= LAST_DAY:
        yield day
        day = (day + timedelta(days=32)).replace(day=1)


def _issues(
    dice: random.Random, customers: Iterable[Customer], first: date
) -> list[tuple[Customer, date]]:
    """Who is invoiced on which day of a month, in the order of the days."""
    season = 1 + 0.12 * math.sin(first.month / 12 * 2 * math.pi) + 0.004 * (first.year - 2024)
    last = calendar.monthrange(first.year, first.month)[1]
    issued = []
    for customer in customers:
        for _ in range(round(dice.gauss(customer.invoices_a_month * season, 1.2))):
            day = first.replace(day=dice.randint(1, last))
            # Offices issue no invoices at weekends; those wait for Friday or Monday.
            day -= timedelta(days=max(0, day.weekday() - 4)) if day.day > 2 else timedelta(0)
            issued.append((customer, day))
    return sorted(issued, key=lambda item: (item[1], item[0].id))


def _cents(value: float) -> Decimal:
    return Decimal(max(100, round(value * 100))) / 100


def _invoice(scene: _Scene, customer: Customer, issued: date, invoice: str) -> None:
    dice, ledger, payments = scene.dice, scene.ledger, scene.payments
    habit = HABITS[customer.habit]
    amount = _cents(customer.typical_amount * math.exp(dice.gauss(0, 0.6)))
    due = issued + timedelta(days=customer.terms_days)
    disputed = dice.random() < habit.disputes
    ledger.add(
        "invoices",
        invoice_id=invoice,
        customer_id=customer.id,
        issue_date=issued,
        due_date=due,
        currency=CURRENCY,
        amount=amount,
        delivered_at=f"{issued}T{dice.randint(9, 17):02}:{dice.randint(0, 59):02}:00",
        channel=dice.choices(("email", "portal", "edi", "print"), (5, 3, 2, 1))[0],
        first_time_right="false" if disputed or dice.random() < 0.01 else "true",
        business_unit=dice.choice(("tools", "machines", "service")),
    )
    paid_on = max(issued + timedelta(days=1), due + timedelta(days=_delay(dice, habit, due)))
    if disputed:
        amount, paid_on = _dispute(scene, invoice, issued, amount, paid_on)
    if dice.random() < 0.0035:
        _write_off(ledger, invoice, due, amount)
    elif dice.random() < 0.05:
        part = _cents(float(amount) * dice.uniform(0.3, 0.7))
        if part < amount:
            payments.expect(customer.id, paid_on, invoice, part)
            rest = paid_on + timedelta(days=dice.randint(7, 25))
            payments.expect(customer.id, rest, invoice, amount - part)
        else:
            payments.expect(customer.id, paid_on, invoice, amount)
    else:
        payments.expect(customer.id, paid_on, invoice, amount)


def _delay(dice: random.Random, habit: Habit, due: date) -> int:
    days = dice.gauss(habit.days_late, habit.spread)
    if dice.random() < 0.012:
        days += dice.uniform(40, 120)
    if SLUMP[0] <= due <= SLUMP[1] and dice.random() < 0.75:
        # The collection team was short of people: hardly a reminder went out.
        days += dice.uniform(12, 30)
    return round(days)


def _dispute(
    scene: _Scene, invoice: str, issued: date, amount: Decimal, paid_on: date
) -> tuple[Decimal, date]:
    """Log a dispute; returns what is still owed and when it is paid."""
    dice, ledger = scene.dice, scene.ledger
    opened = issued + timedelta(days=dice.randint(3, 20))
    slow = SLUMP[0] <= opened <= SLUMP[1]
    resolved = opened + timedelta(days=max(1, round(dice.gauss(12 if slow else 7, 2.5))))
    upheld = dice.random() < 0.45
    credit = _cents(float(amount) * dice.uniform(0.05, 0.3)) if upheld else Decimal(0)
    reason = dice.choice(_REASONS)
    if opened <= LAST_DAY:
        known = resolved <= LAST_DAY
        number = len(ledger.tables["disputes"]) + 1
        ledger.add(
            "disputes",
            dispute_id=f"D-{number:05}",
            invoice_id=invoice,
            opened_at=_at(dice, opened, 8, 11),
            resolved_at=_at(dice, resolved, 12, 17) if known else None,
            amount=amount,
            reason=reason,
            outcome=("credited" if upheld else "rejected") if known else None,
        )
    if upheld and credit < amount and resolved <= LAST_DAY:
        _adjust(ledger, invoice, resolved, credit, ("credit_note", reason))
        amount -= credit
    return amount, max(paid_on, resolved + timedelta(days=dice.randint(2, 9)))


def _write_off(ledger: Ledger, invoice: str, due: date, amount: Decimal) -> None:
    day = due + timedelta(days=150)
    if day <= LAST_DAY:
        _adjust(ledger, invoice, day, amount, ("write_off", "insolvency"))


def _adjust(ledger: Ledger, invoice: str, day: date, amount: Decimal, why: tuple[str, str]) -> None:
    kind, reason = why
    ledger.add(
        "adjustments",
        adjustment_id=f"A-{len(ledger.tables['adjustments']) + 1:05}",
        invoice_id=invoice,
        kind=kind,
        amount=amount,
        effective_on=day,
        reason=reason,
        requested_by="t.albers",
        approved_by="m.siems",
    )


def _at(dice: random.Random, day: date, first_hour: int, last_hour: int) -> str:
    clock = time(dice.randint(first_hour, last_hour), dice.randint(0, 59))
    return datetime.combine(day, clock).isoformat()


def _book(scene: _Scene) -> None:
    """One receipt a customer and day, allocated to everything paid with it."""
    dice, ledger = scene.dice, scene.ledger
    for (day, customer), items in sorted(scene.payments.by_day.items()):
        receipt = f"Z-{len(ledger.tables['receipts']) + 1:06}"
        hours = dice.choices((3, 20, 30), (8, 4, 1))[0]
        received = datetime.combine(day, time(dice.randint(7, 11), dice.randint(0, 59)))
        posted = received + timedelta(hours=hours)
        ledger.add(
            "receipts",
            receipt_id=receipt,
            customer_id=customer,
            received_at=received.isoformat(),
            posted_at=posted.isoformat() if posted.date() <= LAST_DAY else None,
            currency=CURRENCY,
            amount=sum(amount for _, amount in items),
        )
        # A receipt that nobody has posted yet stays unapplied cash.
        for invoice, amount in items if posted.date() <= LAST_DAY else ():
            ledger.add(
                "allocations",
                receipt_id=receipt,
                invoice_id=invoice,
                amount=amount,
                applied_on=posted.date(),
                matched_by=dice.choices(("auto", "manual"), (83, 17))[0],
            )


def _observe(dice: random.Random, ledger: Ledger) -> None:
    """The client's monthly satisfaction score, typed in from a survey report."""
    for first in _month_starts():
        ledger.add(
            "observations",
            measure="customer_satisfaction",
            period=f"{first:%Y-%m}",
            value=f"{dice.gauss(84.0, 1.1):.1f}",
            document=f"survey-{first:%Y-%m}.pdf",
        )
