"""What one hand-in held, its rejected rows, and handing these in again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import File

from app.security.guards import limited, requires
from app.security.throttle import EXPORT, IMPORT
from app.settings import Settings
from app.web.addresses import HOME, row_id
from app.web.downloads import stored_file
from app.web.evidence import answer_taken
from app.web.exports import note_export
from app.web.importing import Place, place_for, take_in
from app.web.rendering import page_or_part, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from app.web.uploads import MultipartForm, chosen_files, file_name, text_field, to_folder
from billing.settlement.comparison import comparison_of
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from sla.evidence.fixes import Fixes
from sla.evidence.intake import Upload
from sla.evidence.models import EvidenceHandIn
from sla.evidence.queries import comparison_text
from sla.evidence.resubmission import (
    Again,
    corrections_of,
    get_quarantine,
    get_source,
    quarantines_of,
    sources_of,
    upload_again,
)
from sla.evidence.service import get_hand_in, tables_of
from sla.evidence.values import Rejection

_HAND_IN = f"{HOME}/{{reference:str}}/hand-ins/{{hand_in_id:int}}"
_ROWS_A_PAGE = 50
FirstRow = Annotated[int, QueryParameter(name="from", ge=0, le=10**9)]
ReasonNumber = Annotated[int | None, QueryParameter(name="reason", ge=0, le=10**6)]


@dataclass(frozen=True, slots=True)
class RejectionsPage:
    """The rejections of one reason, or of all, in pages."""

    rows: Sequence[Rejection]
    total: int
    """Listed ones; of many rejected rows only the first are."""
    offset: int
    reason: int | None
    """Number of the reason among the quarantines' reasons."""

    @property
    def previous(self) -> int | None:
        """Where the page before begins."""
        return max(self.offset - _ROWS_A_PAGE, 0) if self.offset else None

    @property
    def following(self) -> int | None:
        """Where the next page begins."""
        end = self.offset + len(self.rows)
        return end if end < self.total else None


