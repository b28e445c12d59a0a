"""Keep measured periods as they were measured."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.engagements.models import ContractVersion
from governance.tables import canonical_json
from governance.values import plain
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.measurements.values import MeasuredPeriod, Measurement


def store_measured_period(
    session: Session, actor: Actor, version: ContractVersion, measured: MeasuredPeriod
) -> MeasuredPeriodRecord:
    """Add a measured period with all its measurements; rows are never changed afterwards."""
    record = MeasuredPeriodRecord(
        engagement_id=version.engagement_id,
        contract_version_id=version.id,
        period_start=measured.period.start,
        period_end=measured.period.end,
        currency=measured.currency,
        warnings_json=json.dumps([asdict(one) for one in measured.warnings]),
        measured_at=actor.at,
        measured_by_id=actor.signed_in_id,
    )
    session.add(record)
    session.flush()
    session.add_all([_row(record, one) for one in measured.results])
    session.flush()
    return record


def _row(record: MeasuredPeriodRecord, one: Measurement) -> MeasurementRecord:
    return MeasurementRecord(
        measured_period_id=record.id,
        service_level=one.service_level,
        kpi=one.kpi,
        parameters_json=canonical_json(dict(one.parameters)).decode(),
        window_start=one.window.start,
        window_end=one.window.end,
        unit=one.unit,
        direction=one.direction,
        unrounded=exact_text(one.unrounded),
        value=exact_text(one.value),
        expected=plain(one.expected),
        minimum=exact_text(one.minimum),
        status=one.status,
        consequential=one.consequential,
        numerator=exact_text(one.numerator),
        denominator=exact_text(one.denominator),
        rows=one.rows,
        evidence_json=canonical_json([digest.as_json() for digest in one.evidence]).decode(),
        definition_sha256=one.definition_sha256,
    )


def exact_text(value: Decimal | None) -> str | None:
    """A decimal as text with all its digits; None stays None."""
    return None if value is None else plain(value)


def measurements_of(
    session: Session, record: MeasuredPeriodRecord
) -> tuple[MeasurementRecord, ...]:
    """The measurements of a period, in the contract's order."""
    found = session.scalars(
        select(MeasurementRecord)
        .where(col(MeasurementRecord.measured_period_id) == record.id)
        .order_by(col(MeasurementRecord.id))
    )
    return tuple(found)
