"""Measured periods come back as they were stored."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlmodel import Session

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.evidence.values import EvidenceDigest, Finding
from sla.measurements.queries import measurement_history, warnings_of
from sla.measurements.service import store_measured_period
from sla.measurements.values import MeasuredPeriod, Measurement, Status
from tests.factories import FEBRUARY, JANUARY, make_actor, make_contract


def _measured(period: Period, value: str | None) -> MeasuredPeriod:
    exact = None if value is None else Decimal(value)
    result = Measurement(
        service_level="SL-01",
        kpi="dso",
        parameters={"variant": "rolling"},
        window=period,
        unit="days",
        direction=Direction.LOWER_IS_BETTER,
        unrounded=exact,
        value=exact,
        expected=Decimal("30.0"),
        minimum=None,
        status=Status.NO_DATA if exact is None else Status.MET,
        consequential=True,
        numerator=exact,
        denominator=exact,
        rows=3,
        evidence=(EvidenceDigest("invoices", "a" * 64),),
        definition_sha256="b" * 64,
    )
    return MeasuredPeriod(period, "EUR", (result,), (Finding("seam", "Look here", "invoices"),))


def test_the_latest_measurement_of_each_period_comes_back(session: Session) -> None:
    actor = make_actor(session)
    added = make_contract(session, actor)
    january, february = _measured(JANUARY, None), _measured(FEBRUARY, "28.123456789012345678901")
    records = [
        store_measured_period(session, actor, added.version, one)
        for one in (_measured(JANUARY, "29.5"), february, january)
    ]
    assert warnings_of(records[-1]) == january.warnings
    everything = measurement_history(session, added.engagement, FEBRUARY.end)
    assert everything == (january, february)
    assert measurement_history(session, added.engagement, JANUARY.end) == (january,)
    assert measurement_history(session, added.engagement, FEBRUARY.end, 1) == (february,)
    assert measurement_history(session, added.engagement, date(2025, 1, 1)) == ()
