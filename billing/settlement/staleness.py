"""Whether a draft still follows from what would be computed with today."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing.settlement.acceptance import overtaken
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import evidence_of
from governance.engagements.models import Engagement
from sla.evidence.service import counting_tables
from sla.reviews.queries import seal_of


def out_of_date(session: Session, engagement: Engagement, row: SettlementRecord) -> str:
    """What changed since a settlement that would make a new computation another; else empty.

    The evidence that counts, or what `overtaken` names. Sealed figures stay as they were sealed.
    """
    if seal_of(session, row.measured_period_id) is not None:
        return ""
    used = {table.id for table in evidence_of(session, row)}
    counting = {table.id for table in counting_tables(session, engagement)}
    if used != counting:
        return "evidence was handed in or replaced since it was computed; settle the period again"
    return overtaken(session, engagement, row)
