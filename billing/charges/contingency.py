"""A share of each receipt by the age of the debt that it pays."""

from __future__ import annotations

from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, priced
from billing.charges.values import MeteredAmount, Step
from governance.contract.charges import AgeBand, ContingencyCharge
from governance.errors import BadInput, Problem
from governance.values import plain

_ZERO_RATE = Decimal(0)


def calculate(charge: ContingencyCharge, frame: Frame) -> Calculation:
    """Every receipt at the rate of the highest band that its age is over; unrounded.

    A debt of exactly `over_days` days still lies in the band before. A lowest band over 0 days
    takes every younger debt too, paid on its due date or before; one that is not over a higher
    lowest band earns nothing. A reversal, a negative amount, takes the fee back at
    the rate of its age. Ages are as metered: `age_at` says which day the meter counts to.
    Raises BadInput where the usage doesn't give the meter as amounts with ages.
    """
    receipts = meters.amounts(charge.id, charge.meter, frame.usage)
    _require_ages(charge, receipts)
    bands = sorted(charge.age_bands, key=lambda band: band.over_days)
    sums = [Decimal(0)] * (len(bands) + 1)
    for receipt in receipts:
        sums[_position(bands, receipt.age_days or 0)] += receipt.amount * receipt.count
    steps = tuple(_step(bands, position, amount) for position, amount in enumerate(sums) if amount)
    return Calculation(
        meters.total_of(receipts),
        charge.meter,
        steps or (_step(bands, 1, Decimal(0)),),
        charge.meter,
    )


def _position(bands: list[AgeBand], age_days: int) -> int:
    """How many bands the age has entered; 0 is none."""
    entered = sum(age_days > band.over_days for band in bands)
    return entered or int(bands[0].over_days == 0)


def _step(bands: list[AgeBand], position: int, amount: Decimal) -> Step:
    if position == 0:
        return priced(amount, _ZERO_RATE, f"not over {bands[0].over_days} days: no fee")
    rate = bands[position - 1].rate
    return priced(amount, rate / 100, f"{plain(rate)} %; {_ages_text(bands, position)}")


def _ages_text(bands: list[AgeBand], position: int) -> str:
    over = bands[position - 1].over_days
    if position == len(bands):
        return f"over {over} days" if over else "of any age"
    up_to = bands[position].over_days
    return f"over {over} days up to {up_to}" if over else f"up to {up_to} days"


def _require_ages(charge: ContingencyCharge, receipts: tuple[MeteredAmount, ...]) -> None:
    problems = [
        Problem(
            f"charge {charge.id} needs the age of the debt behind every amount",
            column=f"meters.{charge.meter}[{position}].age_days",
            found=f"{receipt.amount:f} without age_days",
        )
        for position, receipt in enumerate(receipts)
        if receipt.age_days is None
    ]
    if problems:
        raise BadInput(problems)
