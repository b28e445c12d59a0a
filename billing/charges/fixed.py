"""Fixed fees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.charges.frame import Calculation, Frame, joined, ramp_value
from billing.charges.span import calendar_block
from billing.charges.values import Step
from governance.contract.charges import FixedCharge
from governance.values import Period, summed


@dataclass(frozen=True, slots=True)
class _Block:
    """A month, quarter or year that is billed, and its days within the charge's life."""

    whole: Period
    part: Period


def calculate(charge: FixedCharge, frame: Frame) -> Calculation | None:
    """The fee of every month, quarter or year billed in the period; None where none is.

    A monthly fee is billed for each month of the period. A quarterly or yearly fee is billed
    in advance, for the calendar quarter or year: on the invoice of the period that holds its
    first day, or the charge's first day where that comes later. A fee for once is billed in
    the period of the charge's first day. A month, quarter or year in which the charge starts
    or ends is prorated by its days; a fee for once never is.
    """
    blocks = tuple(_blocks(charge, frame))
    if not blocks:
        return None
    steps = tuple(_step(charge, frame, block) for block in blocks)
    unit = "fee" if charge.per == "once" else charge.per
    return Calculation(summed(step.quantity for step in steps), unit, steps)


def _step(charge: FixedCharge, frame: Frame, block: _Block) -> Step:
    prices = frame.prices.during(block.part)
    price = prices.of(ramp_value(charge, _month(block.part.start), charge.amount))
    if charge.per == "once":
        return Step(Decimal(1), price, price, f"once, on {block.part.start}")
    text = joined(
        f"{block.whole.label}{'' if charge.per == 'month' else ', billed in advance'}",
        frame.span.days_text(block.whole, block.part),
    )
    return Step(
        frame.span.of_block(Decimal(1), block.whole, block.part),
        price,
        frame.span.of_block(price, block.whole, block.part),
        text,
    )


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _blocks(charge: FixedCharge, frame: Frame) -> Iterator[_Block]:
    span = frame.span
    if charge.per == "once":
        if span.period.contains(span.first):
            yield _Block(span.active, span.active)
        return
    if charge.per == "month":
        yield from (_Block(month, part) for month, part in span.active_months())
        return
    length = 3 if charge.per == "quarter" else 12
    for whole in dict.fromkeys(
        calendar_block(month.start, length) for month in span.active.months()
    ):
        part = whole.overlap(span.first, span.last)
        if part is not None and span.period.contains(part.start):
            yield _Block(whole, part)
