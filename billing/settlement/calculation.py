"""Settle one month: measure it and its history, meter it, compute its credits, price it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.charges.values import PricedPeriod
from billing.metering.values import NO_METERING, Metering
from billing.settlement.checks import reconciles
from billing.settlement.coverage import coverage_findings
from billing.settlement.dated import MILESTONES, milestones_reached, require_milestones
from billing.settlement.earlier import Charged, looks_back
from billing.settlement.history import credits_coming_off, months_until
from billing.settlement.late import unpriced_findings
from billing.settlement.pricing import PricedMonth, as_sealed, invoice_of, price_month
from billing.settlement.tax_currency import RATES, TAX_CURRENCY, with_tax_currency
from billing.settlement.values import (
    NO_INPUTS,
    Inputs,
    SealedMonth,
    Settlement,
)
from governance.contract.document import Contract
from governance.values import Period
from sla.claims.coming_off import with_claims
from sla.evidence.values import EvidenceDigest
from sla.kpis.definitions import KpiDefinition
from sla.measurements.calculation import measure
from sla.measurements.values import MeasuredPeriod
from sla.measurements.versions import Version, version_on
from sla.service_credits.calculation import Judgement, directions_of, judge
from sla.service_credits.measured import results_of
from sla.service_credits.values import PeriodResults, ServiceCredits

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

_CREDITS = "service_credits"
"""What the sources of service credits are kept under, beside charge ids."""


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
    Where invoices are quarterly or yearly, the last month of the span charges all of it, and takes
    off the credits of all its months.

    Raises BadInput for a period outside the engagement or other than a month, for meters and
    KPIs that can't be counted from the evidence, and for charges that can't be priced.
    """
    months = months_until(contract, period)
    usual = Version(None, contract_sha256, date.min, contract)
    past = _Past(inputs, usual, ledger, catalogue, period)
    measured = past.all_measured(months)
    needed = months if past.needs_bases() else (period,)
    priced = _price_months(past, needed)
    given = _credits(past, measured, priced)
    own = priced[-1]
    late = inputs.late_claims if own.has_invoice else ()
    coming_off = with_claims(credits_coming_off(contract, given), given, late)
    restated = [line for each in inputs.restated for line in each.lines]
    invoiced = invoice_of(contract, own, _net(coming_off), restated)
    invoiced = with_tax_currency(invoiced, contract, ledger)
    settlement = Settlement(
        contract=contract,
        contract_sha256=contract_sha256,
        period=period,
        measured=_with_findings(measured[-1], ledger, inputs.metering),
        history=tuple(measured[:-1]),
        credits=given[-1] if given else None,
        credit_history=given[:-1],
        settled_credits=coming_off,
        usage=replace(own.usage, service_credit=_net(coming_off)),
        readings=own.readings,
        late_readings=own.late_readings,
        priced=invoiced,
        inputs=inputs,
        sources={**own.sources, **past.sources_of_credits(), **_sources_of_rate(invoiced, ledger)},
    )
    reconciles(settlement)
    return settlement


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

    def all_measured(self, months: Sequence[Period]) -> list[MeasuredPeriod]:
        """Each month, oldest first, knowing those before it."""
        done: list[MeasuredPeriod] = []
        for month in months:
            done.append(self.measured(month, tuple(done)))
        return done

    def measured(self, month: Period, earlier: tuple[MeasuredPeriod, ...]) -> MeasuredPeriod:
        """As it was sealed, or measured now; promises rise with what was reached earlier."""
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
            replace(circumstances, versions=versions, measured=earlier),
        )

    def needs_bases(self) -> bool:
        """Whether earlier months have to be priced: for credits, or what looks back on them."""
        contracts = [one.contract for one in (self.usual, *self.inputs.versions)]
        return any(one.service_credits is not None or looks_back(one) for one in contracts)

    def priced(self, month: Period, charged: Mapping[Period, Charged]) -> PricedMonth:
        """The month before its service credit, which doesn't change the base of credits."""
        sealed = self.sealed(month)
        if sealed is not None:
            return as_sealed(month, sealed)
        metering = self.inputs.metering if month == self.settled else NO_METERING
        return price_month(self.contract(month), self.ledger, month, charged, metering)

    def milestones(self, month: Period) -> Mapping[str, date]:
        """The critical milestones that were reached by the end of a month."""
        terms = self.contract(month).service_credits
        agreed = terms.milestones if terms else ()
        if any(one.due <= month.end for one in agreed):
            require_milestones(self.ledger, "the service credit", "service_credits.milestones")
        return milestones_reached(self.ledger, month.end) if agreed else {}

    def sources_of_credits(self) -> dict[str, tuple[EvidenceDigest, ...]]:
        """What the settled month's service credit rests on besides its service levels."""
        terms = self.usual.contract.service_credits
        digest = self.ledger.digests.get(MILESTONES)
        return {_CREDITS: (digest,)} if terms and terms.milestones and digest else {}

    def judgement(self, month: MeasuredPeriod, base: Decimal) -> Judgement:
        """What the month's credit follows from."""
        sealed, contract = self.sealed(month.period), self.contract(month.period)
        signatures = {name: one.signature for name, one in self.catalogue.items()}
        return Judgement(
            contract,
            directions_of(contract, signatures),
            self.results(month, base),
            sealed.credits if sealed else None,
        )

    def results(self, month: MeasuredPeriod, base: Decimal) -> PeriodResults:
        """With the incidents, milestones and claims that are known of the month."""
        incidents = self.inputs.incidents.get(month.period, ())
        of_level = {level: one.name for one in incidents for level in one.service_levels}
        return replace(
            results_of(month, base, of_level),
            milestones=self.milestones(month.period),
            chosen={one.name: one.counts for one in incidents if one.counts},
            claims=self.inputs.claims.get(month.period),
        )


def _sources_of_rate(priced: PricedPeriod, ledger: Ledger) -> dict[str, tuple[EvidenceDigest, ...]]:
    """The table of the rate that taxes were converted by."""
    used = priced.tax_currency is not None
    return {TAX_CURRENCY: (ledger.digests[RATES],)} if used else {}


def _price_months(past: _Past, months: Sequence[Period]) -> tuple[PricedMonth, ...]:
    charged: dict[Period, Charged] = {}
    done: list[PricedMonth] = []
    for month in months:
        done.append(past.priced(month, charged))
        charged[month] = done[-1].charged
    return tuple(done)


def _credits(
    past: _Past, measured: Sequence[MeasuredPeriod], priced: Sequence[PricedMonth]
) -> tuple[ServiceCredits, ...]:
    if past.usual.contract.service_credits is None:
        return ()
    return judge(
        [
            past.judgement(month, each.credit_base)
            for month, each in zip(measured, priced, strict=True)
        ]
    )


def _net(given: Sequence[ServiceCredits]) -> Decimal:
    return sum((each.net for each in given), Decimal(0))


def _with_findings(measured: MeasuredPeriod, ledger: Ledger, metering: Metering) -> MeasuredPeriod:
    coverage = coverage_findings(ledger, measured.period)
    unpriced = unpriced_findings(metering)
    return replace(measured, warnings=(*measured.warnings, *coverage, *unpriced))
