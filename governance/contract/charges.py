"""What the client pays for the work."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from governance.contract.base import (
    Day,
    Exact,
    Identifier,
    Month,
    NonNegative,
    Percent,
    Positive,
    Terms,
    Text,
    Titled,
    Whole,
)


class TaxCategory(StrEnum):
    """How a charge is taxed."""

    STANDARD = "standard"
    ZERO = "zero"
    EXEMPT = "exempt"
    REVERSE_CHARGE = "reverse_charge"
    OUTSIDE_SCOPE = "outside_scope"


class Tax(Terms):
    """Tax treatment; only `standard` has a rate, `exempt` needs its reason."""

    category: TaxCategory
    rate: Percent = Decimal(0)
    reason: Text | None = None


class Indexation(Terms):
    """Prices follow an index series, unrounded factor = index / base."""

    series: Text
    base: Positive
    lag_months: Annotated[Whole, Field(ge=0, le=36)] = 0
    cap_percent: NonNegative | None = None
    method: Literal["base", "prior"] = "base"


class PriceTier(Terms):
    """Upper bound inclusive and counted from zero; `flat` is charged once on entering."""

    up_to: NonNegative | None
    price: NonNegative
    flat: NonNegative = Decimal(0)


class RateTier(Terms):
    """A tier of a percentage charge, with a rate in % in place of a price."""

    up_to: NonNegative | None
    rate: NonNegative
    flat: NonNegative = Decimal(0)


class _Pricing(Terms):
    free_units: NonNegative = Decimal(0)


class FlatPricing(_Pricing):
    """Every unit at one price."""

    scheme: Literal["flat"]
    price: NonNegative


class GraduatedPricing(_Pricing):
    """Every tier at its own price."""

    scheme: Literal["graduated"]
    tiers: Annotated[tuple[PriceTier, ...], Field(min_length=1)]


class VolumePricing(_Pricing):
    """All units at the reached tier's price."""

    scheme: Literal["volume"]
    tiers: Annotated[tuple[PriceTier, ...], Field(min_length=1)]


class PackagePricing(_Pricing):
    """Every started package at one price."""

    scheme: Literal["package"]
    size: Positive
    price: NonNegative


Pricing = Annotated[
    FlatPricing | GraduatedPricing | VolumePricing | PackagePricing, Field(discriminator="scheme")
]


class _Charge(Titled):
    clause: Text = "not stated"
    """Where the signed contract says so, such as Schedule 4, 1."""
    minimum: NonNegative | None = None
    """Least amount a period, trued up on a line of its own."""
    maximum: NonNegative | None = None
    """Greatest amount a period."""
    prorate: Literal["days", "none"] = "days"
    """Whether a period that the charge covers in part is charged by its days."""
    from_: Day | None = Field(default=None, alias="from")
    """First day of the charge; none for the engagement's."""
    to: Day | None = None
    """Last day of the charge, included; none for the engagement's."""
    indexation: Indexation | None = None
    """The index that amounts and prices follow."""
    ramp: dict[Month, NonNegative] | None = None
    """Amount (fixed) or price (per_unit flat) of the months named, in place of the usual one."""
    tax: Tax | None = None
    """Tax of this charge, in place of the invoice's."""


class FixedCharge(_Charge):
    """A fixed fee."""

    type: Literal["fixed"]
    amount: NonNegative
    per: Literal["month", "quarter", "year", "once"] = "month"


class PerUnitCharge(_Charge):
    """A price for every counted unit."""

    type: Literal["per_unit"]
    meter: Identifier
    pricing: Pricing


class PercentageCharge(_Charge):
    """A rate on amounts, such as cash collected."""

    type: Literal["percentage"]
    meter: Identifier
    rate: NonNegative | None = None
    tiers: tuple[RateTier, ...] = ()
    fixed_per_transaction: NonNegative = Decimal(0)
    free_transactions: Annotated[Whole, Field(ge=0)] = 0
    free_amount: NonNegative = Decimal(0)
    min_per_transaction: NonNegative | None = None
    max_per_transaction: NonNegative | None = None


class AgeBand(Terms):
    """Rate in % for debts over so many days past due; over 0 takes those not yet due too."""

    over_days: Annotated[Whole, Field(ge=0)]
    rate: NonNegative


class ContingencyCharge(_Charge):
    """A share of each receipt by the age of the debt; reversals take the fee back."""

    type: Literal["contingency"]
    meter: Identifier
    age_bands: Annotated[tuple[AgeBand, ...], Field(min_length=1)]
    age_at: Literal["placement", "receipt"] = "placement"


class PerFteCharge(_Charge):
    """A monthly price for every full-time equivalent, by role."""

    type: Literal["per_fte"]
    meter: Identifier = "fte"
    roles: Annotated[dict[Text, NonNegative], Field(min_length=1)]


class BandStep(Terms):
    """Price a unit up to so many percent away from the baseline."""

    up_to_percent: Positive
    price: NonNegative


class BandedCharge(_Charge):
    """A baseline fee with additional and reduced resource charges outside the deadband."""

    type: Literal["banded"]
    meter: Identifier
    baseline: Positive
    amount: NonNegative
    deadband_percent: Percent = Decimal(0)
    additional: tuple[BandStep, ...] = ()
    reduced: tuple[BandStep, ...] = ()
    counted_from: Literal["edge", "baseline"] = "edge"


class PassThroughCharge(_Charge):
    """Third-party cost passed on, outside the credit base."""

    type: Literal["pass_through"]
    meter: Identifier
    markup_percent: NonNegative = Decimal(0)


class GainShareCharge(_Charge):
    """A share of what is gained over the baseline."""

    type: Literal["gain_share"]
    meter: Identifier
    baseline: Exact
    share_percent: Percent


Charge = Annotated[
    FixedCharge
    | PerUnitCharge
    | PercentageCharge
    | ContingencyCharge
    | PerFteCharge
    | BandedCharge
    | PassThroughCharge
    | GainShareCharge,
    Field(discriminator="type"),
]


class MinimumCommitment(Terms):
    """What the client pays at least, over all charges, trued up a month or a year."""

    amount: Positive
    per: Literal["month", "year"]
