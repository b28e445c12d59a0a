"""Adding a contract document: read whole, or shown with everything that is wrong with it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post

from app.security.guards import SIGNED_IN_ONLY, limited
from app.security.throttle import IMPORT
from app.settings import Settings
from app.web.addresses import engagement_path
from app.web.excerpts import excerpt
from app.web.forms import day_of_form
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import work
from app.web.uploads import MultipartForm, chosen_files, file_name, text_field
from governance.engagements.service import add_contract
from governance.errors import BadInput, Problem
from sla.kpis.catalogue import signatures


@get("/contracts/new", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def new_contract(request: Request[Any, Any, Any]) -> Response[str]:
    """The form."""
    return render(request, "contracts/new.html", effective_from="", answer=None)


@post("/contracts", opt=SIGNED_IN_ONLY, guards=[limited(IMPORT)], sync_to_thread=True)
def add(
    request: Request[Any, Any, Any],
    data: MultipartForm,
) -> Response[Any]:
    """Keep the document, or answer with its problems next to its own lines."""
    files = chosen_files(data, "contract")
    document = files[0].file.read() if files else b""
    name = file_name(files[0]) if files else ""
    try:
        if not name:
            raise BadInput.one(Problem("no file was chosen", allowed="choose the contract's file"))
        effective_from = day_of_form(text_field(data, "effective_from"), "effective_from")
        with work(request) as unit:
            added = add_contract(
                unit.session,
                unit.actor,
                name,
                document,
                signatures(unit.settings.kpi_dir),
                effective_from=effective_from,
            )
    except BadInput as error:
        lines = excerpt(document, error.problems)
        return page_or_part(
            request,
            "contracts/new.html",
            "contracts/_answer.html",
            status_code=422,
            effective_from=text_field(data, "effective_from"),
            answer={"file": name, "problems": error.problems, "lines": lines},
        )
    return see_other(request, engagement_path(added.engagement.reference))


def router(settings: Settings) -> Router:
    """The routes, with room for a contract document."""
    return Router(
        "/",
        route_handlers=[new_contract, add],
        request_max_body_size=settings.contract_max_bytes + 64 * 1024,
    )
