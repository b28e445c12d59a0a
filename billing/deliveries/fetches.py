"""When a side first took a document from the pages, as the audit log has it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.exports import KIND
from governance.audit.models import Action, AuditEntry
from governance.engagements.models import Engagement
from governance.parties.models import User


def first_fetches(
    session: Session, engagement: Engagement, digests: Collection[str]
) -> dict[str, datetime]:
    """By digest: when somebody who works for the client first downloaded the document.

    Documents that nobody fetched are left out. The caller has checked that the actor may view
    the engagement.
    """
    rows = session.execute(
        select(col(AuditEntry.subject_id), func.min(col(AuditEntry.at)).label("at"))
        .join(User, col(User.id) == col(AuditEntry.actor_id))
        .where(
            col(AuditEntry.engagement_id) == engagement.id,
            col(AuditEntry.subject_kind) == KIND,
            col(AuditEntry.subject_id).in_(digests),
            col(AuditEntry.action) == Action.DOCUMENT_EXPORTED,
            col(User.organisation_id) == engagement.client_id,
        )
        .group_by(col(AuditEntry.subject_id))
    )
    return {row.subject_id: row.at for row in rows}
