"""The statement of account: opening and movements are the closing balance, however it is cut."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.statements.ageing import ageing
from billing.statements.statement import statement
from billing.statements.values import Account, MovementKind
from governance.values import Period
from tests.billing.statements.accounts import account, accounts_by_chance

_DAYS = st.dates(date(2025, 12, 1), date(2028, 1, 1))
_EVER = Period(date(2020, 1, 1), date(2030, 1, 1))


@given(accounts_by_chance(), _DAYS, _DAYS)
def test_opening_and_movements_are_closing(found: Account, one: date, other: date) -> None:
    period = Period(min(one, other), max(one, other))
    made = statement(found, period)
    amounts = [line.movement.amount for line in made.lines]
    assert made.opening + sum(amounts, Decimal(0)) == made.closing
    assert made.closing == made.opening + made.debits - made.credits
    balance = made.opening
    for line in made.lines:
        balance += line.movement.amount
        assert line.balance == balance
        assert period.contains(line.movement.on)


@given(accounts_by_chance(), st.lists(_DAYS, min_size=2, max_size=5, unique=True))
def test_any_split_of_the_span_gives_the_same(found: Account, days: list[date]) -> None:
    cuts = sorted(days)
    whole = statement(found, Period(cuts[0], cuts[-1] - timedelta(days=1)))
    parts = [
        statement(found, Period(begin, end - timedelta(days=1)))
        for begin, end in itertools.pairwise(cuts)
    ]
    assert parts[0].opening == whole.opening
    assert parts[-1].closing == whole.closing
    assert all(a.closing == b.opening for a, b in itertools.pairwise(parts))
    assert tuple(line for part in parts for line in part.lines) == whole.lines


@given(accounts_by_chance(), _DAYS)
def test_the_closing_balance_is_what_ageing_comes_to(found: Account, day: date) -> None:
    made = statement(found, Period(date(2020, 1, 1), day))
    assert made.opening == 0
    assert made.closing == ageing(found, day).sums.balance


def test_movements_name_what_they_are() -> None:
    case = {
        "invoices": [
            {
                "number": "A",
                "due": "2026-02-01",
                "payable": "100.00",
                "credited": [["2026-02-03", "30.00"]],
                "paid": [["2026-02-02", "20.00"]],
                "given_up": [["2026-02-02", "60.00"]],
            }
        ],
        "receipts": [["2026-02-02", "7.00"]],
        "charges": [["2026-02-02", "5.00", "2026-02-04"]],
    }
    made = statement(account(case), _EVER)
    assert [
        (line.movement.kind, str(line.movement.amount), str(line.balance)) for line in made.lines
    ] == [
        (MovementKind.INVOICE, "100.00", "100.00"),
        (MovementKind.INTEREST, "5.00", "105.00"),
        (MovementKind.PAYMENT, "-7.00", "98.00"),
        (MovementKind.PAYMENT, "-20.00", "78.00"),
        (MovementKind.WRITE_OFF, "-60.00", "18.00"),
        (MovementKind.CREDIT_NOTE, "-30.00", "-12.00"),
        (MovementKind.WRITE_OFF, "10.00", "-2.00"),
        (MovementKind.WAIVER, "-5.00", "-7.00"),
    ]
    assert statement(account({"invoices": []}), _EVER).closing == 0
