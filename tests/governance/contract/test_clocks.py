"""A service level whose clock runs in business time needs the calendar that it names."""

from __future__ import annotations

import pytest

from governance.contract.kpi_signature import Direction, KpiSignature, ParameterSignature
from governance.contract.reading import read_contract
from governance.errors import BadInput
from tests.governance.contract.documents import edited

UNITS = ("calendar_days", "business_days", "business_hours", "hours")
_CALENDAR = ParameterSignature("calendar", "text", "business_hours")
KPIS = {
    "observed": KpiSignature("observed", "Observed", "", Direction.HIGHER_IS_BETTER),
    "resolution": KpiSignature(
        "resolution",
        "Resolution",
        "days",
        Direction.LOWER_IS_BETTER,
        {"clock": ParameterSignature("clock", "choice", UNITS[0], UNITS), "calendar": _CALENDAR},
    ),
    "answer": KpiSignature(
        "answer",
        "Answer",
        "hours",
        Direction.LOWER_IS_BETTER,
        {
            "clock": ParameterSignature("clock", "text", None),
            "time": ParameterSignature("time", "choice", UNITS[2], UNITS),
            "calendar": _CALENDAR,
        },
    ),
}
OFFICE = "  business_hours: {"
LEVEL = "    kpi: dso\n    parameters: {variant: countback, months: 3}"
MANILA = "  calendars: {manila: {country: PH}}\n"


def problems(kpi: str, parameters: str, calendars: str) -> list[str]:
    """What is said of a service level's calendar, in a contract with these calendars."""
    changed = f"    kpi: {kpi}\n    parameters: {{{parameters}}}"
    text = edited({LEVEL: changed, OFFICE: calendars})
    try:
        read_contract(text.encode(), "contract.yaml", KPIS)
    except BadInput as error:
        return [each.what for each in error.problems if each.column.endswith("calendar")]
    return []


@pytest.mark.parametrize(
    ("kpi", "parameters", "calendars", "said"),
    [
        ("resolution", "clock: calendar_days", "  # ", []),
        ("resolution", "clock: hours", "  # ", []),
        ("resolution", "clock: business_days", OFFICE, []),
        (
            "resolution",
            "clock: business_days",
            "  # ",
            ["a clock in business_days needs a calendar, and the contract has none"],
        ),
        (
            "answer",
            "clock: a",
            "  # ",
            ["a clock in business_hours needs a calendar, and the contract has none"],
        ),
        ("answer", "clock: a, calendar: manila", MANILA + OFFICE, []),
        (
            "answer",
            "clock: a, calendar: manilla",
            MANILA + OFFICE,
            ["unknown calendar 'manilla', did you mean 'manila'?"],
        ),
        ("answer", "clock: a", MANILA + "  # ", ["unknown calendar 'business_hours'"]),
        ("answer", "clock: a, time: hours, calendar: x", OFFICE, ["unknown calendar 'x'"]),
    ],
)
def test_calendar_of_a_clock(kpi: str, parameters: str, calendars: str, said: list[str]) -> None:
    assert problems(kpi, parameters, calendars) == said
