"""Amounts as the European norm writes them: with two decimals at most (BR-DEC)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from governance.values import minor_digits, round_half_up

MOST_DECIMALS: Final = 2


def fits(amount: Decimal, currency: str) -> bool:
    """Whether the norm can state the amount: a third decimal that isn't zero it can't."""
    return round_half_up(amount, _decimals(currency)) == amount


def amount_text(amount: Decimal, currency: str) -> str:
    """An amount that `fits`, with the currency's decimals, two at most ("12.50", "1200")."""
    return format(round_half_up(amount, _decimals(currency)), "f")


def _decimals(currency: str) -> int:
    return min(MOST_DECIMALS, minor_digits(currency))
