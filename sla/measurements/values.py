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
class WithoutRelief:
    """What a measurement would be, had nothing been taken out, and what was."""

    unrounded: Decimal | None
    value: Decimal | None
    """Rounded as the contract says."""
    status: Status
    numerator: Decimal | None
    denominator: Decimal | None
    rows: int
    events: tuple[str, ...]
    """The relief events that were applied, as they are cited (RE-3)."""
    rows_out: int
    """How many ledger rows no longer stand behind the figure."""
    seconds_out: int
    """For how long clocks stood still."""


@dataclass(frozen=True, slots=True)
class Computed:
    """What was measured, where both sides decided that another value counts."""

    value: Decimal | None
    status: Status
    reason: str
    """Why both sides decided otherwise."""
    proposed_by: str
    """The side that proposed the decision; the other one accepted it."""


@dataclass(frozen=True, slots=True)
class EarlierTerms:
    """The days of a window before its terms changed, by the terms of then; for information."""

    contract_version: int | None
    contract_sha256: str
    days: Period
    unrounded: Decimal | None
    value: Decimal | None
    expected: Decimal
    minimum: Decimal | None
    status: Status
    rows: int


@dataclass(frozen=True, slots=True)
class RatchetPromise:
    """What a promise that rises by itself has come from, so that it can be computed again."""

    why: str
    """How it rose the last time, in half a sentence; empty while it hasn't."""
    values: tuple[tuple[Period, Decimal], ...]
    """The values of earlier months that it looked at, oldest first."""


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
    """False in a learning period, and where the service level isn't in force throughout."""
    numerator: Decimal | None
    denominator: Decimal | None
    rows: int
    evidence: tuple[EvidenceDigest, ...]
    definition_sha256: str
    round_to: int | None = None
    """Decimals that `value` was rounded to; None where it was not rounded."""
    contract_version: int | None = None
    """Number of the version of the contract that governs it; None for a file."""
    contract_sha256: str = ""
    """Digest of that version's document; empty where the caller didn't say."""
    no_consequence: str = ""
    """Why nothing follows from it, in half a sentence; empty in full periods."""
    without_relief: WithoutRelief | None = None
    """None where no relief was applied."""
    computed: Computed | None = None
    """None where `value` is what was measured."""
    earlier_terms: tuple[EarlierTerms, ...] = ()
    promise: RatchetPromise | None = None
    """How a ratchet came to `expected`; None for a service level without one."""

    @property
    def risen(self) -> str:
        """How a ratchet moved `expected`, in half a sentence; empty where none has."""
        return "" if self.promise is None else self.promise.why


@dataclass(frozen=True, slots=True)
class MeasuredPeriod:
    """All service levels of a contract in one period."""

    period: Period
    currency: str
    results: tuple[Measurement, ...]
    warnings: tuple[Finding, ...] = ()
