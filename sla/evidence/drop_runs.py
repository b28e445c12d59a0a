"""Runs that hand in what lies in the drop folder: one hand-in for each engagement.

Handing in and putting away are two steps. Evidence is known by its digest, so whatever ends a
worker between the two, nothing is handed in twice and nothing is put away that isn't in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Conflict
from governance.runs.kinds import RunKind, Step
from governance.runs.values import ItemState, Result, Task
from sla.evidence.drop_folder import DropFolder, DroppedFile, copy_all, rejection_line, told
from sla.evidence.intake import Kept, Prepared, Reader, Upload, prepare, put_in_store
from sla.evidence.models import (
    EvidenceHandIn,
    EvidenceSource,
    HandInState,
    SourceKind,
)
from sla.evidence.service import keep, plan_hand_in
from sla.evidence.store import EvidenceStore

IMPORTS: Final = "imports"
"""The kind of run that hands in what other systems have laid into a folder."""
HAND_IN: Final = "hand_in"
PUT_AWAY: Final = "put_away"
_AT_ONCE: Final = 1
"""A hand-in counts as soon as it was read: nobody else's is read meanwhile."""


def import_kinds(drop: DropFolder, store: EvidenceStore, reader: Reader) -> Mapping[str, RunKind]:
    """The kind, by its name."""
    steps: dict[str, Step] = {
        HAND_IN: HandInStep(drop, store, reader),
        PUT_AWAY: PutAwayStep(drop),
    }
    return {IMPORTS: RunKind(IMPORTS, Permission.HAND_IN_EVIDENCE, steps, _AT_ONCE)}


@dataclass(frozen=True, slots=True)
class _Ready:
    prepared: Prepared
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class HandInStep:
    """Hand in the files of an engagement's folder together, and use them at once."""

    drop: DropFolder
    store: EvidenceStore
    reader: Reader
    compute: None = None

    def prepare(
        self,
        session: Session,
        actor: Actor,
        engagement: Engagement,
        task: Task,  # noqa: ARG002 (a step's signature)
    ) -> _Ready | Result:
        """Read and check every row; skipped where nothing new lies there.

        What is wrong is written beside the files. Raises Conflict where a row is rejected or a
        file can't be read.
        """
        files = _new_files(session, self.drop, engagement)
        if not files:
            return Result("nothing new lies in its folder", ItemState.SKIPPED)
        with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
            source, result = Path(folder) / "source", Path(folder) / "result"
            source.mkdir()
            result.mkdir()
            upload = Upload(copy_all(files, source), ", ".join(one.path.name for one in files))
            plan = plan_hand_in(session, actor, engagement, upload, self.store)
            try:
                prepared = prepare(plan, result, self.reader)
            except BadInput as error:
                lines = [(one.file, str(one)) for one in error.problems]
                self.drop.write_problems(told(files, lines))
                more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
                raise Conflict(f"{lines[0][1]}{more}; the text files beside them say all") from None
            if prepared.is_rejected:
                rejections = prepared.evidence.rejections
                self.drop.write_problems(told(files, map(rejection_line, rejections)))
                number = sum((prepared.evidence.rejected_rows or {}).values()) or len(rejections)
                raise Conflict(f"{number} rows are rejected; the text files beside them say why")
            return _Ready(prepared, put_in_store(prepared, self.store))

    def work(
        self,
        session: Session,
        actor: Actor,
        engagement: Engagement,
        task: Task,  # noqa: ARG002 (a step's signature)
        ready: _Ready,
    ) -> Result:
        """Write it down: from here on its tables count."""
        row = keep(session, actor, engagement, ready.prepared, ready.kept)
        if ready.prepared.repeats is not None:
            return Result(f"handed in already as number {row.id}", ItemState.SKIPPED)
        tables = ", ".join(one.dataset for one in ready.prepared.evidence.files)
        return Result(f"hand-in {row.id}: {tables}")


@dataclass(frozen=True, slots=True)
class PutAwayStep:
    """Move the files that are in to `done`; the others stay."""

    drop: DropFolder
    compute: None = None

    def prepare(
        self,
        session: Session,
        actor: Actor,  # noqa: ARG002 (a step's signature)
        engagement: Engagement,
        task: Task,  # noqa: ARG002 (the same)
    ) -> tuple[DroppedFile, ...] | Result:
        """The files that are in; skipped where there are none."""
        known = _known(session, engagement)
        files = tuple(one for one in self.drop.files(engagement.reference) if one.key in known)
        return files or Result("no file of it is in", ItemState.SKIPPED)

    def work(
        self,
        session: Session,  # noqa: ARG002 (a step's signature)
        actor: Actor,  # noqa: ARG002 (the same)
        engagement: Engagement,
        task: Task,  # noqa: ARG002 (the same)
        ready: tuple[DroppedFile, ...],
    ) -> Result:
        """Move them: where the transaction isn't stored, the next try finds nothing left to do."""
        number = self.drop.move_done(engagement.reference, ready)
        return Result(f"{number} files put away")


def _new_files(
    session: Session, drop: DropFolder, engagement: Engagement
) -> tuple[DroppedFile, ...]:
    known = _known(session, engagement)
    return tuple(one for one in drop.files(engagement.reference) if one.key not in known)


def _known(session: Session, engagement: Engagement) -> frozenset[tuple[str, str]]:
    """Names and digests of files whose hand-in was accepted.

    Those that somebody corrected since are among them: a file that lies there still is older than
    its correction and mustn't take its place.
    """
    rows = session.execute(
        select(col(EvidenceSource.name), col(EvidenceSource.sha256))
        .join(EvidenceHandIn, col(EvidenceHandIn.id) == col(EvidenceSource.hand_in_id))
        .where(
            col(EvidenceSource.engagement_id) == engagement.id,
            col(EvidenceSource.kind) == SourceKind.FILE,
            col(EvidenceHandIn.state) == HandInState.ACCEPTED,
        )
    )
    return frozenset((row.name, row.sha256) for row in rows)
