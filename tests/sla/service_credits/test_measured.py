"""What credits follow from, taken from what was measured."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.measurements.values import MeasuredPeriod, Measurement, Status
from sla.service_credits.measured import results_of
from sla.service_credits.values import LevelResult, PeriodResults

_JUNE = Period.month(2026, 6)
_MET = Measurement(
    service_level="SL-01",
    kpi="observed",
    parameters={},
    window=_JUNE,
    unit="percent",
    direction=Direction.HIGHER_IS_BETTER,
    unrounded=Decimal("98.76"),
    value=Decimal("98.8"),
    expected=Decimal(98),
    minimum=None,
    status=Status.MET,
    consequential=True,
    numerator=None,
    denominator=None,
    rows=0,
    evidence=(),
    definition_sha256="",
)
_MEASURED = MeasuredPeriod(
    _JUNE,
    "EUR",
    (
        _MET,
        replace(_MET, service_level="SL-02", value=None, status=Status.EXCUSED),
        replace(_MET, service_level="SL-03", no_consequence="it is a learning period"),
    ),
)


def test_every_service_level_has_its_rounded_value_and_what_speaks_against_a_credit() -> None:
    assert results_of(_MEASURED, Decimal("1000.50"), {"SL-02": "INC-1"}) == PeriodResults(
        _JUNE,
        Decimal("1000.50"),
        {
            "SL-01": LevelResult(Decimal("98.8")),
            "SL-02": LevelResult(None, incident="INC-1", excused=True),
            "SL-03": LevelResult(Decimal("98.8"), no_consequence="it is a learning period"),
        },
    )


@pytest.mark.parametrize(("base", "charges"), [("0", "0"), ("0.01", "0.01"), ("-0.01", "0")])
def test_reversals_leave_no_base_below_zero(base: str, charges: str) -> None:
    found = results_of(_MEASURED, Decimal(base))
    assert found.charges == Decimal(charges)
    assert all(one.incident is None for one in found.results.values())
