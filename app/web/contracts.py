"""Adding a contract document: read whole, or shown with everything that is wrong with it.

Before it is added it can be checked alone: then its warnings are shown, and nothing is kept.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post

from app.contract_linting import contract_warnings
from app.security.guards import SIGNED_IN_ONLY, limited
from app.security.throttle import IMPORT
from app.settings import Settings
from app.web.addresses import engagement_path
from app.web.excerpts import excerpt
from app.web.forms import day_of_form
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import work
from app.web.uploads import MultipartForm, chosen_files, file_name, text_field
from governance.contract.reading import read_contract
from governance.engagements.service import add_contract
from governance.errors import BadInput, Problem
from sla.kpis.catalogue import signatures

CHECK = "check"
"""What the form says where the document is only to be checked."""


@get("/contracts/new", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def new_contract(request: Request[Any, Any, Any]) -> Response[str]:
    """The form."""
    return render(request, "contracts/new.html", effective_from="", answer=None, checked=None)


@post("/contracts", opt=SIGNED_IN_ONLY, guards=[limited(IMPORT)], sync_to_thread=True)
def add(
    request: Request[Any, Any, Any],
    data: MultipartForm,
) -> Response[Any]:
    """Keep the document, or answer with its problems next to its own lines.

    Where it is only to be checked, its warnings are the answer.
    """
    files = chosen_files(data, "contract")
    document = files[0].file.read() if files else b""
    name = file_name(files[0]) if files else ""
    try:
        if not name:
            raise BadInput.one(Problem("no file was chosen", allowed="choose the contract's file"))
        effective_from = day_of_form(text_field(data, "effective_from"), "effective_from")
        if text_field(data, "intent") == CHECK:
            return _checked(request, name, document, text_field(data, "effective_from"))
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
            checked=None,
        )
    return see_other(request, engagement_path(added.engagement.reference))


def _checked(
    request: Request[Any, Any, Any], name: str, document: bytes, effective_from: str
) -> Response[str]:
    kpi_dir = request.app.state.settings.kpi_dir
    contract = read_contract(document, name, signatures(kpi_dir))
    day = request.user.actor.at.date()
    warnings = contract_warnings(contract, document, name, day, kpi_dir)
    return page_or_part(
        request,
        "contracts/new.html",
        "contracts/_checked.html",
        effective_from=effective_from,
        answer=None,
        checked={"file": name, "title": contract.engagement.title},
        warnings=warnings,
    )


def router(settings: Settings) -> Router:
    """The routes, with room for a contract document."""
    return Router(
        "/",
        route_handlers=[new_contract, add],
        request_max_body_size=settings.contract_max_bytes + 64 * 1024,
    )
