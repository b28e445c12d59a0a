"""What is charged for late payment beyond what it costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.reminders.proposals import charged_beyond
from billing.statements.interest import LateInterest
from billing.statements.values import Account, Charged, MovementKind

_CHARGED = (
    Charged(MovementKind.INTEREST, date(2026, 3, 1), Decimal("50.00"), "RM-1", "A-1"),
    Charged(MovementKind.INTEREST, date(2026, 4, 1), Decimal("20.00"), "RM-2", "A-1"),
    Charged(MovementKind.LUMP_SUM, date(2026, 3, 1), Decimal("40.00"), "RM-1", "A-1"),
    Charged(MovementKind.REMINDER_FEE, date(2026, 3, 1), Decimal("5.00"), "RM-1", ""),
    Charged(MovementKind.INTEREST, date(2026, 3, 1), Decimal("9.00"), "RM-1", "A-2"),
)


@pytest.mark.parametrize(
    ("interest", "lump_sum", "day", "beyond"),
    [
        ("70.00", "40.00", date(2026, 4, 1), "0"),
        ("90.00", "40.00", date(2026, 4, 1), "0"),
        ("30.00", "40.00", date(2026, 4, 1), "40.00"),
        ("30.00", "40.00", date(2026, 3, 31), "20.00"),
        ("0", "0", date(2026, 4, 1), "110.00"),
    ],
)
def test_charges_beyond_what_late_payment_cost(
    interest: str, lump_sum: str, day: date, beyond: str
) -> None:
    account = Account("ENG-1", "EUR", (), charges=_CHARGED)
    costs = {"A-1": LateInterest(interest=Decimal(interest), lump_sum=Decimal(lump_sum))}
    assert charged_beyond(account, costs, "A-1", day) == Decimal(beyond)


def test_what_is_waived_is_not_charged_too_much() -> None:
    waived = Charged(
        MovementKind.INTEREST, date(2026, 3, 1), Decimal(50), "RM-1", "A-1", date(2026, 3, 9)
    )
    account = Account("ENG-1", "EUR", (), charges=(waived,))
    assert charged_beyond(account, {}, "A-1", date(2026, 3, 8)) == 50
    assert charged_beyond(account, {}, "A-1", date(2026, 3, 9)) == 0
