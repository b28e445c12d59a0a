"""What earlier invoices charged, where a later one's charges look back on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext

from billing.charges.values import ChargeLine, Usage
from billing.settlement.spans import block_of
from governance.contract.charges import EarlyTerminationCharge, VolumeRebateCharge
from governance.contract.document import Contract
from governance.values import EXACT, Period

_YEAR = 12

Charged = Mapping[str, Decimal]
"""By charge id, what one invoice charges for the work of its own span."""


def charged_by(lines: Iterable[ChargeLine]) -> dict[str, Decimal]:
    """Sums of an invoice's lines by charge id, late quantities included.

    Differences of restated periods, and what pays for leaving or taking over, count for none.
    """
    found: dict[str, Decimal] = {}
    for line in lines:
        if not line.restatement and not line.outside_base:
            found[line.charge] = found.get(line.charge, Decimal(0)) + line.amount
    return found


def looks_back(contract: Contract) -> bool:
    """Whether a charge, a rebate or a commitment follows from what earlier invoices charged."""
    commitment = contract.minimum_commitment
    yearly = commitment is not None and commitment.per == "year"
    return yearly or any(
        isinstance(charge, VolumeRebateCharge)
        or (isinstance(charge, EarlyTerminationCharge) and contract.engagement.termination)
        for charge in contract.charges
    )


def with_earlier(usage: Usage, contract: Contract, charged: Mapping[Period, Charged]) -> Usage:
    """The usage with what earlier months' invoices charged; `charged` has an entry a month.

    A yearly commitment counts those of the calendar year, a rebate those of its own month,
    quarter or year, and the mean is that of the twelve months before, or of as many as there are.
    """
    start = usage.period.start
    earlier = {month: sums for month, sums in charged.items() if month.end < start}
    return replace(
        usage,
        charged_this_year=_total(_since(earlier, block_of("year", usage.period.end).start)),
        charged_before={
            charge.id: _total(_since(earlier, block_of(charge.per, usage.period.end).start), charge)
            for charge in contract.charges
            if isinstance(charge, VolumeRebateCharge)
        },
        mean_monthly_charges=_mean(_since(earlier, _a_year_before(start))),
    )


def _since(charged: Mapping[Period, Charged], first: date) -> list[Charged]:
    return [sums for month, sums in charged.items() if month.start >= first]


def _a_year_before(start: date) -> date:
    return Period.months_ending(start - timedelta(days=1), _YEAR).start


def _total(charged: Iterable[Charged], rebate: VolumeRebateCharge | None = None) -> Decimal:
    """All of it, or what the rebate is given on."""
    amounts = (
        amount
        for sums in charged
        for charge, amount in sums.items()
        if rebate is None or charge in rebate.of
    )
    return sum(amounts, Decimal(0))


def _mean(charged: list[Charged]) -> Decimal | None:
    with localcontext(EXACT):
        return _total(charged) / len(charged) if charged else None
