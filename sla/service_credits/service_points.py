"""Credits by service points: points × point_percent × base.

Source: the contract language, section "Service credits", method service_points.
"""

from __future__ import annotations

from decimal import Decimal

from governance.contract.service_credits import ServicePoints
from governance.values import plain
from sla.service_credits.assessment import Case, better
from sla.service_credits.award import Award, product_words
from sla.service_credits.wording import amount_words, counted, ordinal, percent_words

_ONE = Decimal(1)


def award(terms: ServicePoints, case: Case) -> Award:
    """Points of the band, times the multiplier from the second miss in a row on.

    The credit is rounded half up to the currency.
    """
    band = _band_points(case)
    in_a_row = case.misses_in_a_row()
    multiplier = terms.repeat_multiplier if in_a_row > 1 else _ONE
    points = band * multiplier
    credit = case.money(case.base * points * terms.point_percent / Decimal(100))
    scored = counted(points, "point")
    if multiplier != _ONE:
        repeat = f"{plain(multiplier)} for the {ordinal(in_a_row)} miss in a row"
        scored = f"{counted(band, 'point')} × {repeat} = {scored}"
    factors = (
        f"{plain(points)} × {percent_words(terms.point_percent)}"
        f" × {amount_words(case.base, case.currency)}"
    )
    return Award(
        credit, f"{scored}; {product_words(factors, credit, case.currency)}", points, multiplier
    )


def _band_points(case: Case) -> Decimal:
    """Points of the first band, best first, that the value is in; the last takes the rest."""
    for band in case.level.points:
        if band.from_ is None or _at_or_better(case, band.from_):
            return band.points
    return Decimal(0)


def _at_or_better(case: Case, bound: Decimal) -> bool:
    value = case.now.value
    return value is not None and (value == bound or better(case.direction, value, bound))
