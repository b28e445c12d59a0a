"""A monthly price for every full-time equivalent, by role."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, joined, priced
from billing.charges.values import Step
from governance.contract.charges import PerFteCharge
from governance.values import plain, summed


def calculate(charge: PerFteCharge, frame: Frame) -> Calculation | None:
    """FTE × monthly price of every role, unrounded; None for late FTE of other roles only.

    The meter gives each role's FTE, averaged over the days on which the charge runs, so
    that days worked are counted by it; months in which the charge itself starts or ends
    are prorated here. Late FTE are those of their own month and are charged for all of it.
    Raises BadInput for a role without a quantity.
    """
    worked = meters.by_role(charge.id, charge.meter, frame.usage, _asked(charge, frame))
    steps = tuple(
        _late_step(role, worked[role], frame.prices.of(price))
        if frame.is_late
        else _step(role, worked[role], frame.prices.of(price), frame)
        for role, price in charge.roles.items()
        if role in worked
    )
    if not steps:
        return None
    quantity = summed(step.quantity for step in steps)
    return Calculation(quantity, "FTE months", steps, charge.meter)


def _asked(charge: PerFteCharge, frame: Frame) -> dict[str, Decimal]:
    """The roles whose quantity the meter must give: of late ones, those that have any."""
    given = frame.usage.meters.get(charge.meter)
    if frame.is_late and isinstance(given, Mapping):
        return {role: price for role, price in charge.roles.items() if role in given}
    return dict(charge.roles)


def _late_step(role: str, fte: Decimal, price: Decimal) -> Step:
    return priced(fte, price, role)


def _step(role: str, fte: Decimal, price: Decimal, frame: Frame) -> Step:
    span = frame.span
    months = span.active_months()
    days = ", ".join(text for month, part in months if (text := span.days_text(month, part)))
    several = f"{len(months)} months" if len(months) > 1 else ""
    how = joined(several, days)
    text = f"{role}: {plain(fte)} FTE for {how}" if how else role
    return Step(span.in_months(fte), price, span.in_months(fte * price), text)
