"""Uploads that wait for answers or for a decision, and go when nobody comes back to them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.audit.service import one_line
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement
from governance.engagements.service import require
from governance.errors import Conflict, NotFound
from sla.evidence.intake import Prepared
from sla.evidence.models import DraftKind, ImportDraft

SOURCE = "source"
"""Folder, below a draft's own, of the files as they were handed in."""
RESULT = "result"
"""Folder of what was read from them."""
_PREPARED: TypeAdapter[Prepared] = TypeAdapter(Prepared)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where uploads wait, and how many for how long."""

    folder: Path
    hours: int = 24
    most: int = 20
    """A time, of one engagement."""

    def place(self) -> str:
        """Draw a new folder's name and make it, with what is in every one."""
        name = token_hex(16)
        for part in (SOURCE, RESULT):
            (self.folder / name / part).mkdir(parents=True)
        return name

    def drop(self, name: str) -> None:
        """Remove a draft's folder."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def sweep(self) -> None:
        """Remove the folders that nobody can come back to any more, whosever they were."""
        oldest = time.time() - 2 * self.hours * 3600
        with suppress(FileNotFoundError):
            for path in self.folder.iterdir():
                if path.stat().st_mtime < oldest:
                    self.drop(path.name)


@dataclass(frozen=True, slots=True)
class NewDraft:
    """An upload that starts to wait."""

    kind: DraftKind
    folder: str
    source_name: str
    source_sha256: str
    prepared: Prepared | None = None
    comparison: str = ""


def make_draft(
    session: Session, actor: Actor, engagement: Engagement, new: NewDraft, waiting: Waiting
) -> ImportDraft:
    """Let an upload wait. Those of the engagement that have expired are dropped.

    Raises Conflict where as many wait as may.
    """
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    lock_engagement(session, engagement)
    if _drop_expired(session, actor, engagement, waiting) >= waiting.most:
        raise Conflict(
            f"{waiting.most} uploads of this engagement wait for a decision already; use or discard"
            " some of them first"
        )
    row = ImportDraft(
        engagement_id=engagement.id,
        kind=new.kind,
        folder=new.folder,
        source_name=one_line(new.source_name)[:255],
        source_sha256=new.source_sha256,
        answers_json="{}",
        profile_text="",
        prepared_json=prepared_json(new.prepared) if new.prepared else "",
        comparison_json=new.comparison,
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
        expires_at=actor.at + timedelta(hours=waiting.hours),
    )
    session.add(row)
    session.flush()
    return row


def _drop_expired(session: Session, actor: Actor, engagement: Engagement, waiting: Waiting) -> int:
    """Drop what has expired; answers with how many drafts are left."""
    left = 0
    for row in session.scalars(_of(engagement)).all():
        if row.expires_at <= actor.at:
            waiting.drop(row.folder)
            session.delete(row)
        else:
            left += 1
    session.flush()
    waiting.sweep()
    return left


def _of(engagement: Engagement) -> Select[ImportDraft]:
    return (
        select(ImportDraft)
        .where(col(ImportDraft.engagement_id) == engagement.id)
        .order_by(col(ImportDraft.id).desc())
    )


def drafts_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[ImportDraft, ...]:
    """The uploads that wait, newest first."""
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    rows = session.scalars(_of(engagement))
    return tuple(row for row in rows if row.expires_at > actor.at)


def get_draft(
    session: Session, actor: Actor, engagement: Engagement, draft_id: int, kind: DraftKind
) -> ImportDraft:
    """One of them; NotFound where the engagement has none of that id, or it has expired."""
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    row = session.scalars(
        _of(engagement).where(col(ImportDraft.id) == draft_id, col(ImportDraft.kind) == kind)
    ).one_or_none()
    if row is None or row.expires_at <= actor.at:
        raise NotFound("this upload doesn't wait any more: it was used, discarded or has expired")
    return row


def answer_draft(session: Session, draft: ImportDraft, answers: Mapping[str, str]) -> None:
    """Keep the answers, and go back to the profile that follows from them.

    `get_draft` has checked the permission.
    """
    draft.answers_json = json.dumps(dict(answers))
    draft.profile_text = ""
    session.flush()


def edit_draft(session: Session, draft: ImportDraft, text: str) -> None:
    """Keep the profile as a person wrote it, in place of the one that follows from answers."""
    draft.profile_text = text
    session.flush()


def prepared_json(prepared: Prepared) -> str:
    """What `prepared_of` reads."""
    return _PREPARED.dump_json(prepared).decode()


def prepared_of(draft: ImportDraft) -> Prepared:
    """What was read of a draft that waits for the decision."""
    return _PREPARED.validate_json(draft.prepared_json)


def end_draft(session: Session, draft: ImportDraft, waiting: Waiting) -> None:
    """The upload was used or discarded: it and its files go."""
    waiting.drop(draft.folder)
    session.delete(draft)
    session.flush()
