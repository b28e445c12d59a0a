"""What a missed service level costs the provider."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from governance.contract.base import (
    Day,
    Identifier,
    NonNegative,
    Percent,
    Positive,
    Terms,
    Text,
    Titled,
    Whole,
)


class Settle(StrEnum):
    """Which invoice a service credit comes off."""

    THIS_INVOICE = "this_invoice"
    NEXT_INVOICE = "next_invoice"
    QUARTERLY = "quarterly"


class CreditBase(StrEnum):
    """Which charges a percentage credit is taken from."""

    CHARGES = "charges"
    CHARGES_WITHOUT_PASS_THROUGH = "charges_without_pass_through"  # noqa: S105 (not a password)


class EarnBackForm(StrEnum):
    """What the provider must show to win a credit back."""

    MET = "met"
    EXCEEDED = "exceeded"
    YEARLY_AVERAGE = "yearly_average"
    BALANCE = "balance"


class RepeatedMisses(Terms):
    """`below_expected` counts from the `count`th time within a rolling window of months."""

    count: Annotated[Whole, Field(ge=1)]
    """From which time on it counts."""
    within_months: Annotated[Whole, Field(ge=1, le=60)]
    """Calendar months of the window, this one included."""


class Repeat(Terms):
    """From the `consecutive`th miss in a row on, the credit is multiplied."""

    consecutive: Annotated[Whole, Field(ge=2)]
    """The miss in a row from which on it is multiplied."""
    multiplier: Positive
    """What the credit is multiplied by."""


_MONTHS_OF_A_YEAR = 12


class EarnBack(Terms):
    """A credit is returned in part after good months.

    `met` and `exceeded` return what a miss cost once the service level was met, or better than
    expected, in all of the `months` months after it. `yearly_average` returns a year's credits in
    the year's last month, where the average of its values meets what is expected. `balance` pays
    nothing back: a period better than expected adds `percent` of what the service level's last
    credited miss cost to a balance, never more than was credited and not yet set off, and later
    credits of the service level use the balance up.
    """

    form: EarnBackForm
    """What it takes: months met, months exceeded, a yearly average that is met, or a balance that
    good months build up."""
    months: Annotated[Whole, Field(ge=1, le=60)] = 1
    """Good months in a row that it takes (met, exceeded); the length of a year, counted from the
    engagement's start (yearly_average), which is 12 where it isn't stated."""
    percent: Percent = Decimal(100)
    """The part of a credit that comes back."""
    lapse_months: Annotated[Whole, Field(ge=1, le=60)] | None = None
    """How many months what was added to a balance can be used before it lapses; none never."""

    @model_validator(mode="before")
    @classmethod
    def _a_year_has_twelve_months(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("form") == EarnBackForm.YEARLY_AVERAGE:
            return {"months": _MONTHS_OF_A_YEAR, **values}
        return values


class PersistentFailure(Terms):
    """A further credit when one service level is missed for the `count`th time in a window.

    The misses behind a credit are used up: the next needs as many new ones. It falls under the
    caps of the period and the year as the credits of misses do.
    """

    count: Annotated[Whole, Field(ge=2)]
    """Misses that make a failure."""
    within_months: Annotated[Whole, Field(ge=1, le=60)]
    """Calendar months of the window, this one included."""
    percent: Percent
    """Of the annual fee: the bases of the last 12 months, this one included."""
    service_levels: tuple[Identifier, ...] = ()
    """Those that it holds for; none for all."""
    clause: Text = "not stated"
    """Where the signed contract says so."""


class MilestoneCredit(Titled):
    """A one-off credit when a critical milestone is not reached by its day.

    It falls under the caps of the period and the year; what they cut off is not credited later.
    """

    due: Day
    """Last day on which the milestone is reached in time."""
    amount: NonNegative = Decimal(0)
    """Credited once if it isn't reached by the due day, in the period of the day after that."""
    per_day: NonNegative = Decimal(0)
    """For every day late, the day on which it is reached included, in the day's own period."""
    maximum: NonNegative | None = None
    """Most that the milestone can cost in all, before caps."""
    clause: Text = "not stated"
    """Where the signed contract says so."""


class _CommonTerms(Terms):
    cap_percent: Percent | None = None
    """Most that a period's credits can be, in % of the period's base."""
    annual_cap_percent: Percent | None = None
    """Most that the last 12 months' credits can be, in % of their base."""
    settle: Settle = Settle.THIS_INVOICE
    """The invoice that a credit comes off."""
    base: CreditBase = CreditBase.CHARGES_WITHOUT_PASS_THROUGH
    """The charges that a percentage is taken from."""
    claim_within_days: Annotated[Whole, Field(ge=1)] | None = None
    """Days after the period's end within which the client claims a credit, or it lapses: the day
    after the period is the first, and the last one still counts."""
    incidents: Literal["largest", "chosen"] = "largest"
    """Of several misses of one incident counts the largest credit, or what the client chooses."""
    earn_back: EarnBack | None = None
    """How the provider wins credits of misses back."""
    persistent_failure: tuple[PersistentFailure, ...] = ()
    """Further credits for missing the same service level again and again."""
    milestones: tuple[MilestoneCredit, ...] = ()
    """Critical deliverables with a credit of their own when they are late."""


class AtRiskPool(_CommonTerms):
    """Credit = base × at-risk % × category pool % × allocation %."""

    method: Literal["at_risk_pool"]
    at_risk_percent: Percent
    """Part of the base that a period's credits can come to at most."""
    categories: Annotated[dict[Text, Percent], Field(min_length=1)]
    """Categories of service levels, and the share of the pool behind each in %; they may add up to
    more than 100, the cap still holds."""
    below_expected: RepeatedMisses | None = None
    """When values between expected and minimum count; never, where it is left out."""
    repeat: Repeat | None = None
    """What makes misses in a row dearer."""


class ServicePoints(_CommonTerms):
    """Credit = points × point_percent × base; repeats score a multiple."""

    method: Literal["service_points"]
    point_percent: Positive
    """Credit in % of the base a point."""
    repeat_multiplier: Positive = Decimal(2)
    """What the points of a repeated miss are multiplied by."""


class Tiers(_CommonTerms):
    """The worst tier of the service level that applies."""

    method: Literal["tiers"]


class LinearCredit(_CommonTerms):
    """So many percent of the base a point missed."""

    method: Literal["linear"]
    max_percent: Percent | None = None
    """Most that a miss costs, where the service level says nothing."""


class PerEvent(_CommonTerms):
    """A fixed amount a miss."""

    method: Literal["per_event"]
    amount: NonNegative | None = None
    """Credit a miss, where the service level says nothing."""


class Interpolated(_CommonTerms):
    """Maximum × (expected − value) / (expected − minimum)."""

    method: Literal["interpolated"]
    max_percent: Percent | None = None
    """Credit at the minimum, where the service level says nothing."""


class BonusMalusTerms(_CommonTerms):
    """A malus for misses and a bonus for surpassing, each beyond a neutral zone.

    The malus is a credit like any other. The bonus raises the invoice: it comes off the credit,
    and falls under its own yearly cap only.
    """

    method: Literal["bonus_malus"]
    annual_bonus_cap_percent: Percent | None = None
    """Most that the last 12 months' bonuses can be, in % of their base."""


ServiceCreditTerms = Annotated[
    AtRiskPool | ServicePoints | Tiers | LinearCredit | PerEvent | Interpolated | BonusMalusTerms,
    Field(discriminator="method"),
]
