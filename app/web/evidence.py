"""Handing in evidence, what was found in it, and taking it away again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import File

from app.security.guards import limited, requires
from app.security.throttle import EXPORT, IMPORT
from app.settings import Settings
from app.web.addresses import HOME, digest_of_address, engagement_path, row_id
from app.web.downloads import stored_file
from app.web.exports import note_export
from app.web.problems import for_program
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import engagement_work
from app.web.uploads import MultipartForm, chosen_files, on_disk, text_field
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, NotFound, Problem
from sla.evidence.datasets import DATASETS
from sla.evidence.models import EvidenceHandIn, HandInState
from sla.evidence.profiles import Profile, shipped_profiles
from sla.evidence.queries import table_of_digest
from sla.evidence.service import Upload, get_hand_in, hand_in, tables_of

_ENGAGEMENT = f"{HOME}/{{reference:str}}"


@get(
    f"{_ENGAGEMENT}/evidence/new",
    guards=[requires(Permission.HAND_IN_EVIDENCE)],
    sync_to_thread=True,
)
def new_evidence(request: Request[Any, Any, Any]) -> Response[str]:
    """The form."""
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (_, engagement):
        return render(request, "evidence/new.html", **_form(engagement))


@post(
    f"{_ENGAGEMENT}/evidence",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def add_evidence(
    request: Request[Any, Any, Any],
    data: MultipartForm,
) -> Response[Any]:
    """Check every row; accepted evidence has a page of its own, a rejected one is shown here."""
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        try:
            profile = _profile(text_field(data, "profile"))
            accepts = text_field(data, "accept_rejections") == "yes"
            with on_disk(chosen_files(data, "files"), unit.scratch) as (source, name):
                upload = Upload(source, name, profile, accepts)
                row = hand_in(unit.session, unit.actor, engagement, upload, unit.store)
        except BadInput as error:
            return _refusal(request, engagement, data, problems=error.problems)
    if row.state is HandInState.REJECTED and for_program(request):
        raise BadInput(_rejections(row))
    if row.state is HandInState.REJECTED:
        return _refusal(request, engagement, data, rejected=row)
    return see_other(request, engagement_path(engagement.reference, "hand-ins", str(row.id)))


def _rejections(row: EvidenceHandIn) -> list[Problem]:
    """The rejected rows, as a program gets them."""
    return [
        Problem(one.reason, file=one.file, row=one.row, column=one.column, found=one.value)
        for one in row.rejections
    ]


def _profile(name: str) -> Profile | None:
    if not name:
        return None
    for profile in shipped_profiles():
        if profile.name == name:
            return profile
    known = ", ".join(profile.name for profile in shipped_profiles())
    raise BadInput.one(Problem("there is no such import profile", found=name, allowed=known))


def _form(engagement: Engagement, profile: str = "") -> dict[str, Any]:
    return {
        "engagement": engagement,
        "datasets": DATASETS,
        "profiles": shipped_profiles(),
        "chosen": profile,
        "problems": (),
        "rejected": None,
    }


def _refusal(
    request: Request[Any, Any, Any],
    engagement: Engagement,
    data: dict[str, Any],
    *,
    problems: tuple[Problem, ...] = (),
    rejected: EvidenceHandIn | None = None,
) -> Response[str]:
    context = _form(engagement, text_field(data, "profile")) | {
        "problems": problems,
        "rejected": rejected,
    }
    return page_or_part(
        request, "evidence/new.html", "evidence/_answer.html", status_code=422, **context
    )


@get(
    f"{_ENGAGEMENT}/hand-ins/{{hand_in_id:int}}",
    guards=[requires(Permission.VIEW)],
    sync_to_thread=True,
)
def show_hand_in(request: Request[Any, Any, Any], hand_in_id: FromPath[int]) -> Response[str]:
    """What one hand-in held and what was found in it."""
    with engagement_work(request) as (unit, engagement):
        row = get_hand_in(unit.session, unit.actor, engagement, row_id(hand_in_id))
        return render(
            request,
            "evidence/hand_in.html",
            engagement=engagement,
            hand_in=row,
            tables=tables_of(unit.session, row),
        )


@get(
    f"{_ENGAGEMENT}/evidence/{{sha256:str}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_evidence(request: Request[Any, Any, Any], sha256: FromPath[str]) -> File:
    """An evidence table as the Parquet file that its digest names."""
    with engagement_work(request) as (unit, engagement):
        table = table_of_digest(unit.session, engagement, digest_of_address(sha256))
        path: Path = unit.store / f"{table.sha256}.parquet"
    if not path.is_file():
        raise NotFound("the file of this evidence table is missing from the store")
    name, size = f"{table.dataset}-{table.sha256[:12]}.parquet", path.stat().st_size
    note_export(request, engagement.id, f"Evidence {name}", sha256=table.sha256, size=size)
    return stored_file(path, name, "application/vnd.apache.parquet")


def router(settings: Settings) -> Router:
    """The routes, with room for ledgers."""
    return Router(
        "/",
        route_handlers=[new_evidence, add_evidence, show_hand_in, download_evidence],
        request_max_body_size=settings.upload_max_bytes,
    )
