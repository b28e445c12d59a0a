"""Credits that grow with the distance from what was expected.

Source: the contract language, section "Service credits", method linear.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from governance.contract.service_credits import LinearCredit
from sla.service_credits.assessment import Case
from sla.service_credits.award import Award, product_words
from sla.service_credits.wording import amount_words, counted, percent_words


def award(terms: LinearCredit, case: Case) -> Award:
    """So many percent of the base for every point missed, rounded half up to the currency.

    `count: full` leaves a started point out, `pro_rata` counts it in part. The percentage stops
    at `max_percent` of the service level, or of the terms where the level has none.
    """
    linear = case.level.linear
    if linear is None:
        return Award(Decimal(0), "the service level has no price a point")
    points = case.points_missed()
    if linear.count == "full":
        points = points.to_integral_value(ROUND_FLOOR)
    uncapped = points * linear.percent_per_point
    limit = case.level.max_percent if case.level.max_percent is not None else terms.max_percent
    percent = uncapped if limit is None else min(uncapped, limit)
    credit = case.money(case.base * percent / Decimal(100))
    noun = "full point" if linear.count == "full" else "point"
    steps = f"{counted(points, noun)} × {percent_words(linear.percent_per_point)}"
    if percent < uncapped:
        steps += f", at most {percent_words(percent)}"
    factors = f"{amount_words(case.base, case.currency)} × {percent_words(percent)}"
    return Award(credit, f"{steps}; {product_words(factors, credit, case.currency)}")
