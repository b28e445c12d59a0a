"""What a period is measured under, besides contract and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from governance.contract.document import Contract
from governance.values import Period
from sla.measurements.values import MeasuredPeriod
from sla.measurements.versions import Version
from sla.relief.values import ReliefEvent
from sla.reviews.values import DecidedValue


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Versions of the contract, approved relief, and what both sides decided on the period."""

    versions: tuple[Version, ...] = ()
    """Those that both sides agreed to; empty where the contract is all there is."""
    relief: tuple[ReliefEvent, ...] = ()
    """The approved events, of other periods too."""
    decisions: Mapping[str, DecidedValue] = field(default_factory=dict)
    """By service level, the values that count in place of the measured ones."""
    measured: tuple[MeasuredPeriod, ...] = ()
    """Earlier periods as they count, for promises that rise with what was reached; one that is
    missing is measured from the evidence."""
    reached: Mapping[str, Mapping[Period, Decimal]] = field(default_factory=dict)
    """By service level, all values that its promise rose with, where they are stated already."""

    def versions_of(self, contract: Contract, sha256: str = "") -> tuple[Version, ...]:
        """The versions, or the contract as the only one there ever was."""
        return self.versions or (Version(None, sha256, date.min, contract),)


PLAIN = Circumstances()
"""The contract and the evidence are all there is."""
