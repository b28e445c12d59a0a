"""What a missed service level costs the provider."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from governance.contract.base import NonNegative, Percent, Positive, Terms


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
    annual_cap_percent: Percent | None = None
    settle: Settle = Settle.THIS_INVOICE
    base: CreditBase = CreditBase.CHARGES_WITHOUT_PASS_THROUGH
    claim_within_days: Annotated[int, Field(ge=1)] | None = None


class RepeatedMisses(Terms):
    """`below_expected` counts from the `count`th time within a rolling window of months."""

    count: Annotated[int, Field(ge=1)]
    within_months: Annotated[int, Field(ge=1, le=60)]


class Repeat(Terms):
    """From the `consecutive`th miss in a row on, the credit is multiplied."""

    consecutive: Annotated[int, Field(ge=2)]
    multiplier: Positive


class EarnBack(Terms):
    """A credit is returned in part after good months."""

    form: EarnBackForm
    months: Annotated[int, Field(ge=1, le=60)]
    percent: Percent = Field(default=100)  # type: ignore[assignment]


class AtRiskPool(_CommonTerms):
    """Credit = base × at-risk % × category pool % × allocation %."""

    method: Literal["at_risk_pool"]
    at_risk_percent: Percent
    categories: dict[str, Percent]
    below_expected: RepeatedMisses | None = None
    repeat: Repeat | None = None
    earn_back: EarnBack | None = None


class ServicePoints(_CommonTerms):
    """Credit = points × point_percent × base; repeats score a multiple."""

    method: Literal["service_points"]
    point_percent: Positive
    repeat_multiplier: Positive = Field(default=1)  # type: ignore[assignment]


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
