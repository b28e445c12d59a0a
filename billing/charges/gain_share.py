"""A share of what is gained over a baseline."""

from __future__ import annotations

from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, priced
from governance.contract.charges import GainShareCharge
from governance.values import plain


def calculate(charge: GainShareCharge, frame: Frame) -> Calculation:
    """(meter − baseline) × share, nothing below the baseline; unrounded.

    The baseline is that of the days metered, so it is not prorated. Raises BadInput where
    the usage doesn't give the meter.
    """
    value = meters.total(charge.id, charge.meter, frame.usage)
    gain = max(value - charge.baseline, Decimal(0))
    share = f"{plain(charge.share_percent)} % of the gain"
    text = f"{share}: {plain(value)} less the baseline of {plain(charge.baseline)}"
    return Calculation(
        value, charge.meter, (priced(gain, charge.share_percent / 100, text),), charge.meter
    )
