"""One period settled: what was measured, what it cost, what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from billing.charges.values import ChargeLine, PricedPeriod, Usage
from billing.invoices.fee_document import DocumentReference
from billing.metering.values import NO_METERING, Metering
from governance.audit.checkpoints import Checkpoint
from governance.contract.document import Contract
from governance.contract.service_levels import ServiceLevel
from governance.values import Period
from sla.claims.values import Incident
from sla.evidence.values import EvidenceDigest
from sla.measurements.circumstances import Circumstances
from sla.measurements.values import MeasuredPeriod
from sla.measurements.versions import Version
from sla.relief.values import ReliefEvent
from sla.reviews.values import DecidedValue
from sla.service_credits.values import Claims, ServiceCredits


@dataclass(frozen=True, slots=True)
class MeterReading:
    """Where a metered quantity came from."""

    meter: str
    rows: int
    evidence: tuple[EvidenceDigest, ...]
    definition_sha256: str
    window: Period | None = None
    """The days counted: those of the period on which the charge runs; None for all of them."""
    left_out: int = 0
    """Rows of these days that another period's invoice bills, and that were not counted."""
    late: str = ""
    """The earlier period whose late rows were counted (2026-03); empty for the period's own."""
    rows_sha256: str = ""
    """Digest of the late rows, as the settlement's inputs name them."""

    def leaving_out(self, rows: int) -> MeterReading:
        """The same without so many rows."""
        return replace(self, left_out=rows)

    def late_from(self, label: str, rows_sha256: str) -> MeterReading:
        """The same of late rows."""
        return replace(self, late=label, rows_sha256=rows_sha256)


@dataclass(frozen=True, slots=True)
class SealedMonth:
    """What both sides sealed for an earlier month; a sealed restatement takes its place."""

    measured: MeasuredPeriod
    credits: ServiceCredits | None
    """None where the contract agreed no service credits."""
    credit_base: Decimal
    """What percentage credits of the month are taken from."""
    charged: Mapping[str, Decimal] = field(default_factory=dict)
    """By charge id, what its invoice charges for its own span's work (`earlier.charged_by`)."""


@dataclass(frozen=True, slots=True)
class Restated:
    """What one sealed restatement adds to the invoice that carries it."""

    reference: str
    """How it is cited: the period and its number (2026-03/1)."""
    lines: tuple[ChargeLine, ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a settlement follows from, besides contract, evidence and catalogue."""

    relief: tuple[ReliefEvent, ...] = ()
    """The approved relief events that count."""
    decisions: Mapping[Period, Mapping[str, DecidedValue]] = field(default_factory=dict)
    """By month and service level, the values that both sides decided on."""
    sealed: Mapping[Period, SealedMonth] = field(default_factory=dict)
    """Earlier months whose sealed figures count in place of what would be computed today."""
    restated: tuple[Restated, ...] = ()
    """Sealed restatements whose difference the invoice carries."""
    versions: tuple[Version, ...] = ()
    """The versions of the contract; empty where the contract is all there is."""
    claims: Mapping[Period, Claims] = field(default_factory=dict)
    """By month, what is recorded of the claim to its credit, where the contract asks for one."""
    late_claims: tuple[Period, ...] = ()
    """Months whose credit was claimed after their invoice was sealed, and comes off this one."""
    metering: Metering = NO_METERING
    """Rows that the period leaves to other invoices, and late rows of earlier periods."""
    incidents: Mapping[Period, tuple[Incident, ...]] = field(default_factory=dict)
    """By month, the misses that the client marked as of one incident."""

    def circumstances(self, month: Period) -> Circumstances:
        """What one month is measured under."""
        return Circumstances(self.versions, self.relief, self.decisions.get(month, {}))


NO_INPUTS = Inputs()


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything that the invoice and the pack of one period state, frozen."""

    contract: Contract
    contract_sha256: str
    """Digest of the contract document's bytes."""
    period: Period
    measured: MeasuredPeriod
    history: tuple[MeasuredPeriod, ...]
    """Earlier periods measured for repeats, rolling windows and trends, oldest first."""
    credits: ServiceCredits | None
    """The period's own service credit; None where the contract agrees none."""
    credit_history: tuple[ServiceCredits, ...]
    """Credits of the earlier periods, oldest first."""
    settled_credits: tuple[ServiceCredits, ...]
    """The credits that come off this period's invoice (as `settle` says), oldest first."""
    usage: Usage
    readings: Mapping[str, MeterReading]
    """By meter name."""
    priced: PricedPeriod
    """Of the invoice's whole span, which may be a quarter or year that ends with the month;
    without lines in a month that a later one's invoice charges."""
    inputs: Inputs = NO_INPUTS
    late_readings: Mapping[tuple[str, str], MeterReading] = field(default_factory=dict)
    """By meter and the label of the earlier period (2026-03)."""
    sources: Mapping[str, tuple[EvidenceDigest, ...]] = field(default_factory=dict)
    """By charge id, the tables that a line rests on besides those of its meter (indices,
    milestones); those of service credits under `service_credits`."""

    def reading_of(self, line: ChargeLine) -> MeterReading | None:
        """Where a line's quantity came from; None for one that counts nothing from evidence."""
        if line.meter is None:
            return None
        if line.late:
            return self.late_readings.get((line.meter, line.late))
        return self.readings.get(line.meter)

    def terms_of(self, service_level: str) -> ServiceLevel:
        """What the contract says of a service level, or said of one that has ended."""
        own = [level for level in self.contract.service_levels if level.id == service_level]
        if own:
            return own[0]
        until = [one for one in self.inputs.versions if one.effective_from <= self.period.end]
        earlier = [
            one.level(service_level)
            for one in sorted(until, key=lambda one: (one.effective_from, one.number or 0))
        ]
        return [level for level in earlier if level is not None][-1]


@dataclass(frozen=True, slots=True)
class InvoiceHeader:
    """What an issued fee invoice states besides its lines."""

    number: str
    issued_on: date
    due_on: date
    purchase_order: str | None = None
    log: Checkpoint | None = None
    """The audit log's latest checkpoint when the document was made; None where there is no log."""
    estimate: bool = False
    """Whether the document is a draft whose figures may still change."""
    corrects: DocumentReference | None = None
    """Of a corrected invoice: the credited one whose place it takes."""
    correction: str | None = None
    """Why it is corrected, in words."""
