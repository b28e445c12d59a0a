"""Evidence that would take the place of what counts: what changes, and the decision."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import limited, requires
from app.security.throttle import IMPORT
from app.web.addresses import HOME, row_id
from app.web.importing import waiting_of, write_down
from app.web.rendering import render, see_other
from app.web.unit_of_work import engagement_work
from billing.settlement.comparison import comparison_of
from governance.access import Permission
from governance.errors import Conflict
from sla.evidence.drafts import end_draft, get_draft, prepared_of
from sla.evidence.models import DraftKind

_DRAFT = f"{HOME}/{{reference:str}}/replacements/{{replacement_id:int}}"
_GUARDS = [requires(Permission.HAND_IN_EVIDENCE)]


@get(_DRAFT, guards=_GUARDS, sync_to_thread=True)
def show_replacement(
    request: Request[Any, Any, Any], replacement_id: FromPath[int]
) -> Response[str]:
    """Rows and figures, before and after."""
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        draft = get_draft(
            unit.session, unit.actor, engagement, row_id(replacement_id), DraftKind.COMPARED
        )
    return render(
        request,
        "evidence/replacement.html",
        engagement=engagement,
        draft=draft,
        prepared=prepared_of(draft),
        comparison=comparison_of(draft.comparison_json),
    )


@post(f"{_DRAFT}/use", guards=[*_GUARDS, limited(IMPORT)], sync_to_thread=True)
def use_replacement(
    request: Request[Any, Any, Any], replacement_id: FromPath[int]
) -> Response[Any]:
    """From now on it counts; Conflict where other evidence came in meanwhile."""
    with engagement_work(request, Permission.HAND_IN_EVIDENCE, reading=True) as (unit, engagement):
        draft = get_draft(
            unit.session, unit.actor, engagement, row_id(replacement_id), DraftKind.COMPARED
        )
    prepared = prepared_of(draft)
    paths = [prepared.upload.source, *(file.path for file in prepared.evidence.files)]
    if not all(path.exists() for path in paths):
        raise Conflict("the files of this upload aren't there any more; hand them in again")
    row = write_down(request, prepared, draft.comparison_json)
    _end(request, draft.id)
    return see_other(request, f"{HOME}/{request.path_params['reference']}/hand-ins/{row.id}")


@post(f"{_DRAFT}/discard", guards=_GUARDS, sync_to_thread=True)
def discard_replacement(
    request: Request[Any, Any, Any], replacement_id: FromPath[int]
) -> Response[Any]:
    """What counts stays as it is."""
    _end(request, row_id(replacement_id))
    return see_other(request, f"{HOME}/{request.path_params['reference']}/evidence/new")


def _end(request: Request[Any, Any, Any], replacement_id: int) -> None:
    with engagement_work(request, Permission.HAND_IN_EVIDENCE) as (unit, engagement):
        draft = get_draft(unit.session, unit.actor, engagement, replacement_id, DraftKind.COMPARED)
        end_draft(unit.session, draft, waiting_of(unit.settings))


ROUTER = Router("/", route_handlers=[show_replacement, use_replacement, discard_replacement])
