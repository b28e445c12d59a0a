"""What a simulation says: clause by clause and month by month, one contract beside another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer

from governance.contract.document import Contract
from sla.evidence.ledger import Ledger
from sla.measurements.values import Status


def _plain_text(value: Decimal) -> str:
    return format(value, "f")


Exact = Annotated[Decimal, PlainSerializer(_plain_text, return_type=str)]
"""A decimal that documents state with every digit and without exponent."""
Months = Mapping[str, Exact]
"""Amounts by the month's label (2025-03); a month that isn't named has none."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A contract that is simulated, with the evidence as it reads it."""

    name: str
    """What people call the document: a file name, or a version of the contract."""
    sha256: str
    contract: Contract
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class AmountRow:
    """What one clause comes to in every month."""

    id: str
    title: str
    clause: str
    amounts: Months


@dataclass(frozen=True, slots=True)
class LevelMonth:
    """One service level in one month."""

    value: Exact | None
    status: Status
    credit: Exact
    """After the cap, before anything is earned back; it comes off what the client pays."""
    why: str
    """How the credit came about, in one sentence; empty where there is nothing to credit."""


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One service level over the months."""

    id: str
    title: str
    clause: str
    unit: str
    months: Mapping[str, LevelMonth]


@dataclass(frozen=True, slots=True)
class MonthSums:
    """What one month comes to."""

    charges: Exact
    """Sum of the charges and of the true-up to a minimum commitment."""
    credit: Exact
    """The service credit that the month earned, less what came back to the provider."""
    coming_off: Exact
    """The credit that comes off the month's invoice, as `settle` says: perhaps another month's."""
    taxes: Exact
    total: Exact
    """charges − coming_off + taxes."""

    @property
    def cost(self) -> Decimal:
        """What the month costs the client: its charges less the credit that it earned."""
        return self.charges - self.credit


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of one contract, or why it was set aside."""

    month: str
    sums: MonthSums | None
    problems: tuple[str, ...] = ()
    """Why the month can't be priced; empty where it was."""


@dataclass(frozen=True, slots=True)
class VolumeStep:
    """The month that sensitivity is asked for, with all metered quantities changed alike."""

    percent: int
    charges: Mapping[str, Exact]
    """By charge id."""
    subtotal: Exact
    credit: Exact
    """What comes off the invoice, with the change that a changed base makes to the month's own."""
    total: Exact
    """Of the invoice, with taxes."""


class Point(StrEnum):
    """Why a value is looked at."""

    MEASURED = "measured"
    EXPECTED = "expected"
    MINIMUM = "minimum"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class LevelPoint:
    """What would follow, had the service level stood at another value."""

    point: Point
    steps: int
    """Points from the measured value, above zero where better; 0 for what isn't a step."""
    value: Exact
    status: Status
    credit: Exact
    """Of the service level."""
    month: Exact
    """Of the whole month, less what is earned back."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values from one to another over which the month's credit stays, or changes evenly."""

    better: Exact
    worse: Exact
    credit_at_better: Exact
    credit_at_worse: Exact


@dataclass(frozen=True, slots=True)
class LevelSensitivity:
    """How the month's service credit follows one service level, everything else equal."""

    id: str
    title: str
    clause: str
    unit: str
    places: int | None
    """Decimals that the contract rounds the value to."""
    step: Exact
    """One point, in the KPI's unit."""
    points: tuple[LevelPoint, ...]
    stretches: tuple[Stretch, ...]
    """From the best to the worst value looked at; where one ends the credit jumps or bends."""


@dataclass(frozen=True, slots=True)
class SimulatedContract:
    """One contract over all months."""

    name: str
    sha256: str
    reference: str
    charges: tuple[AmountRow, ...]
    levels: tuple[LevelRow, ...]
    further: tuple[AmountRow, ...]
    """What moves the service credit besides single service levels, as what comes off."""
    months: tuple[MonthRow, ...]
    volume: tuple[VolumeStep, ...] = ()
    volume_of: str = ""
    """The month that volume was changed in; empty for the mean of all priced months."""
    sensitivity: tuple[LevelSensitivity, ...] = ()
    sensitivity_of: str = ""
    """The month that service levels were changed in; empty where none was priced."""

    @property
    def priced(self) -> dict[str, MonthSums]:
        """The months that weren't set aside."""
        return {one.month: one.sums for one in self.months if one.sums is not None}


class Kind(StrEnum):
    """What a difference is one of."""

    CHARGE = "charge"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Difference:
    """What one clause costs the client under both contracts, over the months that both price."""

    kind: Kind
    old_id: str | None
    """None where the old contract has no such clause."""
    new_id: str | None
    title: str
    clause: str
    old: Months
    """By month; what comes off is below zero."""
    new: Months

    @property
    def old_total(self) -> Decimal:
        """Over all compared months."""
        return sum(self.old.values(), Decimal(0))

    @property
    def new_total(self) -> Decimal:
        """Over all compared months."""
        return sum(self.new.values(), Decimal(0))

    @property
    def change(self) -> Decimal:
        """New less old: above zero where the new contract costs the client more."""
        return self.new_total - self.old_total


@dataclass(frozen=True, slots=True)
class Simulation:
    """What contracts would have cost and credited."""

    currency: str
    months: tuple[str, ...]
    new: SimulatedContract
    old: SimulatedContract | None = None
    compared: tuple[str, ...] = ()
    """The months that both contracts price; without an old one, those that the new one does."""
    differences: tuple[Difference, ...] = ()
    """The rows of both contracts side by side; without an old one its side is empty."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """Digest of each dataset that was counted."""
    warnings: tuple[str, ...] = ()

    @property
    def contracts(self) -> tuple[SimulatedContract, ...]:
        """The old one first, where there is one."""
        return (self.old, self.new) if self.old else (self.new,)
