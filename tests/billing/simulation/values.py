"""A small simulation as values: two months under two contracts, the second one set aside."""

from __future__ import annotations

from billing.simulation.comparison import differences
from billing.simulation.values import (
    AmountRow,
    LevelMonth,
    LevelPoint,
    LevelRow,
    LevelSensitivity,
    MonthRow,
    MonthSums,
    Point,
    SimulatedContract,
    Simulation,
    Stretch,
    VolumeStep,
)
from sla.measurements.values import Status
from tests.billing.simulation.cases import D

JANUARY, FEBRUARY = "2026-01", "2026-02"
_POINTS = (
    LevelPoint(Point.EXPECTED, 0, D("85.0"), Status.MET, D("0.00"), D("0.00")),
    LevelPoint(Point.STEP, 2, D("76.2"), Status.BELOW_EXPECTED, D("0.00"), D("0.00")),
    LevelPoint(Point.STEP, 1, D("75.2"), Status.BELOW_EXPECTED, D("0.00"), D("0.00")),
    LevelPoint(Point.MINIMUM, 0, D("75.0"), Status.BELOW_EXPECTED, D("0.00"), D("0.00")),
    LevelPoint(Point.MEASURED, 0, D("74.2"), Status.BELOW_MINIMUM, D("20.00"), D("20.00")),
)
_STRETCHES = (
    Stretch(D("90.0"), D("75.0"), D("0.00"), D("0.00")),
    Stretch(D("74.9"), D("70.0"), D("20.00"), D("20.00")),
)
_LEVEL = LevelSensitivity(
    "SL-01", "Effectiveness", "Schedule 2, 1", "%", 1, D(1), _POINTS, _STRETCHES
)


def _contract(name: str, price: str, invoices: str, february: MonthRow) -> SimulatedContract:
    charges = D("1000.00") + D(price)
    total = charges - 20
    january = MonthSums(charges, D("20.00"), D("20.00"), D("0.00"), total)
    credit = LevelMonth(D("74.2"), Status.BELOW_MINIMUM, D("20.00"), "Schedule 2, 1: missed")
    steps = [
        VolumeStep(
            percent,
            {"CH-01": D("1000.00"), invoices: D(price) + percent},
            charges + percent,
            D("20.00"),
            total + percent,
        )
        for percent in (-20, 0, 20)
    ]
    return SimulatedContract(
        name=name,
        sha256=name[0] * 64,
        reference="ENG-1",
        charges=(
            AmountRow("CH-01", "Base fee", "Schedule 3, 1", {JANUARY: D("1000.00")}),
            AmountRow(invoices, "Invoices | issued", "Schedule 3, 2", {JANUARY: D(price)}),
        ),
        levels=(LevelRow("SL-01", "Effectiveness", "Schedule 2, 1", "%", {JANUARY: credit}),),
        further=(),
        months=(MonthRow(JANUARY, january), february),
        volume=tuple(steps),
        sensitivity=(_LEVEL,),
        sensitivity_of=JANUARY,
    )


_PRICED = MonthRow(FEBRUARY, MonthSums(*[D("7.00"), D("0.00"), D("0.00"), D("0.00"), D("7.00")]))
_ASIDE = MonthRow(FEBRUARY, None, ("the meter calls_made needs the dataset activities",))
NEW = _contract("new.yaml", "50.00", "CH-12", _ASIDE)
OLD = _contract("Version 1", "40.00", "CH-02", _PRICED)
SIMULATED = Simulation(
    currency="EUR",
    months=(JANUARY, FEBRUARY),
    new=NEW,
    old=OLD,
    compared=(JANUARY,),
    differences=differences(OLD, NEW, (JANUARY,)),
    evidence={"invoices": "e" * 64},
    warnings=("no disputes were handed in",),
)
ALONE = Simulation(
    currency="EUR",
    months=(JANUARY, FEBRUARY),
    new=NEW,
    compared=(JANUARY,),
    differences=differences(None, NEW, (JANUARY,)),
)
