"""The span that each window covers, month by month."""

from __future__ import annotations

from datetime import date

import pytest

from governance.contract.service_levels import Window
from governance.values import Period
from sla.measurements.windows import window_of


@pytest.mark.parametrize(
    ("window", "month", "start", "end"),
    [
        (Window.MONTH, "2026-02", "2026-02-01", "2026-02-28"),
        (Window.MONTH, "2024-02", "2024-02-01", "2024-02-29"),
        (Window.QUARTER, "2026-01", "2026-01-01", "2026-01-31"),
        (Window.QUARTER, "2026-02", "2026-01-01", "2026-02-28"),
        (Window.QUARTER, "2026-03", "2026-01-01", "2026-03-31"),
        (Window.QUARTER, "2026-04", "2026-04-01", "2026-04-30"),
        (Window.QUARTER, "2026-12", "2026-10-01", "2026-12-31"),
        (Window.ROLLING_3_MONTHS, "2026-03", "2026-01-01", "2026-03-31"),
        (Window.ROLLING_3_MONTHS, "2026-01", "2025-11-01", "2026-01-31"),
        (Window.ROLLING_3_MONTHS, "2024-04", "2024-02-01", "2024-04-30"),
        (Window.ROLLING_12_MONTHS, "2026-12", "2026-01-01", "2026-12-31"),
        (Window.ROLLING_12_MONTHS, "2025-02", "2024-03-01", "2025-02-28"),
        (Window.YEAR, "2026-01", "2026-01-01", "2026-01-31"),
        (Window.YEAR, "2026-07", "2026-01-01", "2026-07-31"),
        (Window.YEAR, "2026-12", "2026-01-01", "2026-12-31"),
        (Window.MONTH, "2026-Q1", "2026-03-01", "2026-03-31"),
        (Window.QUARTER, "2026-Q1", "2026-01-01", "2026-03-31"),
        (Window.YEAR, "2026", "2026-01-01", "2026-12-31"),
    ],
)
def test_a_window_ends_with_the_period(window: Window, month: str, start: str, end: str) -> None:
    found = window_of(window, Period.parse(month))
    assert found == Period(date.fromisoformat(start), date.fromisoformat(end))
