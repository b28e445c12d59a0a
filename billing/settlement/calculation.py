"""Settle one month: measure it and its history, meter it, compute its credits, price it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.charges.calculation import price
from billing.charges.values import PricedPeriod, Usage
from billing.settlement.checks import reconciles
from billing.settlement.coverage import coverage_findings
from billing.settlement.history import (
    credits_coming_off,
    earlier_in_year,
    months_until,
)
from billing.settlement.metered import metered_usage
from billing.settlement.values import MeterReading, Settlement
from governance.contract.document import Contract
from governance.values import Period
from sla.kpis.definitions import KpiDefinition
from sla.measurements.calculation import measure
from sla.measurements.values import MeasuredPeriod
from sla.service_credits.calculation import compute_credits
from sla.service_credits.values import LevelResult, PeriodResults, ServiceCredits

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger


def settle(
    contract: Contract,
    contract_sha256: str,
    ledger: Ledger,
    period: Period,
    catalogue: Mapping[str, KpiDefinition],
) -> Settlement:
    """Everything that the invoice and the pack of one month state, from contract and ledger.

    Every month of the history is measured once and priced once for its credit base; the credits
    that `settle` names come off the invoice before tax, less what was earned back. A service
    credit may exceed the fees: the total is then negative, a balance in the client's favour.

    Raises BadInput for a period outside the engagement or other than a month, for meters and
    KPIs that can't be counted from the evidence, and for charges that can't be priced.
    """
    months = months_until(contract, period)
    measured = [measure(contract, ledger, month, catalogue) for month in months]
    priced = _price_months(contract, ledger, months if _needs_bases(contract) else (period,))
    given = _credits(contract, measured, priced)
    coming_off = credits_coming_off(contract, given)
    usage = replace(priced[-1].usage, service_credit=_net(coming_off))
    settlement = Settlement(
        contract=contract,
        contract_sha256=contract_sha256,
        period=period,
        measured=_with_coverage(measured[-1], ledger),
        history=tuple(measured[:-1]),
        credits=given[-1] if given else None,
        credit_history=given[:-1],
        settled_credits=coming_off,
        usage=usage,
        readings=priced[-1].readings,
        priced=price(contract, usage),
    )
    reconciles(settlement)
    return settlement


@dataclass(frozen=True, slots=True)
class _PricedMonth:
    usage: Usage
    readings: Mapping[str, MeterReading]
    priced: PricedPeriod


def _needs_bases(contract: Contract) -> bool:
    """Whether earlier months have to be priced: for credits, or a yearly commitment."""
    commitment = contract.minimum_commitment
    yearly = commitment is not None and commitment.per == "year"
    return yearly or contract.service_credits is not None


def _price_months(
    contract: Contract, ledger: Ledger, months: Sequence[Period]
) -> tuple[_PricedMonth, ...]:
    """Every month before its service credit, which doesn't change the base of credits."""
    subtotals: dict[Period, Decimal] = {}
    done: list[_PricedMonth] = []
    for month in months:
        usage, readings = metered_usage(contract, ledger, month)
        earlier = earlier_in_year(contract, month, months)
        charged = sum((subtotals[each] for each in earlier), Decimal(0))
        usage = replace(usage, charged_this_year=charged)
        priced = price(contract, usage)
        subtotals[month] = priced.subtotal
        done.append(_PricedMonth(usage, readings, priced))
    return tuple(done)


def _credits(
    contract: Contract, measured: Sequence[MeasuredPeriod], priced: Sequence[_PricedMonth]
) -> tuple[ServiceCredits, ...]:
    if contract.service_credits is None:
        return ()
    directions = {result.service_level: result.direction for result in measured[-1].results}
    periods = [
        _results(month, each.priced.credit_base)
        for month, each in zip(measured, priced, strict=True)
    ]
    return compute_credits(contract, directions, periods)


def _results(measured: MeasuredPeriod, base: Decimal) -> PeriodResults:
    """A month's results with its base; reversals may outweigh fees, credits never turn negative."""
    return PeriodResults(
        period=measured.period,
        charges=max(base, Decimal(0)),
        results={result.service_level: LevelResult(result.value) for result in measured.results},
    )


def _net(given: Sequence[ServiceCredits]) -> Decimal:
    return sum((each.net for each in given), Decimal(0))


def _with_coverage(measured: MeasuredPeriod, ledger: Ledger) -> MeasuredPeriod:
    findings = coverage_findings(ledger, measured.period)
    return replace(measured, warnings=(*measured.warnings, *findings))
