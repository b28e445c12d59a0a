"""Settle one month: measure it and its history, meter it, compute its credits, price it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.charges.calculation import price
from billing.charges.values import Usage
from billing.settlement.checks import reconciles
from billing.settlement.coverage import coverage_findings
from billing.settlement.history import (
    credits_coming_off,
    earlier_in_year,
    months_until,
)
from billing.settlement.metered import metered_usage
from billing.settlement.values import (
    NO_INPUTS,
    Inputs,
    MeterReading,
    SealedMonth,
    Settlement,
)
from governance.contract.document import Contract
from governance.values import Period
from sla.kpis.definitions import KpiDefinition
from sla.measurements.calculation import measure
from sla.measurements.values import MeasuredPeriod, Status
from sla.measurements.versions import Version, version_on
from sla.service_credits.calculation import Judgement, directions_of, judge
from sla.service_credits.values import LevelResult, PeriodResults, ServiceCredits

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger


def settle(  # noqa: PLR0917 (what a settlement follows from, in the order that people name it)
    contract: Contract,
    contract_sha256: str,
    ledger: Ledger,
    period: Period,
    catalogue: Mapping[str, KpiDefinition],
    inputs: Inputs = NO_INPUTS,
) -> Settlement:
    """Everything that the invoice and the pack of one month state, from contract and ledger.

    Every month of the history is measured once and priced once for its credit base, by the
    version of the contract in force on its last day; a month that both sides sealed counts with
    its sealed results, base and credit instead, whatever the evidence says today. The credits that
    `settle` names come off the invoice before tax, less what was earned back. A service credit
    may exceed the fees: the total is then negative, a balance in the client's favour. What
    sealed restatements of earlier months differ by stands on the invoice as lines of their own.

    Raises BadInput for a period outside the engagement or other than a month, for meters and
    KPIs that can't be counted from the evidence, and for charges that can't be priced.
    """
    months = months_until(contract, period)
    usual = Version(None, contract_sha256, date.min, contract)
    past = _Past(inputs, usual, ledger, catalogue, period)
    measured = [past.measured(month) for month in months]
    needed = months if past.needs_bases() else (period,)
    priced = _price_months(past, needed)
    given = _credits(past, measured, priced)
    coming_off = credits_coming_off(contract, given)
    usage = replace(priced[-1].usage, service_credit=_net(coming_off))
    restated = [line for each in inputs.restated for line in each.lines]
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
        priced=price(contract, usage, restated),
        inputs=inputs,
    )
    reconciles(settlement)
    return settlement


@dataclass(frozen=True, slots=True)
class _PricedMonth:
    usage: Usage
    readings: Mapping[str, MeterReading]
    subtotal: Decimal
    credit_base: Decimal


@dataclass(frozen=True, slots=True)
class _Past:
    """A month and those before it, each by its own version, or as it was sealed."""

    inputs: Inputs
    usual: Version
    """The contract of the settled month, where no versions are given."""
    ledger: Ledger
    catalogue: Mapping[str, KpiDefinition]
    settled: Period

    def sealed(self, month: Period) -> SealedMonth | None:
        """What was sealed for an earlier month; None for others, and for the settled one."""
        return None if month == self.settled else self.inputs.sealed.get(month)

    def contract(self, month: Period) -> Contract:
        """The version in force on the month's last day."""
        if month == self.settled:
            return self.usual.contract
        return (version_on(self.inputs.versions, month.end) or self.usual).contract

    def measured(self, month: Period) -> MeasuredPeriod:
        """As it was sealed, or measured now."""
        sealed = self.sealed(month)
        if sealed is not None:
            return sealed.measured
        circumstances = self.inputs.circumstances(month)
        versions = circumstances.versions_of(self.usual.contract, self.usual.sha256)
        return measure(
            self.contract(month),
            self.ledger,
            month,
            self.catalogue,
            replace(circumstances, versions=versions),
        )

    def needs_bases(self) -> bool:
        """Whether earlier months have to be priced: for credits, or a yearly commitment."""
        contracts = [one.contract for one in (self.usual, *self.inputs.versions)]
        return any(_needs_bases(contract) for contract in contracts)

    def priced(self, month: Period, charged_this_year: Decimal) -> _PricedMonth:
        """The month before its service credit, which doesn't change the base of credits."""
        sealed = self.sealed(month)
        if sealed is not None:
            return _PricedMonth(Usage(month), {}, sealed.subtotal, sealed.credit_base)
        contract = self.contract(month)
        usage, readings = metered_usage(contract, self.ledger, month)
        usage = replace(usage, charged_this_year=charged_this_year)
        priced = price(contract, usage)
        return _PricedMonth(usage, readings, priced.subtotal, priced.credit_base)

    def judgement(self, month: MeasuredPeriod, base: Decimal) -> Judgement:
        """What the month's credit follows from."""
        sealed, contract = self.sealed(month.period), self.contract(month.period)
        signatures = {name: one.signature for name, one in self.catalogue.items()}
        return Judgement(
            contract,
            directions_of(contract, signatures),
            _results(month, base),
            sealed.credits if sealed else None,
        )


def _needs_bases(contract: Contract) -> bool:
    commitment = contract.minimum_commitment
    yearly = commitment is not None and commitment.per == "year"
    return yearly or contract.service_credits is not None


def _price_months(past: _Past, months: Sequence[Period]) -> tuple[_PricedMonth, ...]:
    subtotals: dict[Period, Decimal] = {}
    done: list[_PricedMonth] = []
    for month in months:
        earlier = earlier_in_year(past.contract(month), month, months)
        charged = sum((subtotals[each] for each in earlier), Decimal(0))
        done.append(past.priced(month, charged))
        subtotals[month] = done[-1].subtotal
    return tuple(done)


def _credits(
    past: _Past, measured: Sequence[MeasuredPeriod], priced: Sequence[_PricedMonth]
) -> tuple[ServiceCredits, ...]:
    if past.usual.contract.service_credits is None:
        return ()
    return judge(
        [
            past.judgement(month, each.credit_base)
            for month, each in zip(measured, priced, strict=True)
        ]
    )


def _results(measured: MeasuredPeriod, base: Decimal) -> PeriodResults:
    """A month's results with its base; reversals may outweigh fees, credits never turn negative."""
    return PeriodResults(
        period=measured.period,
        charges=max(base, Decimal(0)),
        results={
            result.service_level: LevelResult(
                result.value,
                excused=result.status is Status.EXCUSED,
                no_consequence=result.no_consequence,
            )
            for result in measured.results
        },
    )


def _net(given: Sequence[ServiceCredits]) -> Decimal:
    return sum((each.net for each in given), Decimal(0))


def _with_coverage(measured: MeasuredPeriod, ledger: Ledger) -> MeasuredPeriod:
    findings = coverage_findings(ledger, measured.period)
    return replace(measured, warnings=(*measured.warnings, *findings))
