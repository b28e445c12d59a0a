"""The span that a service level is measured over, and when it is judged."""

from __future__ import annotations

from datetime import date

from governance.contract.service_levels import Window
from governance.values import Period

_ROLLING_MONTHS = {
    Window.MONTH: 1,
    Window.ROLLING_3_MONTHS: 3,
    Window.ROLLING_12_MONTHS: 12,
}
_MONTHS_BETWEEN_JUDGEMENTS = {Window.QUARTER: 3, Window.YEAR: 12}


def window_of(window: Window, period: Period) -> Period:
    """The span that ends with `period`.

    A month and the rolling windows are whole calendar months; a quarter or a year runs from its
    first day to the end of the period, so within one it is the quarter or year to date.
    """
    months = _ROLLING_MONTHS.get(window)
    if months is not None:
        return Period.months_ending(period.end, months)
    first_month = 1 if window is Window.YEAR else (period.end.month - 1) // 3 * 3 + 1
    return Period(date(period.end.year, first_month, 1), period.end)


def months_between(window: Window) -> int:
    """3 for a quarter and 12 for a year; every other window is judged every month."""
    return _MONTHS_BETWEEN_JUDGEMENTS.get(window, 1)


def is_judged(window: Window, period: Period, engagement_ends: date | None) -> bool:
    """Whether the period ends the window, or the engagement within it."""
    if period.end.month % months_between(window) == 0:
        return True
    return engagement_ends is not None and period.contains(engagement_ends)
