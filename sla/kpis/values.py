"""What a KPI run yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.evidence.values import EvidenceDigest


class KpiStatus(StrEnum):
    """No data is a state of its own, never 0 % or 100 %."""

    MEASURED = "measured"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class KpiResult:
    """One KPI over one period, with everything needed to recompute it."""

    kpi: str
    parameters: Mapping[str, str]
    period: Period
    unit: str
    direction: Direction
    status: KpiStatus
    value: Decimal | None
    """Unrounded, at least six decimals exact; None where there is no data."""
    numerator: Decimal | None
    denominator: Decimal | None
    rows: int
    """Ledger rows behind numerator and denominator."""
    evidence: tuple[EvidenceDigest, ...]
    definition_sha256: str
    """Digest of the KPI's SQL file."""
    values: Mapping[str, Decimal] | None = None
    """By bucket, for KPIs with several values (ageing)."""


Cell = str | int | bool | Decimal | date | None
"""A value of a drill-down row; timestamps are dates with a time."""


@dataclass(frozen=True, slots=True)
class DrillDown:
    """One page of the ledger rows behind a figure."""

    columns: tuple[str, ...]
    """`numerator` and `denominator` are what a row contributes to the figure."""
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    """Number of rows on all pages."""
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    """Of numerator and denominator over the rows of all pages, as far as the rows have them."""
