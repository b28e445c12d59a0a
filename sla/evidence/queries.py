"""Find an engagement's evidence tables."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.engagements.models import Engagement
from governance.errors import NotFound
from sla.evidence.models import EvidenceComparison, EvidenceHandIn, EvidenceTable


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


def comparison_text(session: Session, row: EvidenceHandIn) -> str:
    """What the submitter was shown before the hand-in counted; empty where nothing was replaced."""
    found = session.scalars(
        select(col(EvidenceComparison.comparison_json)).where(
            col(EvidenceComparison.hand_in_id) == row.id
        )
    ).first()
    return found or ""


def hand_ins_read_with(
    session: Session, engagement: Engagement, profile_sha256: str, most: int = 20
) -> tuple[EvidenceHandIn, ...]:
    """The newest hand-ins that were read with this very profile."""
    return tuple(
        session.scalars(
            select(EvidenceHandIn)
            .where(
                col(EvidenceHandIn.engagement_id) == engagement.id,
                col(EvidenceHandIn.profile_sha256) == profile_sha256,
            )
            .order_by(col(EvidenceHandIn.id).desc())
            .limit(most)
        )
    )
