"""A KPI held against what the contract promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.evidence.values import EvidenceDigest, Finding


class Status(StrEnum):
    """Where a service level stands in a period."""

    MET = "met"
    BELOW_EXPECTED = "below_expected"
    BELOW_MINIMUM = "below_minimum"
    NO_DATA = "no_data"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One service level in one period."""

    service_level: str
    kpi: str
    parameters: Mapping[str, str]
    window: Period
    """The span measured; it ends with the period."""
    unit: str
    direction: Direction
    unrounded: Decimal | None
    value: Decimal | None
    """Rounded as the contract says; this is what is compared."""
    expected: Decimal
    minimum: Decimal | None
    status: Status
    consequential: bool
    """False in a learning period, before the service level's `starts`."""
    numerator: Decimal | None
    denominator: Decimal | None
    rows: int
    evidence: tuple[EvidenceDigest, ...]
    definition_sha256: str
    round_to: int | None = None
    """Decimals that `value` was rounded to; None where it was not rounded."""


@dataclass(frozen=True, slots=True)
class MeasuredPeriod:
    """All service levels of a contract in one period."""

    period: Period
    currency: str
    results: tuple[Measurement, ...]
    warnings: tuple[Finding, ...] = ()
