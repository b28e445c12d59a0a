"""Hand in again what was rejected: with corrected rows, or without the wrong ones."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.service import require
from governance.errors import BadInput, Conflict, NotFound, Problem
from sla.evidence.fixes import Fixes
from sla.evidence.intake import Upload
from sla.evidence.models import (
    EvidenceCorrection,
    EvidenceHandIn,
    EvidenceQuarantine,
    EvidenceSource,
    SourceKind,
)
from sla.evidence.profiles import Profile
from sla.evidence.saved_profiles import profile_of_digest
from sla.evidence.service import get_hand_in
from sla.evidence.store import EvidenceStore


@dataclass(frozen=True, slots=True)
class Again:
    """What is different this time."""

    fixes: Fixes | None = None
    accept_rejections: bool = False


def upload_again(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: EvidenceHandIn,
    again: Again,
    *,
    store: EvidenceStore,
    folder: Path,
) -> Upload:
    """The upload of an earlier hand-in from its kept files, copied to `folder`, which is empty.

    Corrections that were handed in before come along, in their order. Raises BadInput where the
    corrected file isn't one of the hand-in's, and Conflict where its files or profile aren't kept.
    """
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    sources = sources_of(session, row)
    named = [one.name for one in sources if one.kind is SourceKind.FILE]
    if not named:
        raise Conflict("the files of this hand-in weren't kept; hand in all rows again")
    if again.fixes is not None and again.fixes.corrects not in named:
        what, found = "this file isn't part of the hand-in", again.fixes.corrects
        raise BadInput.one(Problem(what, found=found, allowed=", ".join(named)))
    files = _copied(sources, SourceKind.FILE, store, folder / "files")
    earlier = _copied(sources, SourceKind.FIXES, store, folder / "fixes")
    fixes = [Fixes(one.corrects, path, one.name) for one, path in earlier]
    return Upload(
        source=files[0][1] if len(files) == 1 else folder / "files",
        name=row.source_name,
        profile=_profile(session, engagement, row),
        accept_rejections=again.accept_rejections,
        profile_sha256=row.profile_sha256,
        corrects=row.id,
        fixes=(*fixes, again.fixes) if again.fixes is not None else tuple(fixes),
    )


def _copied(
    sources: tuple[EvidenceSource, ...], kind: SourceKind, store: EvidenceStore, folder: Path
) -> list[tuple[EvidenceSource, Path]]:
    """The files under their own names; of corrections several may have the same."""
    copied = []
    for number, one in enumerate(source for source in sources if source.kind is kind):
        place = folder if kind is SourceKind.FILE else folder / str(number)
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store.local(one.sha256, one.suffix), place / one.name)
        copied.append((one, place / one.name))
    return copied


def _profile(session: Session, engagement: Engagement, row: EvidenceHandIn) -> Profile | None:
    if row.profile_sha256 is None:
        return None
    found = profile_of_digest(session, engagement, row.profile_sha256)
    if found is None:
        raise Conflict(
            f"the profile {row.profile} that this was read with isn't there any more; hand in the"
            " whole file again"
        )
    return found


def sources_of(session: Session, row: EvidenceHandIn) -> tuple[EvidenceSource, ...]:
    """The files of a hand-in as they were handed in."""
    return tuple(
        session.scalars(
            select(EvidenceSource)
            .where(col(EvidenceSource.hand_in_id) == row.id)
            .order_by(col(EvidenceSource.id))
        )
    )


def get_source(
    session: Session, actor: Actor, engagement: Engagement, hand_in_id: int, source_id: int
) -> EvidenceSource:
    """One of these files; NotFound where the hand-in has none of that id."""
    row = get_hand_in(session, actor, engagement, hand_in_id)
    found = next((one for one in sources_of(session, row) if one.id == source_id), None)
    if found is None:
        raise NotFound("this hand-in has no such file")
    return found


def quarantines_of(session: Session, row: EvidenceHandIn) -> tuple[EvidenceQuarantine, ...]:
    """The rejected rows of a hand-in, by file."""
    return tuple(
        session.scalars(
            select(EvidenceQuarantine)
            .where(col(EvidenceQuarantine.hand_in_id) == row.id)
            .order_by(col(EvidenceQuarantine.id))
        )
    )


def get_quarantine(
    session: Session, actor: Actor, engagement: Engagement, hand_in_id: int, quarantine_id: int
) -> EvidenceQuarantine:
    """The rejected rows of one file; NotFound where the hand-in has none of that id."""
    row = get_hand_in(session, actor, engagement, hand_in_id)
    found = next((one for one in quarantines_of(session, row) if one.id == quarantine_id), None)
    if found is None:
        raise NotFound("this hand-in has no such rejected rows")
    return found


@dataclass(frozen=True, slots=True)
class Corrections:
    """Where a hand-in stands among those that correct each other."""

    corrects: EvidenceHandIn | None
    corrected_by: tuple[EvidenceHandIn, ...]
    """Oldest first."""


def corrections_of(session: Session, row: EvidenceHandIn) -> Corrections:
    """What the hand-in corrects, and what corrects it."""
    corrected = session.scalars(
        select(EvidenceHandIn)
        .join(EvidenceCorrection, col(EvidenceCorrection.corrects_id) == col(EvidenceHandIn.id))
        .where(col(EvidenceCorrection.hand_in_id) == row.id)
    ).first()
    correcting = session.scalars(
        select(EvidenceHandIn)
        .join(EvidenceCorrection, col(EvidenceCorrection.hand_in_id) == col(EvidenceHandIn.id))
        .where(col(EvidenceCorrection.corrects_id) == row.id)
        .order_by(col(EvidenceHandIn.id))
    )
    return Corrections(corrected, tuple(correcting))
