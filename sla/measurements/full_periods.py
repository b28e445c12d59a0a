"""Consequences follow from full periods only: why none follows from the others."""

from __future__ import annotations

from datetime import date

from governance.contract.service_levels import ServiceLevel, Window
from governance.values import Period
from sla.measurements.versions import Tenure
from sla.measurements.windows import window_of

_JUDGED_OVER = {Window.QUARTER: "quarter", Window.YEAR: "year"}


def why_no_consequence(tenure: Tenure, period: Period) -> str:
    """Why nothing follows from a service level in a period; empty where something may.

    There is no consequence before `starts` (the learning period), before the first full period of
    a service level that was added within one, nor in a period that its end cuts short. The period
    is the month, for a service level judged by the quarter or year that quarter or year. The days
    on which the engagement itself starts and ends make no period a partial one.
    """
    level = tenure.level
    if level.starts is not None and level.starts > period.start:
        return before_start(level.starts)
    if tenure.ended_on is not None:
        return f"no consequence, as it ended on {tenure.ended_on}"
    judged = judged_over(level, period)
    if tenure.added_on is not None and tenure.added_on > judged.start:
        word = _JUDGED_OVER.get(level.window, "month")
        return f"added on {tenure.added_on}; no consequence before its first full {word}"
    return ""


def before_start(starts: date) -> str:
    """What is said of a learning period."""
    return f"no consequence before {starts} (learning period)"


def judged_over(level: ServiceLevel, period: Period) -> Period:
    """The quarter or year that a service level is judged over, or else the period."""
    return window_of(level.window, period) if level.window in _JUDGED_OVER else period
