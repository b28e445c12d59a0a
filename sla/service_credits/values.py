"""What service credits are computed from, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from governance.values import Period
from sla.measurements.values import Status


@dataclass(frozen=True, slots=True)
class LevelResult:
    """One service level's rounded value in one period; None is no data."""

    value: Decimal | None
    incident: str | None = None
    """Misses of one incident may count once."""
    excused: bool = False
    no_consequence: str = ""
    """Why nothing follows from it, in half a sentence; empty where something may."""


@dataclass(frozen=True, slots=True)
class PeriodResults:
    """One period's base and results, in the engagement's currency."""

    period: Period
    charges: Decimal
    """The credit base of the period."""
    results: Mapping[str, LevelResult]


@dataclass(frozen=True, slots=True)
class LevelCredit:
    """One service level's share in a period's service credit."""

    id: str
    value: Decimal | None
    status: Status
    credit: Decimal
    """Rounded to the currency, after the cap was shared out."""
    before_cap: Decimal
    """Rounded to the currency, before the cap."""
    why: str
    """One sentence that says how the credit came about, with the clause."""
    points: Decimal | None = None
    multiplier: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EarnedBack:
    """A part of an earlier credit that comes back to the provider."""

    service_level: str
    period: Period
    """The period whose credit comes back."""
    amount: Decimal
    why: str
    """One sentence that says how it was earned back, with the clause."""


@dataclass(frozen=True, slots=True)
class ServiceCredits:
    """One period's service credit."""

    period: Period
    currency: str
    base: Decimal
    cap: Decimal | None
    """None where no cap is agreed."""
    service_levels: tuple[LevelCredit, ...]
    before_cap: Decimal
    credit: Decimal
    """Never above the cap; equals the sum over the service levels."""
    earned_back: Decimal
    net: Decimal
    """credit − earned_back."""
    earn_backs: tuple[EarnedBack, ...] = ()
    """What makes up `earned_back`."""
