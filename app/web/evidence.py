"""Handing in evidence, and taking the tables away again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import File

from app.security.guards import limited, requires
from app.security.throttle import EXPORT, IMPORT
from app.settings import Settings
from app.web.addresses import HOME, digest_of_address
from app.web.downloads import stored_file
from app.web.exports import note_export
from app.web.importing import Place, Taken, keep_draft, place_for, put_uploads, take_in
from app.web.problems import for_program
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import Work, engagement_work
from app.web.uploads import MultipartForm, chosen_files, text_field
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from sla.evidence.datasets import DATASETS
from sla.evidence.discovery import is_unknown
from sla.evidence.drafts import NewDraft, drafts_of
from sla.evidence.intake import digest_of
from sla.evidence.models import DraftKind, EvidenceHandIn, HandInState, ImportDraft
from sla.evidence.profiles import Profile, shipped_profiles
from sla.evidence.queries import table_of_digest
from sla.evidence.saved_profiles import SavedProfile, saved_profiles
from sla.evidence.service import Upload

_ENGAGEMENT = f"{HOME}/{{reference:str}}"
_SAVED = "saved:"


@get(
    f"{_ENGAGEMENT}/evidence/new",
    guards=[requires(Permission.HAND_IN_EVIDENCE)],
    sync_to_thread=True,
)
def new_evidence(request: Request[Any, Any, Any]) -> Response[str]:
    """The form, and the uploads that wait for a decision."""
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        return render(request, "evidence/new.html", **_form(unit, engagement))


@post(
    f"{_ENGAGEMENT}/evidence",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def add_evidence(
    request: Request[Any, Any, Any],
    data: MultipartForm,
) -> Response[Any]:
    """Check every row; what can't be used is shown here, everything else on a page of its own.

    A file that the product doesn't know leads a person to the questions on it. What replaces a
    table that counts waits for the decision to use it; with `use=yes` it doesn't.
    """
    name = ""
    with place_for(request) as place:
        try:
            source, name = put_uploads(place, chosen_files(data, "files"))
            if text_field(data, "guide") == "yes":
                return _to_questions(request, place, name)

            def upload(unit: Work, engagement: Engagement) -> Upload:
                saved = saved_profiles(unit.session, engagement)
                profile, sha256 = _profile(text_field(data, "profile"), saved)
                accepts = text_field(data, "accept_rejections") == "yes"
                return Upload(source, name, profile, accepts, sha256)

            taken = take_in(request, place, upload, at_once=text_field(data, "use") == "yes")
        except BadInput as error:
            if source_is_unknown(error) and not for_program(request):
                return _to_questions(request, place, name)
            return _refusal(request, data, problems=error.problems)
    return answer_taken(request, taken) or _refusal(request, data, rejected=taken)


def source_is_unknown(error: BadInput) -> bool:
    """Whether the only problem is that nothing knows the columns of a single file."""
    return len(error.problems) == 1 and is_unknown(error.problems[0])


def answer_taken(request: Request[Any, Any, Any], taken: Taken) -> Response[Any] | None:
    """On to what became of an upload; None for a rejected one, which is shown where it is.

    A program gets the rejected rows as problems.
    """
    reference = request.path_params["reference"]
    if isinstance(taken, ImportDraft):
        return see_other(request, f"{HOME}/{reference}/replacements/{taken.id}")
    if taken.state is not HandInState.REJECTED:
        return see_other(request, f"{HOME}/{reference}/hand-ins/{taken.id}")
    if for_program(request):
        raise BadInput(_rejections(taken))
    return None


def _to_questions(request: Request[Any, Any, Any], place: Place, name: str) -> Response[Any]:
    """Keep the one file for the guided import; BadInput where there are several."""
    files = [path for path in place.source.iterdir() if path.is_file()]
    if len(files) != 1:
        problem = Problem("how to read files is set up one by one", allowed="a single file")
        raise BadInput.one(problem)
    new = NewDraft(DraftKind.GUIDED, place.name, name, digest_of(files[0]))
    draft = keep_draft(request, place, new)
    reference = request.path_params["reference"]
    return see_other(request, f"{HOME}/{reference}/imports/{draft.id}")


def _rejections(row: EvidenceHandIn) -> list[Problem]:
    """The rejected rows, as a program gets them."""
    return [
        Problem(
            one.reason,
            file=one.place,
            line=one.line,
            row=one.row,
            column=one.column,
            found=one.value,
        )
        for one in row.rejections
    ]


def _profile(name: str, saved: Sequence[SavedProfile]) -> tuple[Profile | None, str | None]:
    """The chosen profile, and the digest of its text where it is a saved one."""
    if not name:
        return None, None
    for each in saved:
        if name == f"{_SAVED}{each.profile.name}":
            return each.profile, each.sha256
    for profile in shipped_profiles():
        if profile.name == name:
            return profile, None
    known = ", ".join(profile.name for profile in shipped_profiles())
    raise BadInput.one(Problem("there is no such import profile", found=name, allowed=known))


def _form(unit: Work, engagement: Engagement, profile: str = "") -> dict[str, Any]:
    return {
        "engagement": engagement,
        "datasets": DATASETS,
        "profiles": shipped_profiles(),
        "saved": saved_profiles(unit.session, engagement),
        "drafts": drafts_of(unit.session, unit.actor, engagement),
        "chosen": profile,
        "problems": (),
        "rejected": None,
    }


def _refusal(
    request: Request[Any, Any, Any],
    data: dict[str, Any],
    *,
    problems: tuple[Problem, ...] = (),
    rejected: Taken | None = None,
) -> Response[str]:
    with engagement_work(request, Permission.HAND_IN_EVIDENCE, reading=True) as (unit, engagement):
        form = _form(unit, engagement, text_field(data, "profile"))
    listed = _rejections(rejected) if isinstance(rejected, EvidenceHandIn) else ()
    context = form | {"problems": problems or listed, "rejected": rejected}
    return page_or_part(
        request, "evidence/new.html", "evidence/_answer.html", status_code=422, **context
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
        path = unit.store.local(table.sha256)
    name, size = f"{table.dataset}-{table.sha256[:12]}.parquet", path.stat().st_size
    note_export(request, engagement.id, f"Evidence {name}", sha256=table.sha256, size=size)
    return stored_file(path, name, "application/vnd.apache.parquet")


def router(settings: Settings) -> Router:
    """The routes, with room for ledgers."""
    return Router(
        "/",
        route_handlers=[new_evidence, add_evidence, download_evidence],
        request_max_body_size=settings.upload_max_bytes,
    )
