"""What service credits are computed from, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

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


class ClaimState(StrEnum):
    """How far the client is with a credit that has to be claimed within a window."""

    OPEN = "open"
    """The window runs, and nobody has claimed yet: nothing comes off an invoice so far."""
    CLAIMED = "claimed"
    LAPSED = "lapsed"
    """The window closed without a claim: the credit never comes off an invoice."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What is known of the client's claim to a period's credit, which is claimed as a whole."""

    as_of: date
    """The day, where the engagement is, that this is known for."""
    claimed_on: date | None = None
    """The day of the claim, where the engagement is; None while there is none."""

    def state(self, until: date) -> ClaimState:
        """How far the claim is, where `until` is the last day to make it.

        A claim after that day is none, nor is one after `as_of`.
        """
        if self.claimed_on is not None and self.claimed_on <= min(until, self.as_of):
            return ClaimState.CLAIMED
        return ClaimState.LAPSED if self.as_of > until else ClaimState.OPEN


@dataclass(frozen=True, slots=True)
class PeriodResults:
    """One period's base and results, in the engagement's currency."""

    period: Period
    charges: Decimal
    """The credit base of the period."""
    results: Mapping[str, LevelResult]
    milestones: Mapping[str, date] = field(default_factory=dict)
    """By critical milestone, the day on which it was reached; later periods needn't repeat it."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """By incident, the service level that the client lets count (`incidents: chosen`)."""
    claims: Claims | None = None
    """None where nothing is known of claims: the credit then stands."""


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
    bonus: Decimal | None = None
    """Rounded to the currency, after the annual bonus cap; None where the method has no bonus."""
    expected: Decimal | None = None
    """The promise in force, where a ratchet sets it."""


@dataclass(frozen=True, slots=True)
class PersistentFailureCredit:
    """A further credit for missing one service level again and again."""

    rule: int
    """Position of the clause among `persistent_failure`, from 0."""
    service_level: str
    misses: tuple[Period, ...]
    """The periods whose misses are used up by it, oldest first."""
    before_cap: Decimal
    credit: Decimal
    """After the cap was shared out."""
    why: str


@dataclass(frozen=True, slots=True)
class MilestoneLate:
    """What a late critical milestone costs in one period."""

    id: str
    title: str
    days_late: int
    """Days after the due day, by the end of the period or until it was reached."""
    before_cap: Decimal
    credit: Decimal
    """After the cap was shared out."""
    why: str


@dataclass(frozen=True, slots=True)
class BalanceMovement:
    """A service level's non-cash balance in one period: opening + added − lapsed − used."""

    service_level: str
    opening: Decimal
    added: Decimal
    used: Decimal
    """Set off against the period's credit of the service level."""
    lapsed: Decimal
    closing: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Where the client's claim to a period's credit stands."""

    state: ClaimState
    until: date
    """Last day to claim."""
    claimed_on: date | None = None


@dataclass(frozen=True, slots=True)
class EarnedBack:
    """A part of an earlier credit that comes back to the provider."""

    service_level: str
    period: Period
    """The period whose credit comes back."""
    amount: Decimal
    why: str
    """One sentence that says how it was earned back, with the clause."""


class Mechanism(StrEnum):
    """What a contract may have besides its method; the key of its part in the JSON answer."""

    BONUS = "bonus"
    PERSISTENT_FAILURES = "persistent_failures"
    MILESTONES = "milestones"
    BALANCE = "balance"


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
    """Never above the cap; the sum over service levels, persistent failures and milestones."""
    earned_back: Decimal
    net: Decimal
    """credit − earned_back − bonus; a credit that lapsed unclaimed is nothing in it."""
    earn_backs: tuple[EarnedBack, ...] = ()
    """What makes up `earned_back`."""
    bonus: Decimal = Decimal(0)
    """What the client pays for surpassing; the sum over the service levels."""
    persistent_failures: tuple[PersistentFailureCredit, ...] = ()
    milestones: tuple[MilestoneLate, ...] = ()
    balance: tuple[BalanceMovement, ...] = ()
    """Of every service level whose balance moved or stands."""
    claim: Claim | None = None
    """None where no claim is needed, or nothing is known of it."""
    agreed: tuple[Mechanism, ...] = ()
    """The mechanisms that the contract has besides its method."""

    @property
    def lapsed(self) -> bool:
        """Whether the credit was lost because nobody claimed it in time."""
        return self.claim is not None and self.claim.state is ClaimState.LAPSED

    @property
    def counted(self) -> Decimal:
        """The credit, or nothing where it lapsed."""
        return self.credit - self.credit if self.lapsed else self.credit

    @property
    def shares(self) -> tuple[Decimal, ...]:
        """All that the credit is the sum of."""
        return (
            *(level.credit for level in self.service_levels),
            *(failure.credit for failure in self.persistent_failures),
            *(milestone.credit for milestone in self.milestones),
        )

    def counted_of(self, level_id: str) -> Decimal:
        """One service level's share, or nothing where it has none or the credit lapsed."""
        shares = (one.credit for one in self.service_levels if one.id == level_id)
        return Decimal(0) if self.lapsed else next(shares, Decimal(0))
