"""What left the application: who took which file, and the digest of its bytes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from governance.access import Actor
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, record

KIND = "file"
"""Subject of an export; its id is the digest of the file's bytes."""


def record_export(
    session: Session,
    actor: Actor,
    engagement_id: int | None,
    label: str,
    *,
    sha256: str,
    size: int,
) -> AuditEntry:
    """Record that a file leaves the application; `size` in bytes.

    `label` says what file it is. `engagement_id` is None for a file of the whole installation.
    """
    after = {"sha256": sha256, "bytes": size}
    change = Change(Action.DOCUMENT_EXPORTED, KIND, sha256, label, engagement_id, after=after)
    return record(session, actor, change)
