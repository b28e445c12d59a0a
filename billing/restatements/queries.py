"""Find restatements again, and the figures that a period was sealed with last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.restatements.differences import Difference, Figures, difference_from
from billing.restatements.models import (
    RestatementCarried,
    RestatementDocument,
    RestatementEvidence,
    RestatementRecord,
)
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import documents_of
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import NotFound
from governance.parties.models import User
from governance.values import Period
from sla.evidence.models import EvidenceTable
from sla.reviews.queries import Seal, seal_of, seal_of_period

_NAMES = (DocumentKind.MEASUREMENTS, DocumentKind.CREDITS, DocumentKind.INVOICE)


@dataclass(frozen=True, slots=True)
class RestatementView:
    """A restatement with everything that its page shows."""

    record: RestatementRecord
    difference: Difference
    made_by: User
    seal: Seal | None
    """None while both sides haven't agreed to it."""
    carried_by: SettlementRecord | None
    """The settlement whose invoice makes the difference good; None while none does."""

    @property
    def carried_in(self) -> Period | None:
        """The period on whose invoice the difference stands."""
        row = self.carried_by
        return None if row is None else Period(row.period_start, row.period_end)


def restatements_of(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> tuple[RestatementView, ...]:
    """The restatements of a period, the first one first; superseded calculations aren't shown."""
    require(session, actor, engagement, Permission.VIEW)
    return tuple(_view(session, row) for row in _current(session, engagement, period))


def get_restatement(
    session: Session, actor: Actor, engagement: Engagement, period: Period, number: int
) -> RestatementView:
    """One restatement; NotFound where the period has none of that number."""
    require(session, actor, engagement, Permission.VIEW)
    for row in _current(session, engagement, period):
        if row.number == number:
            return _view(session, row)
    raise NotFound(f"{period.label} has no restatement {number}")


def _current(
    session: Session, engagement: Engagement, period: Period
) -> tuple[RestatementRecord, ...]:
    found = session.scalars(
        select(RestatementRecord)
        .where(
            col(RestatementRecord.engagement_id) == engagement.id,
            col(RestatementRecord.period_start) == period.start,
            col(RestatementRecord.period_end) == period.end,
            col(RestatementRecord.superseded_at).is_(None),
        )
        .order_by(col(RestatementRecord.number))
    )
    return tuple(found)


def _view(session: Session, row: RestatementRecord) -> RestatementView:
    carried = session.scalars(
        select(SettlementRecord)
        .join(RestatementCarried, col(RestatementCarried.settlement_id) == col(SettlementRecord.id))
        .where(col(RestatementCarried.restatement_id) == row.id)
    ).one_or_none()
    return RestatementView(
        record=row,
        difference=difference_from(json.loads(row.difference_json)),
        made_by=session.get_one(User, row.made_by_id),
        seal=seal_of(session, row.measured_period_id),
        carried_by=carried,
    )


def open_restatement(
    session: Session, engagement: Engagement, period: Period
) -> RestatementRecord | None:
    """The restatement of a period that isn't sealed yet; None without one."""
    rows = _current(session, engagement, period)
    unsealed = [row for row in rows if seal_of(session, row.measured_period_id) is None]
    return unsealed[-1] if unsealed else None


def figures_sealed_last(
    session: Session, engagement: Engagement, row: SettlementRecord
) -> tuple[Figures, int]:
    """The figures that both sides sealed last for a period, and the next restatement's number."""
    period = Period(row.period_start, row.period_end)
    rows = _current(session, engagement, period)
    sealed = [one for one in rows if seal_of_period(session, engagement, period, one.number)]
    if sealed:
        return restated_figures(session, sealed[-1]), sealed[-1].number + 1
    kept = documents_of(session, row)
    return Figures(*(json.loads(kept[kind].data) for kind in _NAMES)), 1


def restated_figures(session: Session, row: RestatementRecord) -> Figures:
    """The documents of a restatement."""
    kept = stated_of(session, row)
    return Figures(*(kept[kind] for kind in _NAMES))


def stated_of(session: Session, row: RestatementRecord) -> dict[DocumentKind, Mapping[str, Any]]:
    """The documents of a restatement by kind, as JSON."""
    found = session.scalars(
        select(RestatementDocument).where(col(RestatementDocument.restatement_id) == row.id)
    )
    return {one.kind: json.loads(one.data) for one in found}


def restated_evidence(session: Session, row: RestatementRecord) -> tuple[EvidenceTable, ...]:
    """The evidence tables that a restatement was computed from, by dataset."""
    found = session.scalars(
        select(EvidenceTable)
        .join(
            RestatementEvidence,
            col(RestatementEvidence.evidence_table_id) == col(EvidenceTable.id),
        )
        .where(col(RestatementEvidence.restatement_id) == row.id)
        .order_by(col(EvidenceTable.dataset))
    )
    return tuple(found)
