"""Third-party cost that the provider passes on."""

from __future__ import annotations

from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, priced
from governance.contract.charges import PassThroughCharge
from governance.values import plain


def calculate(charge: PassThroughCharge, frame: Frame) -> Calculation:
    """The cost as metered and the markup on it, unrounded.

    Raises BadInput where the usage doesn't give the meter as amounts.
    """
    cost = meters.total(charge.id, charge.meter, frame.usage)
    steps = [priced(cost, Decimal(1), "cost passed on")]
    if charge.markup_percent:
        markup = f"{plain(charge.markup_percent)} % markup"
        steps.append(priced(cost, charge.markup_percent / 100, markup))
    return Calculation(cost, charge.meter, tuple(steps), charge.meter)
