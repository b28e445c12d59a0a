"""The guided import: from a file that nobody has described to a saved profile and a hand-in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.evidence_store import reader_of
from app.security.guards import limited, requires
from app.security.throttle import IMPORT
from app.web.addresses import HOME, row_id
from app.web.evidence import answer_taken
from app.web.excerpts import excerpt
from app.web.forms import TextForm, text_of
from app.web.importing import place_for, take_in, waiting_of
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import Work, engagement_work
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Conflict, Problem
from sla.evidence.drafts import (
    SOURCE,
    answer_draft,
    edit_draft,
    end_draft,
    get_draft,
)
from sla.evidence.intake import Prepared, Upload, called, prepare
from sla.evidence.models import DraftKind, ImportDraft
from sla.evidence.profiles import Profile, shipped_profiles
from sla.evidence.proposal import Answers, Proposal, profile_yaml
from sla.evidence.proposal_values import Choice
from sla.evidence.proposing import Proposing, propose_for
from sla.evidence.saved_profiles import (
    SavedProfile,
    checked_profile,
    knowing,
    save_profile,
    saved_profiles,
)
from sla.evidence.service import plan_hand_in

_DRAFT = f"{HOME}/{{reference:str}}/imports/{{draft_id:int}}"
_ANSWER = "answer."
_SHOWN = "shown."
_NAMES = ("name", "title", "file_pattern")
"""Choices of what the profile is called and known by, which stand at the page's end."""
_GROUPS = {
    "file": "How the file is written",
    "columns": "Which column is what",
    "formats": "How dates and amounts are written",
    "values": "What values mean",
}


@dataclass(frozen=True, slots=True)
class Guided:
    """An upload with everything that its pages show."""

    engagement: Engagement
    draft: ImportDraft
    path: Path
    saved: tuple[SavedProfile, ...]


def _guided(request: Request[Any, Any, Any], draft_id: int) -> Guided:
    with engagement_work(request, Permission.HAND_IN_EVIDENCE, reading=True) as (unit, engagement):
        draft = get_draft(unit.session, unit.actor, engagement, draft_id, DraftKind.GUIDED)
        saved = saved_profiles(unit.session, engagement)
    folder = waiting_of(unit.settings).folder / draft.folder / SOURCE
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    if len(files) != 1:
        raise Conflict("the file of this import isn't there any more; hand it in again")
    return Guided(engagement, draft, files[0], saved)


def _proposal(
    request: Request[Any, Any, Any], guided: Guided, answers: Mapping[str, str]
) -> Proposal:
    reader = reader_of(request.app.state.settings)
    given = Proposing(guided.path, Answers(answers), reader.limits)
    return called(propose_for, given, reader, guided.draft.source_name)


