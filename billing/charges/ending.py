"""What is paid when an engagement ends: early termination, and the transfer of the operation."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.charges.frame import Calculation, Frame, joined, priced
from billing.charges.lines import printed_steps, round_line
from billing.charges.values import ChargeLine, Step, Usage
from billing.tax import treatment_of
from governance.contract.charges import TRANSFER_ID, EarlyTerminationCharge, TerminationStep
from governance.contract.document import Contract
from governance.contract.engagement import Engagement, Termination, Transfer
from governance.errors import BadInput, Problem
from governance.values import plain


def early_termination(
    charge: EarlyTerminationCharge, frame: Frame, engagement: Engagement
) -> Calculation | None:
    """The fee for ending for convenience, in the period that holds the engagement's last day.

    It is that of the first step of the schedule whose `until` is that day or later: an amount, or
    months × mean monthly charges (`usage.mean_monthly_charges`), unrounded and never prorated.
    None in other periods, where the engagement ends as agreed or for cause, and after the last
    step of a schedule that has no open one. Raises BadInput where the mean is needed and missing.
    """
    ends, termination = engagement.ends, engagement.termination
    if termination is None or termination.reason != "convenience" or ends is None:
        return None
    step = _step_on(charge, ends)
    if step is None or not frame.usage.period.contains(ends):
        return None
    text = joined(_until_text(step), _ending_text(ends, termination))
    if step.months_of_charges is None:
        return Calculation(
            Decimal(1), "fee", (priced(Decimal(1), step.amount or Decimal(0), text),)
        )
    months = step.months_of_charges
    mean = _mean(charge, frame.usage)
    how = f"{plain(months)} months of charges at the mean of the last twelve months"
    fee = priced(months, mean, joined(how, text))
    return Calculation(months, "months of charges", (fee,))


def _step_on(charge: EarlyTerminationCharge, ends: date) -> TerminationStep | None:
    ordered = sorted(charge.schedule, key=lambda step: step.until or date.max)
    return next((step for step in ordered if step.until is None or ends <= step.until), None)


def _until_text(step: TerminationStep) -> str:
    return f"ending until {step.until}" if step.until else "ending on any later day"


def _ending_text(ends: date, termination: Termination) -> str:
    return f"ended on {ends} in place of {termination.agreed_end}"


def _mean(charge: EarlyTerminationCharge, usage: Usage) -> Decimal:
    if usage.mean_monthly_charges is not None:
        return usage.mean_monthly_charges
    raise BadInput.one(
        Problem(
            f"charge {charge.id} is in months of charges, and the usage doesn't give their mean",
            column="mean_monthly_charges",
            allowed="the mean of the last twelve months' charges, or of as many as there are",
        )
    )


def transfer_line(contract: Contract, usage: Usage) -> ChargeLine | None:
    """The transfer fee of build-operate-transfer, or None in periods without it.

    It is billed in the period that holds the day of the transfer, or the engagement's last day
    where the transfer comes after it. It is the price of the operation and not of its work: it
    counts for no minimum commitment and no credit base, and is taxed as `invoicing.tax` says.
    """
    engagement = contract.engagement
    transfer = engagement.transfer
    if transfer is None or not usage.period.contains(_billed_on(engagement, transfer)):
        return None
    amount = round_line(transfer.fee, engagement.currency)
    step = Step(Decimal(1), transfer.fee, transfer.fee, _transfer_text(engagement, transfer))
    return ChargeLine(
        charge=TRANSFER_ID,
        title="Transfer of the operation",
        clause="not stated",
        quantity=Decimal(1),
        unit="fee",
        amount=amount,
        steps=printed_steps((step,), amount, engagement.currency),
        tax=treatment_of(contract.invoicing.tax),
        outside_base=True,
    )


def _billed_on(engagement: Engagement, transfer: Transfer) -> date:
    return min(transfer.on, engagement.ends or transfer.on)


def _transfer_text(engagement: Engagement, transfer: Transfer) -> str:
    last = engagement.ends
    after = f", billed with the last period to {last}" if last and transfer.on > last else ""
    return f"transfer on {transfer.on}{after}"
