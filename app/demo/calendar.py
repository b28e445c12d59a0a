"""When things happen in the demo: on days of its own, and never after today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from governance.values import Period

BEGIN = date(2024, 12, 16)
"""The day on which the demo's people, contract and evidence come in."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the demo, on a clock that may stand before them."""

    now: datetime

    def at(self, day: date, hour: int = 9) -> datetime:
        """An hour of a day, in UTC; now, where that is still to come."""
        return min(datetime.combine(day, time(hour), UTC), self.now)

    def day(self, day: date) -> date:
        """A day; today, where it is still to come."""
        return min(day, self.now.date())


def after(period: Period, days: int) -> date:
    """A day so many days after a period's end."""
    return period.end + timedelta(days=days)
