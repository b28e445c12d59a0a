"""How a month may end, from its days so far."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.measurements.targets import Targets
from sla.trends.forecast import FEWEST_MONTHS, Course, Promise, forecast
from sla.trends.values import Verdict
from tests.paths import CASES

MARCH = Period.month(2026, 3)
DAY = date(2026, 3, 12)


def _cases() -> list[dict[str, Any]]:
    text = (CASES / "forecasts.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text))


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize("case", _cases(), ids=lambda each: each["name"])
def test_worked_case(case: dict[str, Any]) -> None:
    promise = Promise(
        Targets(Decimal(case["expected"]), None),
        Direction(case["direction"]),
        case.get("round_to"),
        case.get("unit", ""),
    )
    courses = [Course(Decimal(so_far), Decimal(final)) for so_far, final in case["courses"]]
    found = forecast(MARCH, DAY, _exact(case["so_far"]), courses, promise)
    assert found.verdict is Verdict(case["verdict"])
    assert found.middle == _exact(case.get("middle"))
    assert (found.low, found.high) == (_exact(case.get("low")), _exact(case.get("high")))
    assert found.misses == case.get("misses", 0)


_VALUES = st.decimals(-1000, 1000, places=3)


@given(
    so_far=_VALUES,
    courses=st.lists(st.builds(Course, _VALUES, _VALUES), min_size=FEWEST_MONTHS, max_size=12),
    expected=_VALUES,
    direction=st.sampled_from(Direction),
)
def test_the_middle_lies_between_and_all_months_are_counted(
    so_far: Decimal, courses: list[Course], expected: Decimal, direction: Direction
) -> None:
    promise = Promise(Targets(expected, None), direction, None)
    found = forecast(MARCH, DAY, so_far, courses, promise)
    assert found.low is not None
    assert found.middle is not None
    assert found.high is not None
    assert found.low <= found.middle <= found.high
    assert 0 <= found.misses <= found.months == len(courses)
    assert 0 <= found.right_before <= found.months
    certain = {0: Verdict.LIKELY_MET, len(courses): Verdict.LIKELY_MISSED}
    assert certain.get(found.misses, found.verdict) is found.verdict


def test_months_that_all_went_alike_would_have_been_called_right() -> None:
    courses = [Course(Decimal(60), Decimal(85))] * 8
    promise = Promise(Targets(Decimal(80), None), Direction.HIGHER_IS_BETTER, None)
    assert forecast(MARCH, DAY, Decimal(60), courses, promise).right_before == 8
