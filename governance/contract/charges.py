"""What the client pays for the work."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from governance.contract.base import (
    Accepts,
    Day,
    Exact,
    Identifier,
    Month,
    Name,
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
    INTRA_COMMUNITY = "intra_community"
    EXPORT = "export"


ExemptionCode = Annotated[
    str,
    StringConstraints(pattern=r"^VATEX-[A-Z]{2}-[A-Z0-9-]{1,24}$"),
    Accepts("a VATEX code such as VATEX-EU-AE or VATEX-EU-132-1G"),
]


class Tax(Terms):
    """Tax treatment; only `standard` has a rate, `exempt` needs its reason or code."""

    category: TaxCategory
    """Which rule of tax law holds."""
    rate: Percent = Decimal(0)
    """In %, for the category standard."""
    reason: Text | None = None
    """What the invoice says in place of a tax; needed for exempt, unless its code is stated."""
    code: ExemptionCode | None = None
    """Reason as a code of the VATEX list, for electronic invoices; reverse charge, intra-community,
    export and outside the scope have theirs without it."""
    name: Name | None = None
    """What the tax is called where it is no VAT, such as Sales tax."""


class Indexation(Terms):
    """Prices follow an index series, unrounded factor = index / base."""

    series: Text
    """Name of the index series, such as HICP-EU."""
    base: Positive
    """Value of the index that the prices of the contract stand at."""
    lag_months: Annotated[Whole, Field(ge=0, le=36)] = 0
    """Months that the index of a period lies back."""
    cap_percent: NonNegative | None = None
    """Most that prices rise, in %; a fall is not limited."""
    method: Literal["base", "prior"] = "base"
    """Against the base index, or against the last year's (prior), compounding."""
    share_percent: Percent = Decimal(100)
    """The part of an index change that prices follow, such as 60 for labour alone."""
    carry_over: bool = False
    """Whether a rise above the cap is added to the next change (method prior)."""
    every: Literal["month", "year"] = "month"
    """When evidence gives the indices: prices change each month, or on the engagement's
    anniversaries."""


class PriceTier(Terms):
    """Upper bound inclusive and counted from zero; `flat` is charged once on entering."""

    up_to: NonNegative | None
    """Last unit of the tier; null for the last tier."""
    price: NonNegative
    """Price a unit."""
    flat: NonNegative = Decimal(0)
    """Amount for entering the tier."""


class RateTier(Terms):
    """A tier of a percentage charge, with a rate in % in place of a price."""

    up_to: NonNegative | None
    """Last amount of the tier; null for the last tier."""
    rate: NonNegative
    """In %."""
    flat: NonNegative = Decimal(0)
    """Amount for entering the tier."""


class _Pricing(Terms):
    free_units: NonNegative = Decimal(0)
    """Units that cost nothing, taken off first."""


class FlatPricing(_Pricing):
    """Every unit at one price."""

    scheme: Literal["flat"]
    price: NonNegative
    """Price a unit."""


class GraduatedPricing(_Pricing):
    """Every tier at its own price."""

    scheme: Literal["graduated"]
    tiers: Annotated[tuple[PriceTier, ...], Field(min_length=1)]
    """Tiers in order, the last one open."""


class VolumePricing(_Pricing):
    """All units at the reached tier's price."""

    scheme: Literal["volume"]
    tiers: Annotated[tuple[PriceTier, ...], Field(min_length=1)]
    """Tiers in order, the last one open."""


class PackagePricing(_Pricing):
    """Every started package at one price."""

    scheme: Literal["package"]
    size: Positive
    """Units of a package."""
    price: NonNegative
    """Price a package."""


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
    """The fee."""
    per: Literal["month", "quarter", "year", "once"] = "month"
    """What it is for; a quarter and a year are billed in advance."""


class PerUnitCharge(_Charge):
    """A price for every counted unit."""

    type: Literal["per_unit"]
    meter: Identifier
    """The quantity that is counted."""
    pricing: Pricing
    """How units are priced."""


class PercentageCharge(_Charge):
    """A rate on amounts, such as cash collected."""

    type: Literal["percentage"]
    meter: Identifier
    """The amounts that the rate is on."""
    rate: NonNegative | None = None
    """In %; or else tiers."""
    tiers: tuple[RateTier, ...] = ()
    """Rates by amount, each part at its own (graduated)."""
    fixed_per_transaction: NonNegative = Decimal(0)
    """Amount for each transaction."""
    free_transactions: Annotated[Whole, Field(ge=0)] = 0
    """Transactions that are free, until free_amount is used up."""
    free_amount: NonNegative = Decimal(0)
    """Amount that is free, until free_transactions are used up."""
    min_per_transaction: NonNegative | None = None
    """Least that a charged transaction costs."""
    max_per_transaction: NonNegative | None = None
    """Most that a transaction costs."""


class AgeBand(Terms):
    """Rate in % for debts over so many days past due; over 0 takes those not yet due too."""

    over_days: Annotated[Whole, Field(ge=0)]
    """Days past due that the debt is over."""
    rate: NonNegative
    """In % of what was collected."""


