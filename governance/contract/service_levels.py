"""What performance was promised, level by level."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from governance.contract.base import Exact, Identifier, NonNegative, Percent, Positive, Terms, Text

ParameterValue = bool | str
"""A KPI parameter as written: numbers stay text until the KPI's definition types them."""


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
    points: NonNegative


class CreditTier(Terms):
    """Credit of `percent` of the base once the value is worse than `below`."""

    below: Exact
    percent: Percent


class Linear(Terms):
    """Credit of so many percent of the base for every point missed."""

    percent_per_point: Positive
    count: Literal["full", "pro_rata"] = "full"


class ServiceLevel(Terms):
    """One promised service level, tied to a KPI of the catalogue."""

    id: Identifier
    title: Text
    clause: Text = "not stated"
    kpi: Identifier
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    window: Window = Window.MONTH
    expected: Exact
    minimum: Exact | None = None
    round_to: Annotated[int, Field(ge=0, le=6)] | None = None
    """Decimals that the value is rounded to before it is compared; None compares it unrounded."""
    starts: date | None = None
    """Measured before this day too, but without consequence (learning period)."""
    category: Text | None = None
    allocation: Percent | None = None
    """Percentage of the category's pool (at_risk_pool)."""
    points: tuple[PointsBand, ...] = ()
    tiers: tuple[CreditTier, ...] = ()
    linear: Linear | None = None
    max_percent: Percent | None = None
    amount: Positive | None = None
    """Credit a miss (per_event), in the engagement's currency."""
