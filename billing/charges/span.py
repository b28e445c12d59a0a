"""The days for which a charge runs within a priced period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from governance.contract.charges import Charge
from governance.contract.engagement import Engagement
from governance.values import Period, summed


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a priced period in which a charge runs."""

    period: Period
    active: Period
    """Days of the period on which the charge runs."""
    first: date
    """First day of the charge, at the earliest the engagement's."""
    last: date | None
    """Last day of the charge, at the latest the engagement's; None is open."""
    prorated: bool = True
    """Whether amounts are split by days where the charge starts or ends within the period."""

    def prorate(self, amount: Decimal) -> Decimal:
        """`amount` × days that count / days of the period, both ends counted, unrounded."""
        return self.of_block(amount, self.period, self.active)

    def of_block(self, amount: Decimal, block: Period, part: Period) -> Decimal:
        """`amount` × days of `part` / days of `block`, or all of it without proration."""
        return amount * part.days / block.days if self.prorated else amount

    def days_text(self, block: Period, part: Period) -> str:
        """ "16 of 31 days" where the part is less than the block, else empty."""
        return f"{part.days} of {block.days} days" if self.prorated and part != block else ""

    def active_months(self) -> tuple[tuple[Period, Period], ...]:
        """Calendar months that the charge touches in the period, each with its days that count."""
        parts = (
            (month, month.overlap(self.active.start, self.active.end))
            for month in self.active.months()
        )
        return tuple((month, part) for month, part in parts if part is not None)

    def in_months(self, amount: Decimal) -> Decimal:
        """A monthly `amount` over the active part, each month by its own days, unrounded."""
        return summed(self.of_block(amount, month, part) for month, part in self.active_months())


def calendar_block(day: date, months: int) -> Period:
    """The calendar month, quarter or year of a day, by its length in months."""
    last = -(-day.month // months) * months
    return Period.months_ending(date(day.year, last, 1), months)


def span_of_engagement(
    engagement: Engagement,
    period: Period,
    starts: date | None = None,
    ends: date | None = None,
    prorate: Literal["days", "none"] = "days",
) -> Span | None:
    """The days of `period` within the engagement and from `starts` to `ends`; None without any."""
    first = max(engagement.starts, starts or engagement.starts)
    limits = [day for day in (engagement.ends, ends) if day is not None]
    last = min(limits, default=None)
    active = period.overlap(first, last)
    if active is None:
        return None
    return Span(period, active, first, last, prorated=prorate == "days")


def span_of(charge: Charge, engagement: Engagement, period: Period) -> Span | None:
    """The days of `period` on which the charge runs; None where there are none."""
    return span_of_engagement(engagement, period, charge.from_, charge.to, charge.prorate)
