"""A monthly price for every full-time equivalent, by role."""

from __future__ import annotations

from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, joined
from billing.charges.values import Step
from governance.contract.charges import PerFteCharge
from governance.values import plain


def calculate(charge: PerFteCharge, frame: Frame) -> Calculation:
    """FTE × monthly price of every role, unrounded.

    The meter gives each role's FTE, averaged over the days on which the charge runs, so
    that days worked are counted by it; months in which the charge itself starts or ends
    are prorated here. Raises BadInput for a role without a quantity.
    """
    worked = meters.by_role(charge.id, charge.meter, frame.usage, charge.roles)
    steps = tuple(
        _step(role, worked[role], frame.prices.of(price), frame)
        for role, price in charge.roles.items()
    )
    quantity = sum((step.quantity for step in steps), Decimal(0))
    return Calculation(quantity, "FTE months", steps, charge.meter)


def _step(role: str, fte: Decimal, price: Decimal, frame: Frame) -> Step:
    span = frame.span
    months = span.active_months()
    days = ", ".join(text for month, part in months if (text := span.days_text(month, part)))
    several = f"{len(months)} months" if len(months) > 1 else ""
    how = joined(several, days)
    text = f"{role}: {plain(fte)} FTE for {how}" if how else role
    return Step(span.in_months(fte), price, span.in_months(fte * price), text)
