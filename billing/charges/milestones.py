"""Fees for deliverables, each once when the client accepts it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.charges.frame import Calculation, Frame
from billing.charges.values import Step
from governance.contract.charges import FeeMilestone, MilestonesCharge


def calculate(charge: MilestonesCharge, frame: Frame) -> Calculation | None:
    """The fee of every milestone accepted in the period, in the contract's order; None for none.

    A milestone is billed in the period that holds the day of its acceptance
    (`usage.milestones`), or the charge's first day where it was accepted before; one accepted
    after the charge's last day isn't billed. Its due day has no influence on the fee, and a fee
    is never prorated.
    """
    steps = tuple(
        _step(milestone, accepted)
        for milestone in charge.milestones
        if (accepted := frame.usage.milestones.get(milestone.id)) and _is_billed(accepted, frame)
    )
    if not steps:
        return None
    return Calculation(Decimal(len(steps)), "milestones", steps)


def _is_billed(accepted: date, frame: Frame) -> bool:
    span = frame.span
    ended = span.last is not None and accepted > span.last
    return not ended and span.period.contains(max(accepted, span.first))


def _step(milestone: FeeMilestone, accepted: date) -> Step:
    is_titled = milestone.title != milestone.id
    name = f"{milestone.id} {milestone.title}" if is_titled else milestone.id
    text = f"{name}, due {milestone.due}, accepted {accepted}"
    return Step(Decimal(1), milestone.amount, milestone.amount, text)
