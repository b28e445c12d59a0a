"""Late quantities: what earlier periods would have been metered more, billed now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from billing.charges.frame import Calculation, Frame, joined
from billing.charges.span import span_of
from billing.charges.values import Usage
from governance.contract.charges import (
    BandedCharge,
    Charge,
    GainShareCharge,
    PercentageCharge,
    PerUnitCharge,
)
from governance.contract.engagement import Engagement
from governance.errors import BadInput
from governance.values import Period

_IN_ORDER = (PerUnitCharge, PercentageCharge, BandedCharge, GainShareCharge)
"""Types whose price of a quantity depends on what was counted before it."""


def late_calculations(
    charge: Charge,
    engagement: Engagement,
    frame: Frame,
    calculate: Callable[[Charge, Frame], Calculation | None],
) -> Iterator[Calculation]:
    """What every late quantity of the charge's meter costs.

    It is priced at the period's price, after the period's own quantity and the late ones before
    it. What is late from a period in which the charge didn't run costs nothing: it would have
    cost nothing then. Raises BadInput where a quantity is none that the charge can price.
    """
    meter: str = getattr(charge, "meter", "")
    after: tuple[Usage, ...] = (frame.usage,)
    for position, each in enumerate(frame.usage.late.get(meter, ())):
        if span_of(charge, engagement, Period.parse(each.period)) is None:
            continue
        usage = replace(frame.usage, meters={**frame.usage.meters, meter: each.quantity})
        try:
            calculation = calculate(charge, replace(frame, usage=usage, after=after))
        except BadInput as error:
            raise _placed(error, f"meters.{meter}", f"late.{meter}[{position}].quantity") from None
        if calculation is not None:
            yield _told(charge, calculation, each.period)
        after = (*after, usage)


def _told(charge: Charge, calculation: Calculation, period: str) -> Calculation:
    order = ", counted after the period's own" if isinstance(charge, _IN_ORDER) else ""
    first, *rest = calculation.steps
    told = replace(first, text=joined(f"late from {period}{order}", first.text))
    return replace(calculation, steps=(told, *rest), late=period)


def _placed(error: BadInput, there: str, here: str) -> BadInput:
    """The same problems, named where the late quantity stands."""
    return BadInput(
        replace(problem, column=problem.column.replace(there, here, 1))
        for problem in error.problems
    )