class ContingencyCharge(_Charge):
    """A share of each receipt by the age of the debt; reversals take the fee back."""

    type: Literal["contingency"]
    meter: Identifier
    """The receipts, with the age of their debt."""
    age_bands: Annotated[tuple[AgeBand, ...], Field(min_length=1)]
    """Rates by age, youngest first."""
    age_at: Literal["placement", "receipt"] = "placement"
    """The day that the age is counted to: when the debt was handed over, or when it was paid."""
    recall_rate: NonNegative = Decimal(0)
    """Fee in % of what was open on a debt that the client takes back unpaid."""


class PerFteCharge(_Charge):
    """A monthly price for every full-time equivalent, by role."""

    type: Literal["per_fte"]
    meter: Identifier = "fte"
    """The full-time equivalents by role."""
    roles: Annotated[dict[Text, NonNegative], Field(min_length=1)]
    """Monthly price of each role."""


class BandStep(Terms):
    """Price a unit up to so many percent away from the baseline."""

    up_to_percent: Positive
    """Distance from the baseline at which the band ends."""
    price: NonNegative
    """Price a unit in the band."""


class BandedCharge(_Charge):
    """A baseline fee with additional and reduced resource charges outside the deadband."""

    type: Literal["banded"]
    meter: Identifier
    """The volume that is counted."""
    baseline: Positive
    """Volume that the fee is for."""
    amount: NonNegative
    """Fee of a period at the baseline."""
    deadband_percent: Percent = Decimal(0)
    """Distance within which the fee does not move."""
    additional: tuple[BandStep, ...] = ()
    """Prices of units above the baseline, nearest band first."""
    reduced: tuple[BandStep, ...] = ()
    """What units below the baseline take off, nearest band first."""
    counted_from: Literal["edge", "baseline"] = "edge"
    """Whether units count from the deadband's edge or from the baseline."""


class PassThroughCharge(_Charge):
    """Third-party cost passed on, outside the credit base."""

    type: Literal["pass_through"]
    meter: Identifier
    """The cost that is passed on."""
    markup_percent: NonNegative = Decimal(0)
    """What is added to it."""


class GainShareCharge(_Charge):
    """A share of what is gained over the baseline."""

    type: Literal["gain_share"]
    meter: Identifier
    """What is compared with the baseline."""
    baseline: Exact
    """Value from which on there is a gain."""
    share_percent: Percent
    """Part of the gain that is charged."""


TRANSFER_ID = "transfer"
"""The charge id of the line for the transfer fee."""
COMMITMENT_ID = "minimum_commitment"
"""The charge id of the true-up to the minimum commitment."""


class RebateTier(Terms):
    """Rebate in % once the charges are over an amount, and not yet on it."""

    over: NonNegative
    """Amount that the charges must be over."""
    percent: Percent
    """Rebate in %."""


class VolumeRebateCharge(_Charge):
    """A discount on other charges once they reach an amount; its line is negative.

    It is taxed, and in or out of the credit base, as the charges are that it is on. Earlier
    periods of the span count with what they were charged then.
    """

    type: Literal["volume_rebate"]
    of: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """Ids of the charges that are added up, and that the rebate is given on."""
    per: Literal["month", "quarter", "year"] = "year"
    """The span that charges are added up over: the calendar month, quarter or year."""
    tiers: Annotated[tuple[RebateTier, ...], Field(min_length=1)]
    """Rebates by amount, smallest first."""
    retroactive: bool = False
    """Whether the rate reached holds for the whole span from its start on, or only for what is
    over the bound."""


class FeeMilestone(Titled):
    """A deliverable that is paid for when it is accepted."""

    due: Day
    """Day on which it is planned to be accepted."""
    amount: NonNegative
    """What its acceptance costs."""


class MilestonesCharge(_Charge):
    """Transition and project fees: each milestone once, in the period of its acceptance.

    One accepted before the charge's first day is billed with that day's period, one accepted
    after its last day not at all.
    """

    type: Literal["milestones"]
    milestones: Annotated[tuple[FeeMilestone, ...], Field(min_length=1)]
    """The deliverables."""


class TerminationStep(Terms):
    """What ending on that day or before costs: an amount, or so many average months of charges."""

    until: Day | None
    """Last day of the step; None for every later day."""
    amount: NonNegative | None = None
    """A fixed amount."""
    months_of_charges: NonNegative | None = None
    """Times the mean of the last twelve months' charges, or of as many as there are."""


class EarlyTerminationCharge(_Charge):
    """What the client pays for ending the engagement for convenience before its agreed end.

    It is billed once, with the period of the engagement's last day (`ends`), by the first step of
    the schedule that reaches to it; after the last step nothing is due. It counts for no credit
    base and no minimum commitment.
    """

    type: Literal["early_termination"]
    schedule: Annotated[tuple[TerminationStep, ...], Field(min_length=1)]
    """What ending costs until which day, earliest first."""


Charge = Annotated[
    FixedCharge
    | PerUnitCharge
    | PercentageCharge
    | ContingencyCharge
    | PerFteCharge
    | BandedCharge
    | PassThroughCharge
    | GainShareCharge
    | VolumeRebateCharge
    | MilestonesCharge
    | EarlyTerminationCharge,
    Field(discriminator="type"),
]


class MinimumCommitment(Terms):
    """What the client pays at least, over all charges, trued up a month or a year."""

    amount: Positive
    """Least that all charges together come to."""
    per: Literal["month", "year"]
    """What it holds for; a year is trued up on its last invoice."""
