"""Keep measured periods as they were measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.engagements.models import ContractVersion
from governance.tables import canonical_json
from governance.values import plain
from sla.measurements.details import (
    computed_json,
    earlier_terms_json,
    exact_text,
    promise_json,
    without_relief_json,
)
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.measurements.values import MeasuredPeriod, Measurement


def store_measured_period(
    session: Session,
    actor: Actor,
    version: ContractVersion,
    measured: MeasuredPeriod,
    restatement: int = 0,
) -> MeasuredPeriodRecord:
    """Add a measured period with all its measurements; rows are never changed afterwards.

    `restatement` is 0 for the period itself, else the number of its restatement.
    """
    record = MeasuredPeriodRecord(
        engagement_id=version.engagement_id,
        contract_version_id=version.id,
        period_start=measured.period.start,
        period_end=measured.period.end,
        restatement=restatement,
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
        value=None if one.value is None else format(one.value, "f"),
        expected=plain(one.expected),
        minimum=exact_text(one.minimum),
        status=one.status,
        consequential=one.consequential,
        numerator=exact_text(one.numerator),
        denominator=exact_text(one.denominator),
        rows=one.rows,
        evidence_json=canonical_json([digest.as_json() for digest in one.evidence]).decode(),
        definition_sha256=one.definition_sha256,
        version_number=one.contract_version,
        version_sha256=one.contract_sha256 or None,
        round_to=one.round_to,
        no_consequence=one.no_consequence or None,
        without_relief_json=_json(
            without_relief_json(one.without_relief) if one.without_relief else None
        ),
        computed_json=_json(computed_json(one.computed) if one.computed else None),
        earlier_terms_json=_json([earlier_terms_json(each) for each in one.earlier_terms]),
        promise_json=_json(promise_json(one.promise) if one.promise else None),
    )


def _json(value: Mapping[str, Any] | Sequence[Any] | None) -> str | None:
    return canonical_json(value).decode() if value else None


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
