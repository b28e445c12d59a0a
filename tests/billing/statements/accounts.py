"""Accounts as values: by hand, and by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from billing.statements.values import (
    Account,
    Charged,
    Contested,
    Effect,
    MovementKind,
    Receipt,
    Receivable,
)
from governance.values import Period

JANUARY_FIRST = date(2026, 1, 1)
_DAYS = st.dates(JANUARY_FIRST, date(2026, 12, 31))
_CENTS = st.integers(1, 100_000).map(lambda cents: Decimal(cents) / 100)


def effects(
    kind: MovementKind, pairs: Sequence[Sequence[str]], sign: int = -1, name: str = "X"
) -> tuple[Effect, ...]:
    """Days and amounts as effects that take off, or add where a sign says so."""
    return tuple(
        Effect(date.fromisoformat(day), sign * Decimal(amount), kind, f"{name}-{number}")
        for number, (day, amount) in enumerate(pairs, start=1)
    )


def receivable(case: Mapping[str, Any]) -> Receivable:
    """An invoice of a case."""
    return Receivable(
        id=1,
        number=case.get("number", "CW-2026-00001"),
        period=Period.month(2025, 12),
        issued_on=JANUARY_FIRST,
        due_on=date.fromisoformat(case.get("due", "2026-03-31")),
        payable=Decimal(case.get("payable", "10000.00")),
        effects=effects(MovementKind.CREDIT_NOTE, case.get("credited", ())),
        paid=effects(MovementKind.PAYMENT, case.get("paid", ())),
        given_up=effects(MovementKind.WRITE_OFF, case.get("given_up", ())),
        contested=tuple(_contested(*one) for one in case.get("disputed", ())),
    )


def _contested(first: str, amount: str, until: str) -> Contested:
    last = None if until == "null" else date.fromisoformat(until)
    return Contested(date.fromisoformat(first), last, Decimal(amount))


def account(case: Mapping[str, Any]) -> Account:
    """An account of a case; what pays an invoice came in as a payment of its own."""
    receivables = tuple(receivable(one) for one in case["invoices"])
    paid = [
        Receipt(effect.reference, effect.on, -effect.amount)
        for one in receivables
        for effect in one.paid
    ]
    more = [
        Receipt(f"PAY-{number}", date.fromisoformat(day), Decimal(amount))
        for number, (day, amount) in enumerate(case.get("receipts", ()), start=1)
    ]
    charges = tuple(_charged(*one) for one in case.get("charges", ()))
    return Account("ENG-1", "EUR", receivables, (*paid, *more), charges)


def _charged(day: str, amount: str, waived: str) -> Charged:
    waived_on = None if waived == "null" else date.fromisoformat(waived)
    on = date.fromisoformat(day)
    return Charged(MovementKind.INTEREST, on, Decimal(amount), "RM-1", "A", waived_on)


@st.composite
def receivables_by_chance(draw: st.DrawFn, number: int = 1) -> Receivable:
    """An issued invoice to which anything happened."""
    issued = draw(_DAYS)
    later = st.dates(issued, issued + timedelta(days=400))

    def some(kind: MovementKind, sign: int = -1) -> tuple[Effect, ...]:
        pairs = draw(st.lists(st.tuples(later, _CENTS), max_size=3))
        return tuple(Effect(day, sign * amount, kind, f"{kind}-{number}") for day, amount in pairs)

    return Receivable(
        id=number,
        number=f"CW-{number}",
        period=Period.month(2025, 12),
        issued_on=issued,
        due_on=issued + timedelta(days=draw(st.integers(0, 60))),
        payable=draw(_CENTS) * draw(st.sampled_from([1, 1, 1, -1])),
        effects=some(MovementKind.CREDIT_NOTE) + some(MovementKind.REFUND, 1),
        paid=some(MovementKind.PAYMENT),
        given_up=some(MovementKind.WRITE_OFF),
        contested=tuple(
            Contested(day, None, amount)
            for day, amount in draw(st.lists(st.tuples(later, _CENTS), max_size=2))
        ),
    )


@st.composite
def accounts_by_chance(draw: st.DrawFn) -> Account:
    """Some invoices, the payments behind what was paid of them, and charges."""
    count = draw(st.integers(0, 4))
    found = tuple(draw(receivables_by_chance(number)) for number in range(1, count + 1))
    receipts = []
    for one in found:
        for effect in one.paid:
            on = effect.on - timedelta(days=draw(st.integers(0, 30)))
            spare = draw(_CENTS)
            back = Effect(effect.on, spare, MovementKind.REFUND, "PAY-1")
            amount = spare - effect.amount
            receipts.append(Receipt("PAY-1", on, amount, draw(st.sampled_from([(), (back,)]))))
    waived = st.one_of(st.none(), _DAYS)
    charges = tuple(
        Charged(MovementKind.LUMP_SUM, day, amount, "RM-1", "CW-1", back and max(back, day))
        for day, amount, back in draw(st.lists(st.tuples(_DAYS, _CENTS, waived), max_size=3))
    )
    return Account("ENG-1", "EUR", found, tuple(receipts), charges)
