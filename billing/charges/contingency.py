"""A share of each receipt by the age of the debt that it pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, joined, priced
from billing.charges.values import MeteredAmount, Step
from governance.contract.charges import AgeBand, ContingencyCharge
from governance.errors import BadInput, Problem
from governance.values import plain

_ZERO_RATE = Decimal(0)


def calculate(charge: ContingencyCharge, frame: Frame) -> Calculation:
    """Every receipt at the rate of the highest band that its age is over; unrounded.

    A debt of exactly `over_days` days still lies in the band before. A lowest band over 0 days
    takes every younger debt too, paid on its due date or before; one that is not over a higher
    lowest band earns nothing. Ages are those on the day that `age_at` names. A reversal, a
    negative amount, takes the fee back at the band at which it was charged: its age is that of
    the debt when the receipt was charged. A debt recalled unpaid costs `recall_rate` % of what
    was open, whatever its age. Raises BadInput where the usage doesn't give the meter as amounts
    with ages.
    """
    entries = meters.entries(charge.id, charge.meter, frame.usage)
    _require_ages(charge, entries)
    receipts = tuple(one for one in entries if not one.recalled)
    recalled = meters.total_of(tuple(one for one in entries if one.recalled))
    bands = sorted(charge.age_bands, key=lambda band: band.over_days)
    steps = (
        *_band_steps(charge, bands, [one for one in receipts if one.amount >= 0]),
        *_band_steps(charge, bands, [one for one in receipts if one.amount < 0], "reversed"),
        *([_recall_step(charge.recall_rate, recalled)] if recalled else []),
    )
    return Calculation(
        meters.total_of(receipts),
        charge.meter,
        steps or (_step(bands, 1, Decimal(0)),),
        charge.meter,
    )


def _band_steps(
    charge: ContingencyCharge,
    bands: list[AgeBand],
    receipts: Sequence[MeteredAmount],
    what: str = "",
) -> Iterator[Step]:
    sums = [Decimal(0)] * (len(bands) + 1)
    for receipt in receipts:
        sums[_position(bands, _age(charge, receipt) or 0)] += receipt.amount * receipt.count
    for position, amount in enumerate(sums):
        if amount:
            yield _step(bands, position, amount, what)


def _recall_step(rate: Decimal, amount: Decimal) -> Step:
    text = f"{plain(rate)} %" if rate else "no fee"
    return priced(amount, rate / 100, f"{text}; recalled unpaid")


def _age(charge: ContingencyCharge, receipt: MeteredAmount) -> int | None:
    """The age that counts: at placement where that is asked for and stated, else as metered."""
    if charge.age_at == "placement" and receipt.placement_age_days is not None:
        return receipt.placement_age_days
    return receipt.age_days


def _position(bands: list[AgeBand], age_days: int) -> int:
    """How many bands the age has entered; 0 is none."""
    entered = sum(age_days > band.over_days for band in bands)
    return entered or int(bands[0].over_days == 0)


def _step(bands: list[AgeBand], position: int, amount: Decimal, what: str = "") -> Step:
    if position == 0:
        text = joined(f"not over {bands[0].over_days} days: no fee", what)
        return priced(amount, _ZERO_RATE, text)
    rate = bands[position - 1].rate
    return priced(amount, rate / 100, joined(f"{plain(rate)} %", _ages_text(bands, position), what))


def _ages_text(bands: list[AgeBand], position: int) -> str:
    over = bands[position - 1].over_days
    if position == len(bands):
        return f"over {over} days" if over else "of any age"
    up_to = bands[position].over_days
    return f"over {over} days up to {up_to}" if over else f"up to {up_to} days"


def _require_ages(charge: ContingencyCharge, entries: Sequence[MeteredAmount]) -> None:
    problems = [
        Problem(
            f"charge {charge.id} needs the age of the debt behind every amount",
            column=f"meters.{charge.meter}[{position}].age_days",
            found=f"{entry.amount:f} without age_days",
        )
        for position, entry in enumerate(entries)
        if not entry.recalled and _age(charge, entry) is None
    ]
    if problems:
        raise BadInput(problems)
