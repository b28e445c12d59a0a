"""The engagement's saved import profiles: their versions, their text, new versions of it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import limited, requires
from app.security.throttle import EXPORT
from app.web.addresses import HOME, row_id
from app.web.downloads import attachment
from app.web.excerpts import excerpt
from app.web.exports import note_bytes
from app.web.forms import TextForm
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from sla.evidence.models import ImportProfile
from sla.evidence.profiles import shipped_profiles
from sla.evidence.queries import hand_ins_read_with
from sla.evidence.saved_profiles import get_profile, profile_versions, save_profile

_PROFILES = f"{HOME}/{{reference:str}}/import-profiles"
_PROFILE = f"{_PROFILES}/{{profile_id:int}}"


@get(_PROFILES, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_profiles(request: Request[Any, Any, Any]) -> Response[str]:
    """Every version, by name, and those that come with the product."""
    with engagement_work(request) as (unit, engagement):
        return render(
            request,
            "import_profiles/list.html",
            engagement=engagement,
            versions=profile_versions(unit.session, unit.actor, engagement),
            shipped=shipped_profiles(),
            may=allowed(unit, engagement),
        )


@get(_PROFILE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_profile(request: Request[Any, Any, Any], profile_id: FromPath[int]) -> Response[str]:
    """One version, and the hand-ins that were read with it."""
    with engagement_work(request) as (unit, engagement):
        row = get_profile(unit.session, unit.actor, engagement, row_id(profile_id))
        context = _context(unit, engagement, row, row.text, ())
    return render(request, "import_profiles/profile.html", **context)


def _context(
    unit: Work,
    engagement: Engagement,
    row: ImportProfile,
    text: str,
    problems: tuple[Problem, ...],
) -> dict[str, Any]:
    return {
        "engagement": engagement,
        "profile": row,
        "text": text,
        "problems": problems,
        "lines": excerpt(text.encode(), problems) if problems else (),
        "hand_ins": hand_ins_read_with(unit.session, engagement, row.sha256),
        "may": allowed(unit, engagement),
    }


@post(_PROFILE, guards=[requires(Permission.HAND_IN_EVIDENCE)], sync_to_thread=True)
def edit_profile(
    request: Request[Any, Any, Any], profile_id: FromPath[int], data: TextForm
) -> Response[Any]:
    """A new version of the edited text; its problems come with their lines."""
    given = data.get("text", "")
    text = given.replace("\r\n", "\n") if isinstance(given, str) else ""
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        row = get_profile(unit.session, unit.actor, engagement, row_id(profile_id))
        try:
            saved = save_profile(unit.session, unit.actor, engagement, text)
        except BadInput as error:
            context = _context(unit, engagement, row, text, error.problems)
            return page_or_part(
                request,
                "import_profiles/profile.html",
                "imports/_problems.html",
                status_code=422,
                **context,
            )
    reference = request.path_params["reference"]
    return see_other(request, f"{HOME}/{reference}/import-profiles/{saved.id}")


@get(
    f"{_PROFILE}/text",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_profile(request: Request[Any, Any, Any], profile_id: FromPath[int]) -> Response[bytes]:
    """The text of one version, byte for byte."""
    with engagement_work(request) as (unit, engagement):
        row = get_profile(unit.session, unit.actor, engagement, row_id(profile_id))
    data, name = row.text.encode(), f"{row.name}-{row.version}.yaml"
    note_bytes(request, engagement.id, f"Import profile {name}", data)
    return attachment(data, name, "application/yaml")


ROUTER = Router(
    "/",
    route_handlers=[list_profiles, show_profile, edit_profile, download_profile],
    request_max_body_size=1024 * 1024,
)
