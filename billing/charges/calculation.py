"""The fee of one period: every charge, the minimum commitment, service credit and tax."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

from billing.charges import (
    banded,
    contingency,
    ending,
    fixed,
    gain_share,
    milestones,
    pass_through,
    per_fte,
    per_unit,
    percentage,
)
from billing.charges.commitment import commitment_line
from billing.charges.frame import Calculation, Frame
from billing.charges.late import late_calculations
from billing.charges.lines import charge_lines
from billing.charges.rebates import rebate_lines
from billing.charges.span import span_of
from billing.charges.values import ChargeLine, PricedPeriod, Usage
from billing.indexation import price_index
from billing.tax import percentage_of, tax_lines, treatment_of
from governance.contract.charges import (
    BandedCharge,
    Charge,
    ContingencyCharge,
    EarlyTerminationCharge,
    FixedCharge,
    FlatPricing,
    GainShareCharge,
    MilestonesCharge,
    PassThroughCharge,
    PercentageCharge,
    PerFteCharge,
    PerUnitCharge,
    VolumeRebateCharge,
)
from governance.contract.document import Contract
from governance.contract.service_credits import CreditBase
from governance.errors import BadInput, Problem
from governance.values import EXACT, round_money, summed

_CALCULATIONS: dict[type, Callable[[Any, Frame], Calculation | None]] = {
    FixedCharge: fixed.calculate,
    PerUnitCharge: per_unit.calculate,
    PercentageCharge: percentage.calculate,
    ContingencyCharge: contingency.calculate,
    PerFteCharge: per_fte.calculate,
    BandedCharge: banded.calculate,
    PassThroughCharge: pass_through.calculate,
    GainShareCharge: gain_share.calculate,
    MilestonesCharge: milestones.calculate,
}
_WITHOUT_A_PRICE = (
    ContingencyCharge,
    PassThroughCharge,
    GainShareCharge,
    VolumeRebateCharge,
    MilestonesCharge,
    EarlyTerminationCharge,
)
"""Types with rates in % only, which follow the amounts by themselves, or with amounts agreed once
and for all."""


def price(contract: Contract, usage: Usage, restated: Sequence[ChargeLine] = ()) -> PricedPeriod:
    """Price one period of a contract, every line rounded once, half up, to the currency.

    A charge that doesn't run in the period has no line. Volume rebates are given on what the
    other charges come to, and count like these for the minimum commitment. What is paid for
    leaving or taking over (`ChargeLine.outside_base`) counts for no commitment and no credit
    base. The service credit comes off before tax. `restated` are differences of restated periods:
    they are taxed and paid with the period's own lines, but count for no commitment and no credit
    base of it. Raises BadInput naming every charge whose meter or index the usage doesn't give,
    or whose terms can't be priced.
    """
    with localcontext(EXACT):
        lines = _lines(contract, usage)
        usual = treatment_of(contract.invoicing.tax)
        for_work = _sum(line for line in lines if not line.outside_base)
        over_all = (
            commitment_line(contract, usage, for_work, usual),
            ending.transfer_line(contract, usage),
        )
        own = (*lines, *(line for line in over_all if line is not None))
        return _settled(contract, usage, (*own, *restated))


def _lines(contract: Contract, usage: Usage) -> tuple[ChargeLine, ...]:
    """The lines of all charges in the contract's order; rebates are priced last."""
    found: dict[int, tuple[ChargeLine, ...]] = {}
    problems: list[Problem] = []
    positions = range(len(contract.charges))
    for position in sorted(positions, key=lambda one: _is_rebate(contract.charges[one])):
        charge = contract.charges[position]
        others = [line for lines in found.values() for line in lines]
        try:
            found[position] = lines_of(charge, contract, usage, others)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return tuple(line for position in positions for line in found[position])


def _is_rebate(charge: Charge) -> bool:
    return isinstance(charge, VolumeRebateCharge)


def lines_of(
    charge: Charge, contract: Contract, usage: Usage, others: Sequence[ChargeLine] = ()
) -> tuple[ChargeLine, ...]:
    """The lines of one charge; none where it doesn't run or isn't billed in the period.

    `others` are the lines of the other charges, which a volume rebate is given on.
    """
    span = span_of(charge, contract.engagement, usage.period)
    if span is None:
        return ()
    _require_priceable(charge)
    if isinstance(charge, VolumeRebateCharge):
        return rebate_lines(charge, contract, usage, others)
    currency = contract.engagement.currency
    prices = price_index(charge.id, charge.indexation, usage, span.active, currency)
    frame = Frame(usage, span, prices)
    calculate = _calculation_of(charge, contract)
    calculation = calculate(charge, frame)
    if calculation is None:
        return ()
    late = late_calculations(charge, contract.engagement, frame, calculate)
    treatment = treatment_of(charge.tax or contract.invoicing.tax)
    return charge_lines(charge, (calculation, *late), frame, treatment)


def _calculation_of(
    charge: Charge, contract: Contract
) -> Callable[[Any, Frame], Calculation | None]:
    if isinstance(charge, EarlyTerminationCharge):
        return partial(ending.early_termination, engagement=contract.engagement)
    return _CALCULATIONS[type(charge)]


def _require_priceable(charge: Charge) -> None:
    problems = []
    if charge.indexation is not None and isinstance(charge, _WITHOUT_A_PRICE):
        problems.append(
            Problem(
                f"a {charge.type} charge has no price that an index could move",
                column=f"charges.{charge.id}.indexation",
                allowed="fixed, per_unit, percentage, per_fte and banded charges can be indexed",
            )
        )
    if charge.ramp and not _can_ramp(charge):
        problems.append(
            Problem(
                f"charge {charge.id} has no single price that a ramp could replace",
                column=f"charges.{charge.id}.ramp",
                allowed="a ramp on a fixed charge, or on a per_unit charge with a flat price",
            )
        )
    if problems:
        raise BadInput(problems)


def _can_ramp(charge: Charge) -> bool:
    if isinstance(charge, PerUnitCharge):
        return isinstance(charge.pricing, FlatPricing)
    return isinstance(charge, FixedCharge)


def _settled(contract: Contract, usage: Usage, lines: tuple[ChargeLine, ...]) -> PricedPeriod:
    currency = contract.engagement.currency
    credit = round_money(usage.service_credit, currency)
    subtotal = round_money(_sum(lines), currency)
    taxes = tax_lines(lines, credit, currency, treatment_of(contract.invoicing.tax))
    withheld = contract.invoicing.withholding
    withholding = percentage_of(
        subtotal - credit, withheld.rate if withheld else Decimal(0), currency
    )
    total = subtotal - credit + summed(tax.amount for tax in taxes)
    return PricedPeriod(
        period=usage.period,
        currency=currency,
        lines=lines,
        subtotal=subtotal,
        credit_base=_credit_base(contract, [line for line in lines if not line.restatement]),
        service_credit=credit,
        taxes=taxes,
        withholding=withholding,
        total=total,
        payable=total - withholding,
    )


def _credit_base(contract: Contract, lines: Sequence[ChargeLine]) -> Decimal:
    terms = contract.service_credits
    all_charges = terms is not None and terms.base is CreditBase.CHARGES
    counted = [line for line in lines if not line.outside_base]
    return _sum(line for line in counted if all_charges or not line.pass_through)


def _sum(lines: Iterable[ChargeLine]) -> Decimal:
    return summed(line.amount for line in lines)
