"""Find an engagement's evidence tables."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.engagements.models import Engagement
from governance.errors import NotFound
from sla.evidence.models import EvidenceTable


def table_of_digest(session: Session, engagement: Engagement, sha256: str) -> EvidenceTable:
    """The engagement's table of that digest, whether or not it still counts.

    Raises NotFound where the engagement has none, also where another engagement has it. The
    caller has checked the permission.
    """
    found = session.scalars(
        select(EvidenceTable)
        .where(
            col(EvidenceTable.engagement_id) == engagement.id,
            col(EvidenceTable.sha256) == sha256,
        )
        .order_by(col(EvidenceTable.id).desc())
    ).first()
    if found is None:
        raise NotFound("there is no such evidence table")
    return found