@get(
    _DRAFT,
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def show_import(request: Request[Any, Any, Any], draft_id: FromPath[int]) -> Response[str]:
    """What was recognised, the questions, and what each answer gives on rows of the file."""
    guided = _guided(request, row_id(draft_id))
    return _questions(request, guided, guided.draft.answers)


def _questions(
    request: Request[Any, Any, Any], guided: Guided, answers: Mapping[str, str]
) -> Response[str]:
    """The page; an answer that isn't allowed is named, and the others stand without it."""
    problems: tuple[Problem, ...] = ()
    try:
        proposal = _proposal(request, guided, answers)
    except BadInput as error:
        if not answers:
            raise
        problems = error.problems
        proposal = _proposal(request, guided, {})
    columns = [column.name for column in proposal.columns]
    return page_or_part(
        request,
        "imports/questions.html",
        "imports/_questions.html",
        status_code=422 if problems else 200,
        engagement=guided.engagement,
        draft=guided.draft,
        proposal=proposal,
        answers=answers,
        groups=_GROUPS,
        asked=_asked(proposal, answers),
        names=_NAMES,
        offered=knowing(guided.saved, columns),
        yaml=profile_yaml(proposal.profile).decode() if proposal.profile else "",
        problems=problems,
    )


def _asked(proposal: Proposal, answers: Mapping[str, str]) -> list[Choice]:
    """What stands first: open questions, and answered ones, which stay where they were."""
    return [
        choice
        for choice in proposal.choices
        if choice.is_open
        or choice.key == "shipped"
        or (choice.key in answers and choice.group != "columns" and choice.key not in _NAMES)
    ]


@post(
    _DRAFT,
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def answer_import(
    request: Request[Any, Any, Any], draft_id: FromPath[int], data: TextForm
) -> Response[Any]:
    """Keep the answers and show what follows from them."""
    guided = _guided(request, row_id(draft_id))
    answers = _given(data, guided.draft.answers)
    answer = _questions(request, guided, answers)
    if answer.status_code != 200:
        return answer
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        draft = get_draft(unit.session, unit.actor, engagement, guided.draft.id, DraftKind.GUIDED)
        answer_draft(unit.session, draft, answers)
    if request.headers.get("HX-Request") == "true":
        return answer
    return see_other(request, request.url.path)


def _given(data: TextForm, before: Mapping[str, str]) -> dict[str, str]:
    """What was answered: an answer that only stood there as the page showed it isn't one."""
    sent = {
        name.removeprefix(_ANSWER): text_of(data, name) for name in data if name.startswith(_ANSWER)
    }
    return {
        key: answer
        for key, answer in sent.items()
        if key in before or answer != text_of(data, f"{_SHOWN}{key}")
    }


def _text(request: Request[Any, Any, Any], guided: Guided) -> str:
    """The profile's text: as it was edited, or as it follows from the answers."""
    if guided.draft.profile_text:
        return guided.draft.profile_text
    proposal = _proposal(request, guided, guided.draft.answers)
    if proposal.profile is None:
        open_ = [choice.question for choice in proposal.questions]
        raise BadInput(
            Problem("this isn't answered yet", found=what) for what in [*open_, *proposal.missing]
        )
    return profile_yaml(proposal.profile).decode()


@get(
    f"{_DRAFT}/text",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def show_text(request: Request[Any, Any, Any], draft_id: FromPath[int]) -> Response[str]:
    """The profile as text, to be edited."""
    guided = _guided(request, row_id(draft_id))
    text = _text(request, guided)
    return render(request, "imports/text.html", **_text_context(guided, text, ()))


def _text_context(guided: Guided, text: str, problems: tuple[Problem, ...]) -> dict[str, Any]:
    return {
        "engagement": guided.engagement,
        "draft": guided.draft,
        "text": text,
        "problems": problems,
        "lines": excerpt(text.encode(), problems) if problems else (),
    }


@post(
    f"{_DRAFT}/text",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def edit_text(
    request: Request[Any, Any, Any], draft_id: FromPath[int], data: TextForm
) -> Response[Any]:
    """Keep the edited text; its problems come with their lines."""
    guided = _guided(request, row_id(draft_id))
    given = data.get("text", "")
    text = given.replace("\r\n", "\n") if isinstance(given, str) else ""
    try:
        checked_profile(text)
    except BadInput as error:
        context = _text_context(guided, text, error.problems)
        return page_or_part(
            request, "imports/text.html", "imports/_problems.html", status_code=422, **context
        )
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        draft = get_draft(unit.session, unit.actor, engagement, guided.draft.id, DraftKind.GUIDED)
        edit_draft(unit.session, draft, text)
    return see_other(request, f"{_path(request, guided)}/check")


def _path(request: Request[Any, Any, Any], guided: Guided) -> str:
    return f"{HOME}/{request.path_params['reference']}/imports/{guided.draft.id}"


@get(
    f"{_DRAFT}/check",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def check_import(request: Request[Any, Any, Any], draft_id: FromPath[int]) -> Response[str]:
    """Every row read with the profile, as a rehearsal: tables, rejected rows, findings."""
    guided = _guided(request, row_id(draft_id))
    problems: tuple[Problem, ...] = ()
    profile, shipped, read = None, False, None
    try:
        profile, shipped = _profile(_text(request, guided))
        read = _rehearsed(request, guided, profile)
    except BadInput as error:
        problems = error.problems
    return render(
        request,
        "imports/check.html",
        status_code=422 if problems else 200,
        engagement=guided.engagement,
        draft=guided.draft,
        profile=profile,
        shipped=shipped,
        prepared=read,
        problems=problems,
    )


def _profile(text: str) -> tuple[Profile, bool]:
    """The profile, and whether it is one that comes with the product just as it is."""
    for each in shipped_profiles():
        if profile_yaml(each).decode() == text:
            return each, True
    return checked_profile(text), False


def _rehearsed(request: Request[Any, Any, Any], guided: Guided, profile: Profile) -> Prepared:
    upload = Upload(guided.path, guided.draft.source_name, profile, True)
    with engagement_work(request, Permission.HAND_IN_EVIDENCE, reading=True) as (unit, engagement):
        plan = plan_hand_in(unit.session, unit.actor, engagement, upload, unit.store)
    with TemporaryDirectory(dir=guided.path.parent.parent) as folder:
        return prepare(plan, Path(folder), reader_of(request.app.state.settings))


@post(
    f"{_DRAFT}/use",
    guards=[requires(Permission.HAND_IN_EVIDENCE), limited(IMPORT)],
    sync_to_thread=True,
)
def use_import(
    request: Request[Any, Any, Any], draft_id: FromPath[int], data: TextForm
) -> Response[Any]:
    """Save the profile unless it comes with the product, and hand the file in with it."""
    guided = _guided(request, row_id(draft_id))
    text = _text(request, guided)
    profile, shipped = _profile(text)
    sha256 = None
    accepts = text_of(data, "accept_rejections") == "yes"
    if not shipped:
        with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
            sha256 = save_profile(unit.session, unit.actor, engagement, text).sha256
    with place_for(request) as place:
        copied = place.source / guided.path.name
        shutil.copyfile(guided.path, copied)
        name = guided.draft.source_name

        def upload(_unit: Work, _engagement: Engagement) -> Upload:
            return Upload(copied, name, profile, accepts, sha256)

        taken = take_in(request, place, upload)
    _end(request, guided.draft.id)
    return answer_taken(request, taken) or see_other(
        request, f"{HOME}/{request.path_params['reference']}/hand-ins/{taken.id}"
    )


@post(
    f"{_DRAFT}/discard",
    guards=[requires(Permission.HAND_IN_EVIDENCE)],
    sync_to_thread=True,
)
def discard_import(request: Request[Any, Any, Any], draft_id: FromPath[int]) -> Response[Any]:
    """The file goes, and nothing of it was kept."""
    _end(request, row_id(draft_id))
    return see_other(request, f"{HOME}/{request.path_params['reference']}/evidence/new")


def _end(request: Request[Any, Any, Any], draft_id: int) -> None:
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        draft = get_draft(unit.session, unit.actor, engagement, draft_id, DraftKind.GUIDED)
        end_draft(unit.session, draft, waiting_of(unit.settings))


ROUTER = Router(
    "/",
    route_handlers=[
        show_import,
        answer_import,
        show_text,
        edit_text,
        check_import,
        use_import,
        discard_import,
    ],
    request_max_body_size=1024 * 1024,
)
