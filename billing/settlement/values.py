"""One period settled: what was measured, what it cost, what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from billing.charges.values import PricedPeriod, Usage
from governance.audit.checkpoints import Checkpoint
from governance.contract.document import Contract
from governance.values import Period
from sla.evidence.values import EvidenceDigest
from sla.measurements.values import MeasuredPeriod
from sla.service_credits.values import ServiceCredits


@dataclass(frozen=True, slots=True)
class MeterReading:
    """Where a metered quantity came from."""

    meter: str
    rows: int
    evidence: tuple[EvidenceDigest, ...]
    definition_sha256: str
    window: Period | None = None
    """The days counted: those of the period on which the charge runs; None for all of them."""


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


@dataclass(frozen=True, slots=True)
class InvoiceHeader:
    """What an issued fee invoice states besides its lines."""

    number: str
    issued_on: date
    due_on: date
    purchase_order: str | None = None
    log: Checkpoint | None = None
    """The audit log's latest checkpoint when the document was made; None where there is no log."""
