"""What a missed service level costs the provider."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from governance.contract.base import NonNegative, Percent, Positive, Terms, Text, Whole


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
    """Days after which an unclaimed credit lapses."""


class RepeatedMisses(Terms):
    """`below_expected` counts from the `count`th time within a rolling window of months."""

    count: Annotated[Whole, Field(ge=1)]
    within_months: Annotated[Whole, Field(ge=1, le=60)]


class Repeat(Terms):
    """From the `consecutive`th miss in a row on, the credit is multiplied."""

    consecutive: Annotated[Whole, Field(ge=2)]
    multiplier: Positive


class EarnBack(Terms):
    """A credit is returned in part after good months."""

    form: EarnBackForm
    months: Annotated[Whole, Field(ge=1, le=60)]
    percent: Percent = Decimal(100)


class AtRiskPool(_CommonTerms):
    """Credit = base × at-risk % × category pool % × allocation %."""

    method: Literal["at_risk_pool"]
    at_risk_percent: Percent
    categories: Annotated[dict[Text, Percent], Field(min_length=1)]
    below_expected: RepeatedMisses | None = None
    repeat: Repeat | None = None
    earn_back: EarnBack | None = None


class ServicePoints(_CommonTerms):
    """Credit = points × point_percent × base; repeats score a multiple."""

    method: Literal["service_points"]
    point_percent: Positive
    repeat_multiplier: Positive = Decimal(2)


class Tiers(_CommonTerms):
    """The worst tier of the service level that applies."""

    method: Literal["tiers"]


class LinearCredit(_CommonTerms):
    """So many percent of the base a point missed."""

    method: Literal["linear"]
    max_percent: Percent | None = None


class PerEvent(_CommonTerms):
    """A fixed amount a miss."""

    method: Literal["per_event"]
    amount: NonNegative | None = None


class Interpolated(_CommonTerms):
    """Maximum × (expected − value) / (expected − minimum)."""

    method: Literal["interpolated"]
    max_percent: Percent | None = None


ServiceCreditTerms = Annotated[
    AtRiskPool | ServicePoints | Tiers | LinearCredit | PerEvent | Interpolated,
    Field(discriminator="method"),
]
