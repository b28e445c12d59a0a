"""A price for every counted unit."""

from __future__ import annotations

from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame
from billing.charges.tiers import charge_units
from governance.contract.charges import PerUnitCharge


def calculate(charge: PerUnitCharge, frame: Frame) -> Calculation:
    """The metered units at the scheme's prices; the units of a whole period fill the tiers.

    Units, free units and flat fees are not prorated: units count themselves. Late units fill
    free units and tiers after the period's own, which keep their prices.
    Raises BadInput where the usage doesn't give the meter as one number.
    """
    counted = meters.quantity(charge.id, charge.meter, frame.usage)

    def price_of(price: Decimal) -> Decimal:
        return frame.prices.of(frame.ramped(charge, price))

    before = meters.quantities(charge.id, charge.meter, frame.after) if frame.is_late else None
    steps = charge_units(counted, charge.pricing, price_of, before)
    return Calculation(counted, charge.meter, steps, charge.meter)
