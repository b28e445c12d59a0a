"""Measured periods read back as the values that they were stored from."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.engagements.models import Engagement
from governance.values import Period
from sla.evidence.values import Finding
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.measurements.values import MeasuredPeriod, Measurement


def measurement_history(
    session: Session, engagement: Engagement, until: date, periods: int = 24
) -> tuple[MeasuredPeriod, ...]:
    """The latest measurement of each period that ends by `until`, oldest first.

    At most `periods` of them; the caller has checked the permission.
    """
    records = session.scalars(
        select(MeasuredPeriodRecord)
        .where(
            col(MeasuredPeriodRecord.engagement_id) == engagement.id,
            col(MeasuredPeriodRecord.period_end) <= until,
        )
        .order_by(col(MeasuredPeriodRecord.id))
    )
    latest = {(one.period_start, one.period_end): one for one in records}
    chosen = [latest[key] for key in sorted(latest)[-periods:]]
    rows = session.scalars(
        select(MeasurementRecord)
        .where(col(MeasurementRecord.measured_period_id).in_([one.id for one in chosen]))
        .order_by(col(MeasurementRecord.id))
    )
    results: dict[int, list[Measurement]] = {one.id: [] for one in chosen}
    for row in rows:
        results[row.measured_period_id].append(measurement_of(row))
    return tuple(_period(one, results[one.id]) for one in chosen)


def _period(record: MeasuredPeriodRecord, results: list[Measurement]) -> MeasuredPeriod:
    return MeasuredPeriod(
        period=Period(record.period_start, record.period_end),
        currency=record.currency,
        results=tuple(results),
        warnings=warnings_of(record),
    )


def warnings_of(record: MeasuredPeriodRecord) -> tuple[Finding, ...]:
    """What was found in the evidence when the period was measured."""
    return tuple(Finding(**one) for one in json.loads(record.warnings_json))


def measurement_of(row: MeasurementRecord) -> Measurement:
    """The measurement that a row was stored from, digit for digit."""
    return Measurement(
        service_level=row.service_level,
        kpi=row.kpi,
        parameters=row.parameters,
        window=Period(row.window_start, row.window_end),
        unit=row.unit,
        direction=row.direction,
        unrounded=_exact(row.unrounded),
        value=_exact(row.value),
        expected=Decimal(row.expected),
        minimum=_exact(row.minimum),
        status=row.status,
        consequential=row.consequential,
        numerator=_exact(row.numerator),
        denominator=_exact(row.denominator),
        rows=row.rows,
        evidence=row.evidence,
        definition_sha256=row.definition_sha256,
    )


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
