"""A share of what is gained over a baseline."""

from __future__ import annotations

from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, priced, taken_back
from billing.charges.values import Step
from governance.contract.charges import GainShareCharge
from governance.values import plain, summed


def calculate(charge: GainShareCharge, frame: Frame) -> Calculation:
    """(meter − baseline) × share, nothing below the baseline; unrounded.

    The baseline is that of the days metered, so it is not prorated. A late amount adds to the
    period's own, and shares what the gain grows by. Raises BadInput where the usage doesn't give
    the meter.
    """
    value = meters.total(charge.id, charge.meter, frame.usage)
    before = summed(meters.total(charge.id, charge.meter, usage) for usage in frame.after)
    steps = [_step(charge, before + value)]
    if frame.is_late:
        steps.append(taken_back(_step(charge, before), "charged without the late amount"))
    return Calculation(value, charge.meter, tuple(steps), charge.meter)


def _step(charge: GainShareCharge, value: Decimal) -> Step:
    gain = max(value - charge.baseline, Decimal(0))
    share = f"{plain(charge.share_percent)} % of the gain"
    text = f"{share}: {plain(value)} less the baseline of {plain(charge.baseline)}"
    return priced(gain, charge.share_percent / 100, text)
