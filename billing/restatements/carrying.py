"""Which invoice makes good a sealed restatement: the next one that isn't sealed, exactly once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.restatements.differences import difference_from, restated_lines
from billing.restatements.models import RestatementCarried, RestatementRecord
from billing.settlement.claims import corrects_credit
from billing.settlement.history import comes_off
from billing.settlement.models import SettlementRecord
from billing.settlement.values import Restated
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import contract_of
from governance.errors import Conflict
from governance.values import Period
from sla.reviews.queries import sealed_periods


def to_carry(session: Session, engagement: Engagement, period: Period) -> tuple[Restated, ...]:
    """What the invoice of a period has to make good, as things stand now, oldest first.

    These are the sealed restatements of earlier periods, between which and this one all periods
    are sealed, less those that another period's invoice carries.
    """
    seals = sealed_periods(session, engagement)
    sealed = {seal.period for seal in seals if not seal.restatement}
    restated = {seal.measured_period_id for seal in seals if seal.restatement}
    elsewhere = _carried_elsewhere(session, engagement, period)
    rows = session.scalars(
        _current(engagement).where(col(RestatementRecord.period_end) < period.start)
    )
    chosen = [
        row
        for row in rows
        if row.measured_period_id in restated
        and row.id not in elsewhere
        and all(month in sealed for month in _between(row.period, period))
    ]
    return _all_lines(session, chosen, period)


def _current(engagement: Engagement) -> Select[RestatementRecord]:
    return (
        select(RestatementRecord)
        .where(
            col(RestatementRecord.engagement_id) == engagement.id,
            col(RestatementRecord.superseded_at).is_(None),
        )
        .order_by(col(RestatementRecord.period_start), col(RestatementRecord.number))
    )


def _between(first: Period, last: Period) -> Iterable[Period]:
    month = first.following()
    while month.end < last.start:
        yield month
        month = month.following()


def _carried_elsewhere(session: Session, engagement: Engagement, period: Period) -> set[int]:
    found = session.scalars(
        select(col(RestatementCarried.restatement_id))
        .join(SettlementRecord, col(SettlementRecord.id) == col(RestatementCarried.settlement_id))
        .where(
            col(SettlementRecord.engagement_id) == engagement.id,
            col(SettlementRecord.period_start) != period.start,
        )
    )
    return set(found)


def carried_by(session: Session, engagement: Engagement, period: Period) -> tuple[Restated, ...]:
    """What the period's current invoice makes good already."""
    rows = session.scalars(
        _current(engagement)
        .join(
            RestatementCarried,
            col(RestatementCarried.restatement_id) == col(RestatementRecord.id),
        )
        .join(SettlementRecord, col(SettlementRecord.id) == col(RestatementCarried.settlement_id))
        .where(
            col(SettlementRecord.period_start) == period.start,
            col(SettlementRecord.period_end) == period.end,
            col(SettlementRecord.superseded_at).is_(None),
        )
    )
    return _all_lines(session, list(rows), period)


def restated_of(
    session: Session, engagement: Engagement, references: Sequence[str], period: Period
) -> tuple[Restated, ...]:
    """What these restatements add to the period's invoice."""
    rows = [row for row in session.scalars(_current(engagement)) if row.reference in references]
    return _all_lines(session, rows, period)


def _all_lines(
    session: Session, rows: Sequence[RestatementRecord], period: Period
) -> tuple[Restated, ...]:
    return tuple(_restated(session, row, period) for row in rows)


def _restated(session: Session, row: RestatementRecord, period: Period) -> Restated:
    """A credit that is yet to come off an invoice comes off as restated, without a line."""
    contract = contract_of(session.get_one(ContractVersion, row.contract_version_id))
    engagement = session.get_one(Engagement, row.engagement_id)
    is_done = comes_off(contract, row.period).end < period.start and corrects_credit(
        session, engagement, row.period, period
    )
    difference = difference_from(json.loads(row.difference_json))
    label = row.period.label
    lines = restated_lines(difference, row.reference, label, with_credit=is_done)
    return Restated(row.reference, lines)


def note_carried(
    session: Session,
    engagement: Engagement,
    settlement: SettlementRecord,
    restated: Sequence[Restated],
) -> None:
    """Keep which settlement makes good which restatements; one that is settled anew takes over.

    The caller holds the engagement's lock. Raises Conflict where another period's invoice
    carries one of them already.
    """
    references = {one.reference for one in restated}
    for row in session.scalars(_current(engagement)).all():
        if row.reference in references:
            _note(session, settlement, row)
    session.flush()


def _note(session: Session, settlement: SettlementRecord, row: RestatementRecord) -> None:
    carried = session.scalars(
        select(RestatementCarried).where(col(RestatementCarried.restatement_id) == row.id)
    ).one_or_none()
    if carried is None:
        session.add(RestatementCarried(restatement_id=row.id, settlement_id=settlement.id))
        return
    before = session.get_one(SettlementRecord, carried.settlement_id)
    if before.period_start != settlement.period_start:
        label = Period(before.period_start, before.period_end).label
        raise Conflict(f"the invoice of {label} carries the restatement {row.reference} already")
    carried.settlement_id = settlement.id
