"""Credits by tiers: the worst tier of the service level that applies.

Source: the contract language, section "Service credits", method tiers.
"""

from __future__ import annotations

from decimal import Decimal

from governance.contract.service_levels import CreditTier
from sla.service_credits.assessment import Case, better
from sla.service_credits.award import Award, product_words
from sla.service_credits.wording import amount_words, number_words, percent_words


def award(case: Case) -> Award:
    """The percentage of the worst tier reached, of the base, rounded half up to the currency."""
    tier = _worst_tier(case)
    if tier is None:
        return Award(Decimal(0), "no tier of the service level is reached")
    credit = case.money(case.base * tier.percent / Decimal(100))
    factors = f"{amount_words(case.base, case.currency)} × {percent_words(tier.percent)}"
    reached = f"worse than {number_words(tier.below)}"
    return Award(credit, f"{reached}: {product_words(factors, credit, case.currency)}")


def _worst_tier(case: Case) -> CreditTier | None:
    value = case.now.value
    if value is None:
        return None
    reached = [tier for tier in case.level.tiers if better(case.direction, tier.below, value)]
    return max(reached, key=lambda tier: tier.percent, default=None)
