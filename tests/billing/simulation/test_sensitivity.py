"""The invoice by volume, and the credit by the value of a service level."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.charges.values import MeteredAmount
from billing.simulation.stretches import stretches
from billing.simulation.values import LevelSensitivity, Point
from billing.simulation.volume import STEPS, scaled
from governance.values import EXACT
from sla.measurements.values import Status
from tests.billing.simulation.cases import USUAL, Change, D, simulated, stretches_of


def _level(change: Change, month: str = "2026-02") -> LevelSensitivity:
    return simulated(change, periods="2026-01..2026-03", month=month).new.sensitivity[0]


def test_volume_of_a_chosen_month() -> None:
    """February: three invoices at 5.00, 1500.00 collected at 2 %, the level missed (2 %)."""
    steps = {one.percent: one for one in simulated(month="2026-02").new.volume}
    assert tuple(steps) == STEPS
    usual, more, less = steps[0], steps[20], steps[-20]
    assert (usual.subtotal, usual.credit, usual.total) == (D("1045.00"), D("20.90"), D("1218.68"))
    # 3.6 invoices are 4; 1000 + 20 + 36 = 1056; 2 % are 21.12; 19 % of 1034.88 are 196.63
    assert more.charges == {"CH-01": D("1000.00"), "CH-02": D("20.00"), "CH-03": D("36.00")}
    assert (more.credit, more.total) == (D("21.12"), D("1231.51"))
    # 2.4 invoices are 2; 1000 + 10 + 24 = 1034; 2 % are 20.68; 19 % of 1013.32 are 192.53
    assert (less.subtotal, less.credit, less.total) == (D("1034.00"), D("20.68"), D("1205.85"))


def test_volume_of_all_months_is_the_mean_of_their_invoices() -> None:
    found = simulated().new
    assert found.volume_of == ""
    usual = next(one for one in found.volume if not one.percent)
    # A third of 1195.95, 1218.68 and 1160.07, and of 1005, 1045 and 1005 before credit and tax.
    assert (usual.total, usual.subtotal) == (D("1191.57"), D("1018.33"))
    assert usual.charges["CH-02"] == D("8.33")


@pytest.mark.parametrize(
    ("meter", "percent", "wanted"),
    [
        (D(3), 15, D(3)),
        (D(10), -5, D(10)),
        (D(10), 5, D(11)),
        (D("3.5"), 10, D("3.85")),
        ({"collector": D("3.5")}, -20, {"collector": D("2.8")}),
        (
            (MeteredAmount(D("100.00"), 30, 2),),
            -5,
            (MeteredAmount(D("95.0000"), 30, 2),),
        ),
    ],
)
def test_quantities_are_scaled(meter: Any, percent: int, wanted: Any) -> None:
    """10 × 0.95 = 9.5 and 10 × 1.05 = 10.5 are rounded half up."""
    assert scaled(meter, percent) == wanted


def test_at_expected_at_minimum_and_around_what_was_measured() -> None:
    level = _level(USUAL)
    rows = {(one.point, one.steps): (one.value, one.status, one.month) for one in level.points}
    assert level.step == 1
    assert rows[Point.EXPECTED, 0] == (D("85.0"), Status.MET, D(0))
    assert rows[Point.MINIMUM, 0] == (D("75.0"), Status.BELOW_EXPECTED, D(0))
    # 74.15 is rounded half up to 74.2, and a single miss of the minimum credits 2 % of 1045.00
    assert rows[Point.MEASURED, 0] == (D("74.2"), Status.BELOW_MINIMUM, D("20.90"))
    assert rows[Point.STEP, 1] == (D("75.2"), Status.BELOW_EXPECTED, D(0))
    assert rows[Point.STEP, -5] == (D("69.2"), Status.BELOW_MINIMUM, D("20.90"))
    values = [one.value for one in level.points]
    assert values == sorted(values, reverse=True)


def test_where_the_credit_jumps() -> None:
    assert stretches_of(_level(USUAL)) == [
        (D("90.0"), D("75.0"), D("0.00"), D("0.00")),
        (D("74.9"), D("69.2"), D("20.90"), D("20.90")),
    ]


def test_history_counts_for_the_month_that_is_changed() -> None:
    """In March a miss is the second in a row: 1005.00 × 2 % × 1.5."""
    assert stretches_of(_level(USUAL, "2026-03"))[1][2:] == (D("30.15"), D("30.15"))


def _with_terms(credits_: dict[str, Any], **level: Any) -> Change:
    usual = {
        "id": "SL-01",
        "title": "Collection effectiveness",
        "kpi": "observed",
        "parameters": {"measure": "cei", "unit": "%"},
        "expected": "85.0",
        "round_to": 1,
    }
    return {"replace": {"service_credits": credits_, "service_levels": [usual | level]}}


def test_a_credit_a_full_point_jumps_at_every_point() -> None:
    terms = _with_terms({"method": "linear"}, linear={"percent_per_point": 1}, max_percent=3)
    # 1045.00 × 1 %, 2 % and 3 %
    assert stretches_of(_level(terms))[:4] == [
        (D("90.0"), D("84.1"), D("0.00"), D("0.00")),
        (D("84.0"), D("83.1"), D("10.45"), D("10.45")),
        (D("83.0"), D("82.1"), D("20.90"), D("20.90")),
        (D("82.0"), D("69.2"), D("31.35"), D("31.35")),
    ]


def test_an_interpolated_credit_rises_evenly_and_stops() -> None:
    terms = _with_terms({"method": "interpolated"}, minimum="75.0", max_percent=10)
    # 10 % of 1045.00 at 75.0 or worse, and a hundredth of it for each 0.1 before
    assert stretches_of(_level(terms)) == [
        (D("90.0"), D("85.0"), D("0.00"), D("0.00")),
        (D("84.9"), D("75.0"), D("1.05"), D("104.50")),
        (D("74.9"), D("69.2"), D("104.50"), D("104.50")),
    ]


@pytest.mark.parametrize(
    ("places", "unit", "expected", "step"),
    [
        (0, "%", "85", "1"),
        (1, "%", "85.0", "1"),
        (2, "%", "99.95", "0.1"),
        (3, "%", "99.950", "0.01"),
        (1, "days", "45.0", "1"),
        (1, "hours", "150.0", "10"),
        (2, "EUR", "1000000.00", "10000"),
    ],
)
def test_what_a_point_is(places: int, unit: str, expected: str, step: str) -> None:
    parameters = {"measure": "cei", "unit": unit, "direction": "higher_is_better"}
    change = _with_terms(
        {"method": "per_event", "amount": "100"},
        expected=expected,
        round_to=places,
        parameters=parameters,
    )
    assert _level(change).step == D(step)


def test_no_credits_no_sensitivity() -> None:
    none = {"replace": {"service_credits": "none"}}
    assert simulated(none).new.sensitivity == ()


def test_stretches_find_every_jump_with_few_looks() -> None:
    jumps = [D("0.13"), D("17.5"), D("17.51"), D("88")]
    looks = 0

    def net(value: Decimal) -> Decimal:
        nonlocal looks
        looks += 1
        return sum((D(100) for jump in jumps if value >= jump), EXACT.create_decimal(0))

    found = stretches(net, D(0), D(100), D("0.01"), D("0.01"))
    assert [one.better for one in found] == [D(0), *jumps]
    assert looks < 120
