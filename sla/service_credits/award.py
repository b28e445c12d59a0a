"""What a method of computing service credits answers for one service level."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sla.service_credits.wording import amount_words


@dataclass(frozen=True, slots=True)
class Award:
    """The credit of one service level in one period, before any cap."""

    credit: Decimal
    """Rounded to the currency."""
    arithmetic: str = ""
    """How it came about, to stand behind the comparison in the sentence `why`."""
    points: Decimal | None = None
    multiplier: Decimal | None = None
    bonus: Decimal | None = None
    """Rounded to the currency; None where the method has no bonus."""


def product_words(factors: str, credit: Decimal, currency: str) -> str:
    """ "factors = credit", with the credit as money."""
    return f"{factors} = {amount_words(credit, currency)}"
