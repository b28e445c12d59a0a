"""Measured periods read back as the values that they were stored from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.engagements.models import Engagement
from governance.values import Period
from sla.evidence.values import Finding
from sla.measurements.details import (
    computed_of,
    earlier_terms_of,
    exact,
    promise_of,
    without_relief_of,
)
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.measurements.values import MeasuredPeriod, Measurement
from sla.reviews.queries import sealed_periods

Detail = TypeVar("Detail")


def measurement_history(
    session: Session, engagement: Engagement, until: date, periods: int = 24
) -> tuple[MeasuredPeriod, ...]:
    """The latest measurement of each period that ends by `until`, oldest first.

    A restatement counts once both sides have sealed it. At most `periods` of them; the caller has
    checked the permission.
    """
    records = session.scalars(
        select(MeasuredPeriodRecord)
        .where(
            col(MeasuredPeriodRecord.engagement_id) == engagement.id,
            col(MeasuredPeriodRecord.period_end) <= until,
        )
        .order_by(col(MeasuredPeriodRecord.id))
    )
    sealed = {seal.measured_period_id for seal in sealed_periods(session, engagement)}
    counting = [one for one in records if not one.restatement or one.id in sealed]
    latest = {(one.period_start, one.period_end): one for one in counting}
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


def measured_period_of(session: Session, record: MeasuredPeriodRecord) -> MeasuredPeriod:
    """The measured period that a record was stored from."""
    rows = session.scalars(
        select(MeasurementRecord)
        .where(col(MeasurementRecord.measured_period_id) == record.id)
        .order_by(col(MeasurementRecord.id))
    )
    return _period(record, [measurement_of(row) for row in rows])


def _period(record: MeasuredPeriodRecord, results: list[Measurement]) -> MeasuredPeriod:
    return MeasuredPeriod(
        period=Period(record.period_start, record.period_end),
        currency=record.currency,
        results=tuple(results),
        warnings=warnings_of(record),
    )


def warnings_of(record: MeasuredPeriodRecord) -> tuple[Finding, ...]:
    """What was found in the evidence when the period was measured."""
    stored = json.loads(record.warnings_json)
    return tuple(Finding(**{name: kept for name, kept in one.items() if kept}) for one in stored)


def measurement_of(row: MeasurementRecord) -> Measurement:
    """The measurement that a row was stored from, digit for digit."""
    return Measurement(
        service_level=row.service_level,
        kpi=row.kpi,
        parameters=row.parameters,
        window=Period(row.window_start, row.window_end),
        unit=row.unit,
        direction=row.direction,
        unrounded=exact(row.unrounded),
        value=exact(row.value),
        expected=Decimal(row.expected),
        minimum=exact(row.minimum),
        status=row.status,
        consequential=row.consequential,
        numerator=exact(row.numerator),
        denominator=exact(row.denominator),
        rows=row.rows,
        evidence=row.evidence,
        definition_sha256=row.definition_sha256,
        round_to=row.round_to,
        contract_version=row.version_number,
        contract_sha256=row.version_sha256 or "",
        no_consequence=row.no_consequence or "",
        without_relief=_read(row.without_relief_json, without_relief_of),
        computed=_read(row.computed_json, computed_of),
        earlier_terms=tuple(
            earlier_terms_of(one) for one in json.loads(row.earlier_terms_json or "[]")
        ),
        promise=_read(row.promise_json, promise_of),
    )


def _read(text: str | None, read: Callable[[Mapping[str, Any]], Detail]) -> Detail | None:
    return None if text is None else read(json.loads(text))
