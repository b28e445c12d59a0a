"""Credits that grow from nothing at `expected` to the maximum at `minimum`.

credit % = max × (expected − value) / (expected − minimum), the maximum at or below the minimum.
Source: the contract language, section "Service credits", method interpolated.
"""

from __future__ import annotations

from decimal import Decimal

from governance.contract.service_credits import Interpolated
from governance.values import plain
from sla.measurements.values import Status
from sla.service_credits.assessment import Case
from sla.service_credits.award import Award, product_words
from sla.service_credits.wording import amount_words, percent_words


def award(terms: Interpolated, case: Case) -> Award:
    """The interpolated share of the maximum, of the base, rounded half up to the currency.

    The maximum is `max_percent` of the service level, or of the terms where the level has none.
    """
    maximum = case.level.max_percent if case.level.max_percent is not None else terms.max_percent
    if maximum is None:
        return Award(Decimal(0), "no maximum is agreed to interpolate to")
    base = amount_words(case.base, case.currency)
    distance, span = case.points_missed(), _span(case)
    if case.now.status is Status.BELOW_MINIMUM or distance >= span:
        credit = case.money(case.base * maximum / Decimal(100))
        factors = f"{base} × {percent_words(maximum)}, the maximum,"
    else:
        credit = case.money(case.base * maximum * distance / span / Decimal(100))
        factors = f"{base} × {percent_words(maximum)} × {plain(distance)} / {plain(span)}"
    return Award(credit, product_words(factors, credit, case.currency))


def _span(case: Case) -> Decimal:
    """Distance from `expected` to `minimum`; without one it is zero: any miss has the maximum."""
    minimum = case.level.minimum
    return Decimal(0) if minimum is None else abs(case.level.expected - minimum)
