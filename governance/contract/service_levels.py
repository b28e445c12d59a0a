"""What performance was promised, level by level."""

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
from governance.contract.kpi_signature import ParameterValue


class Window(StrEnum):
    """The span that one measurement covers; it ends with the measured period."""

    MONTH = "month"
    QUARTER = "quarter"
    ROLLING_3_MONTHS = "rolling_3_months"
    ROLLING_12_MONTHS = "rolling_12_months"
    YEAR = "year"


class PointsBand(Terms):
    """Points for a miss whose rounded value is at `from` or better, and worse than the band before.

    The last band has no `from` and takes every worse value.
    """

    from_: Exact | None = Field(default=None, alias="from")
    """The worst value of the band; none for the last."""
    points: NonNegative
    """What a miss in the band scores."""


class CreditTier(Terms):
    """Credit of `percent` of the base once the value is worse than `below`."""

    below: Exact
    """The tier holds for every value worse than this one."""
    percent: Percent
    """Credit in % of the base."""


class Linear(Terms):
    """Credit of so many percent of the base for every point missed."""

    percent_per_point: Positive
    """Credit in % of the base a point."""
    count: Literal["full", "pro_rata"] = "full"
    """Only full points, or a started one in part (pro_rata)."""


class BonusMalus(Terms):
    """Bonus and malus of so many percent of the base a point beyond the neutral zone.

    Parts of a point count in part.
    """

    neutral_points: NonNegative = Decimal(0)
    """Points above and below `expected` within which nothing follows, bounds included."""
    percent_per_point: Positive
    """In % of the base, for both sides of the neutral zone."""
    max_bonus_percent: Percent = Decimal(0)
    """Most that the bonus can be, in % of the base; 0 for none."""
    max_malus_percent: Percent
    """Most that the malus can be, in % of the base."""


class Ratchet(Terms):
    """The promise that rises by itself, on each anniversary of the engagement's start.

    The new `expected` holds from the first month (quarter, year) on that begins on the anniversary
    or later. It never is worse than the old, and is rounded half up by `round_to`; the minimum
    stays. Months that a ramp names keep the ramp's targets.
    """

    form: Literal["halfway_to_average", "gap_to_100"]
    """`halfway_to_average`: `percent`, half if not stated, of the way from `expected` to the mean
    of the values of the twelve calendar months before, rounded as they are, where that is better;
    without any value nothing rises, and learning periods don't count. `gap_to_100`: `percent` of
    what is missing to 100, where lower is better of what is above 0; for KPIs in percent only."""
    percent: Percent = Decimal(50)
    """Part of the way, or of the gap."""
    max_points: Positive | None = None
    """Most that the promise moves a year, in the KPI's unit."""


class MonthlyTarget(Terms):
    """What is promised for one month of a ramp, in place of the usual."""

    expected: Exact
    """At this value or better the month is met."""
    minimum: Exact | None = None
    """None leaves the service level's own minimum."""


class Baseline(Terms):
    """How good the work was before it was handed over.

    Either measured from the evidence over whole months (`from`, `to`), or stated (`value`).
    """

    from_: Month | None = Field(default=None, alias="from")
    """First month that the baseline is measured over."""
    to: Month | None = None
    """Last month, included."""
    value: Exact | None = None
    """What both sides agreed it to be, where it isn't measured."""
    source: Text | None = None
    """The document that states or explains it."""


class ServiceLevel(Titled):
    """One promised service level, tied to a KPI of the catalogue."""

    clause: Text = "not stated"
    """Where the signed contract says so, such as Schedule 2, 3.1."""
    kpi: Identifier
    """Name of the KPI in the catalogue."""
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    """Which variant of the KPI is agreed."""
    window: Window = Window.MONTH
    """The span that one measurement covers."""
    expected: Exact
    """At this value or better the service level is met."""
    minimum: Exact | None = None
    """Worse than this is a serious miss; none makes every miss one."""
    round_to: Annotated[Whole, Field(ge=0, le=6)] | None = None
    """Decimals that the value is rounded to before it is compared; None compares it unrounded."""
    ramp: dict[Month, MonthlyTarget] | None = None
    """Targets of the months named, in place of `expected` and `minimum`."""
    baseline: Baseline | None = None
    """What the service level stood at before hand-over; it has no consequence."""
    starts: Day | None = None
    """Measured before this day too, but without consequence (learning period)."""
    ends: Day | None = None
    """Last day in force; a period that it cuts short is measured without consequence."""
    category: Text | None = None
    """Category of the at-risk pool."""
    allocation: Percent | None = None
    """Percentage of the category's pool (at_risk_pool)."""
    points: tuple[PointsBand, ...] = ()
    """What a miss scores, from the best band to the worst (service_points)."""
    tiers: tuple[CreditTier, ...] = ()
    """Credits by how far the value falls (tiers)."""
    linear: Linear | None = None
    """Credit by distance (linear)."""
    bonus_malus: BonusMalus | None = None
    """What missing costs, and surpassing earns (bonus_malus)."""
    ratchet: Ratchet | None = None
    """How `expected` rises with what was reached."""
    max_percent: Percent | None = None
    """Most that a miss costs, in % of the base (linear, interpolated)."""
    amount: Positive | None = None
    """Credit a miss (per_event), in the engagement's currency."""