@get(_HAND_IN, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_hand_in(
    request: Request[Any, Any, Any],
    hand_in_id: FromPath[int],
    offset: FirstRow = 0,
    reason: ReasonNumber = None,
) -> Response[str]:
    """What it held, what was found in it, which rows were rejected and why."""
    with engagement_work(request) as (unit, engagement):
        row = get_hand_in(unit.session, unit.actor, engagement, row_id(hand_in_id))
        context = _context(unit, engagement, row)
    context["listed"] = _page(row, context["reasons"], offset, reason)
    return page_or_part(request, "evidence/hand_in.html", "evidence/_rejected_rows.html", **context)


def _context(unit: Work, engagement: Engagement, row: EvidenceHandIn) -> dict[str, Any]:
    quarantines = quarantines_of(unit.session, row)
    compared = comparison_text(unit.session, row)
    return {
        "engagement": engagement,
        "hand_in": row,
        "tables": tables_of(unit.session, row),
        "sources": sources_of(unit.session, row),
        "quarantines": quarantines,
        "reasons": [one for each in quarantines for one in each.reasons],
        "corrections": corrections_of(unit.session, row),
        "comparison": comparison_of(compared) if compared else None,
        "may": allowed(unit, engagement),
        "problems": (),
        "listed": _page(row, (), 0, None),
    }


def _page(
    row: EvidenceHandIn, reasons: Sequence[Any], offset: int, number: int | None
) -> RejectionsPage:
    found: Sequence[Rejection] = row.rejections
    if number is not None and number < len(reasons):
        wanted = reasons[number]
        found = [
            one
            for one in found
            if (one.file, one.column) == (wanted.file, wanted.column)
            and one.reason.partition(", did you mean")[0] == wanted.reason
        ]
    else:
        number = None
    return RejectionsPage(found[offset : offset + _ROWS_A_PAGE], len(found), offset, number)


@get(
    f"{_HAND_IN}/rejected/{{quarantine_id:int}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_rejected(
    request: Request[Any, Any, Any], hand_in_id: FromPath[int], quarantine_id: FromPath[int]
) -> File:
    """The rejected rows of one file in its own columns, with row, line and reason."""
    with engagement_work(request) as (unit, engagement):
        found = get_quarantine(
            unit.session, unit.actor, engagement, row_id(hand_in_id), row_id(quarantine_id)
        )
        path = unit.store.local(found.sha256, ".csv")
    stem = found.file.partition(".")[0]
    name = f"{stem}-rejected-rows.csv"
    size = path.stat().st_size
    note_export(request, engagement.id, f"Evidence {name}", sha256=found.sha256, size=size)
    return stored_file(path, name, "text/csv; charset=utf-8")


@get(
    f"{_HAND_IN}/files/{{source_id:int}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_source(
    request: Request[Any, Any, Any], hand_in_id: FromPath[int], source_id: FromPath[int]
) -> File:
    """A file byte for byte as it was handed in."""
    with engagement_work(request) as (unit, engagement):
        source = get_source(
            unit.session, unit.actor, engagement, row_id(hand_in_id), row_id(source_id)
        )
        path = unit.store.local(source.sha256, source.suffix)
    label = f"Evidence {source.name}"
    note_export(request, engagement.id, label, sha256=source.sha256, size=source.size)
    return stored_file(path, source.name, "application/octet-stream")


@post(
    f"{_HAND_IN}/fixes",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def add_fixes(
    request: Request[Any, Any, Any], hand_in_id: FromPath[int], data: MultipartForm
) -> Response[Any]:
    """Put corrected rows in the place of the rejected ones, and check everything again."""

    def again(place: Place) -> Again:
        uploads = chosen_files(data, "files")
        if len(uploads) != 1:
            problem = Problem("choose the file with the corrected rows", allowed="a single file")
            raise BadInput.one(problem)
        folder = place.source / "new"
        folder.mkdir()
        path, _ = to_folder(uploads, folder)
        return Again(fixes=Fixes(text_field(data, "file"), path, file_name(uploads[0])))

    return _again(request, row_id(hand_in_id), again)


@post(
    f"{_HAND_IN}/leave-out",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def leave_out(request: Request[Any, Any, Any], hand_in_id: FromPath[int]) -> Response[Any]:
    """Count the sound rows of a hand-in without the rejected ones, which stay on record."""
    return _again(request, row_id(hand_in_id), lambda _: Again(accept_rejections=True))


def _again(request: Request[Any, Any, Any], hand_in_id: int, make: Any) -> Response[Any]:
    with place_for(request) as place:
        try:
            again: Again = make(place)

            def upload(unit: Work, engagement: Engagement) -> Upload:
                row = get_hand_in(unit.session, unit.actor, engagement, hand_in_id)
                folder: Path = place.source / "again"
                return upload_again(
                    unit.session,
                    unit.actor,
                    engagement,
                    row,
                    again,
                    store=unit.store,
                    folder=folder,
                )

            taken = take_in(request, place, upload)
        except BadInput as error:
            return _refused(request, hand_in_id, error.problems)
    # Where rows are still wrong, the new hand-in's page says which and why.
    reference = request.path_params["reference"]
    return answer_taken(request, taken) or see_other(
        request, f"{HOME}/{reference}/hand-ins/{taken.id}"
    )


def _refused(
    request: Request[Any, Any, Any], hand_in_id: int, problems: tuple[Problem, ...]
) -> Response[Any]:
    with engagement_work(request, reading=True) as (unit, engagement):
        row = get_hand_in(unit.session, unit.actor, engagement, hand_in_id)
        context = _context(unit, engagement, row)
    context |= {"problems": problems, "listed": _page(row, (), 0, None)}
    return page_or_part(
        request,
        "evidence/hand_in.html",
        "evidence/_hand_in.html",
        status_code=422,
        **context,
    )


def router(settings: Settings) -> Router:
    """The routes, with room for corrected rows."""
    return Router(
        "/",
        route_handlers=[
            show_hand_in,
            download_rejected,
            download_source,
            add_fixes,
            leave_out,
        ],
        request_max_body_size=settings.upload_max_bytes,
    )
