"""Taking in evidence: read it bounded, without a transaction, then write in a short one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile

from app.evidence_store import reader_of
from app.settings import Settings
from app.web.unit_of_work import Work, engagement_work
from app.web.uploads import to_folder
from billing.settlement.comparison import (
    Comparison,
    Effort,
    compare_figures,
    comparison_json,
    settled_before,
)
from governance.access import Permission
from governance.engagements.models import Engagement
from sla.evidence.differences import Comparing, compare_tables, pairs_of
from sla.evidence.drafts import RESULT, SOURCE, NewDraft, Waiting, make_draft
from sla.evidence.intake import (
    Plan,
    Prepared,
    Reader,
    Upload,
    called,
    engine_memory,
    prepare,
    put_in_store,
)
from sla.evidence.models import DraftKind, EvidenceHandIn, ImportDraft
from sla.evidence.service import keep, plan_hand_in


def waiting_of(settings: Settings) -> Waiting:
    """Where the installation's uploads wait."""
    return Waiting(settings.data_dir / "waiting", settings.draft_hours, settings.drafts_max)


@dataclass(slots=True)
class Place:
    """The folder of one upload while it is taken in."""

    waiting: Waiting
    name: str
    stays: bool = False
    """Whether somebody comes back to it."""

    @property
    def source(self) -> Path:
        """Folder of the files as they came."""
        return self.waiting.folder / self.name / SOURCE

    @property
    def result(self) -> Path:
        """Folder of what is read from them."""
        return self.waiting.folder / self.name / RESULT


@contextmanager
def place_for(request: Request[Any, Any, Any]) -> Iterator[Place]:
    """A new folder, which goes at the end unless the upload waits in it."""
    waiting = waiting_of(request.app.state.settings)
    place = Place(waiting, waiting.place())
    try:
        yield place
    finally:
        if not place.stays:
            waiting.drop(place.name)


def put_uploads(place: Place, uploads: list[UploadFile]) -> tuple[Path, str]:
    """The uploads on disk, and a name for them all; BadInput where there are none."""
    return to_folder(uploads, place.source)


Taken = EvidenceHandIn | ImportDraft
"""What became of an upload: a hand-in, or a draft that waits for the decision to use it."""


def take_in(
    request: Request[Any, Any, Any],
    place: Place,
    make_upload: Callable[[Work, Engagement], Upload],
    *,
    at_once: bool = False,
) -> Taken:
    """Read and check an upload; what replaces tables that count waits for a decision.

    With `at_once` it is used without one. Raises BadInput where it can't be read.
    """
    settings: Settings = request.app.state.settings
    reader = reader_of(settings)
    with _reading(request) as (unit, engagement):
        upload = make_upload(unit, engagement)
        plan = plan_hand_in(unit.session, unit.actor, engagement, upload, unit.store)
    prepared = prepare(plan, place.result, reader)
    comparison = _comparison(request, plan, prepared, reader)
    if comparison is None or at_once:
        return write_down(request, prepared, comparison_json(comparison) if comparison else "")
    place.stays = True
    kind, name = DraftKind.COMPARED, upload.name
    new = NewDraft(
        kind, place.name, name, prepared.source_sha256, prepared, comparison_json(comparison)
    )
    return keep_draft(request, place, new)


def keep_draft(request: Request[Any, Any, Any], place: Place, new: NewDraft) -> ImportDraft:
    """Let an upload wait, with its folder; raises Conflict where too many do."""
    place.stays = False
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        draft = make_draft(unit.session, unit.actor, engagement, new, place.waiting)
    place.stays = True
    return draft


def write_down(
    request: Request[Any, Any, Any], prepared: Prepared, comparison: str
) -> EvidenceHandIn:
    """Put the files into the store, then everything into the database."""
    kept = put_in_store(prepared, request.app.state.workshop.store)
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        return keep(unit.session, unit.actor, engagement, prepared, kept, comparison=comparison)


def _comparison(
    request: Request[Any, Any, Any], plan: Plan, prepared: Prepared, reader: Reader
) -> Comparison | None:
    """What the hand-in changes; None where it replaces nothing, or doesn't count anyway."""
    if prepared.is_rejected or prepared.repeats is not None:
        return None
    pairs = pairs_of(plan.known, prepared.evidence.files)
    if not pairs:
        return None
    comparing = Comparing(pairs, engine_memory(reader))
    tables = called(compare_tables, comparing, reader, prepared.upload.name).tables
    with _reading(request) as (unit, engagement):
        before = settled_before(unit.session, unit.actor, engagement)
    settings: Settings = request.app.state.settings
    replaced = {file.dataset: file for file in (*plan.known, *prepared.evidence.files)}
    periods, left_out = compare_figures(
        before,
        tuple(replaced.values()),
        request.app.state.workshop.catalogue,
        Effort(settings.compared_periods, settings.import_seconds),
    )
    return Comparison(tables, periods, left_out)


def _reading(request: Request[Any, Any, Any]) -> Any:
    return engagement_work(request, Permission.HAND_IN_EVIDENCE, reading=True)
