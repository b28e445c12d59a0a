"""Simulations: what another contract would have cost, asked here and worked on beside the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.documents.simulation_report import report_context
from app.documents.simulation_tables import negotiation
from app.documents.simulation_view import SimulationView
from app.security.guards import limited, requires
from app.security.throttle import IMPORT, PDF
from app.settings import Settings
from app.simulating import progress_of
from app.simulation_files import FILES, file_of, media_type
from app.web.addresses import HOME, engagement_path, row_id
from app.web.downloads import attachment
from app.web.excerpts import excerpt
from app.web.exports import note_bytes
from app.web.rendering import page_or_part, render, see_other, wants_part
from app.web.unit_of_work import Work, engagement_work
from app.web.uploads import MultipartForm, chosen_files, file_name, text_field
from billing.simulation.models import SimulationRecord, SimulationState
from billing.simulation.queries import get_simulation, simulations
from billing.simulation.service import (
    Asked,
    Draft,
    ask_simulation,
    cancel_simulation,
    version_name,
)
from governance.access import Permission
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import agreed_contract, contract_of, contract_versions
from governance.errors import BadInput, NotFound, Problem
from governance.values import Period
from sla.kpis.catalogue import signatures

_HOME: Final = f"{HOME}/{{reference:str}}/simulations"
_ONE: Final = f"{_HOME}/{{simulation_id:int}}"
_FIELDS: Final = ("what", "text", "against", "first", "last", "month")
_DRAFT: Final = "draft"
_PASTED: Final = "Pasted draft"
_USUAL_MONTHS: Final = 12


@get(_HOME, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_simulations(request: Request[Any, Any, Any]) -> Response[str]:
    """The form, and what one's own side has simulated."""
    with engagement_work(request) as (unit, engagement):
        context = _form(unit, engagement, {})
    return render(request, "simulation/list.html", **context)


@post(_HOME, guards=[requires(Permission.VIEW), limited(IMPORT)], sync_to_thread=True)
def ask(request: Request[Any, Any, Any], data: MultipartForm) -> Response[Any]:
    """Have a contract simulated, or answer with the problems of the draft beside its lines."""
    name, document = _draft(data)
    try:
        with engagement_work(request) as (unit, engagement):
            asked = _asked(unit, engagement, data, name, document)
            known = signatures(unit.settings.kpi_dir)
            row = ask_simulation(unit.session, unit.actor, engagement, asked, known)
    except BadInput as error:
        with engagement_work(request, reading=True) as (unit, engagement):
            context = _form(unit, engagement, data)
        lines = excerpt(document, error.problems) if document else ()
        context["answer"] = {"file": name, "problems": error.problems, "lines": lines}
        return page_or_part(
            request, "simulation/list.html", "simulation/_answer.html", status_code=422, **context
        )
    return see_other(request, engagement_path(engagement.reference, "simulations", str(row.id)))


@get(_ONE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_simulation(request: Request[Any, Any, Any], simulation_id: FromPath[int]) -> Response[Any]:
    """How far it is, and then what came out."""
    with engagement_work(request) as (unit, engagement):
        row = get_simulation(unit.session, unit.actor, engagement, row_id(simulation_id))
        names = _names(contract_versions(unit.session, unit.actor, engagement))
    here = engagement_path(engagement.reference, "simulations", str(row.id))
    if wants_part(request) and row.state is not SimulationState.ASKED:
        return see_other(request, here)
    context: dict[str, Any] = {
        "engagement": engagement,
        "row": row,
        "here": here,
        "title": _title(row, names),
        "progress": progress_of(request.app.state.settings, row.id),
        "files": FILES,
    }
    found = row.result
    if found is None:
        return page_or_part(
            request, "simulation/progress.html", "simulation/_progress.html", **context
        )
    pasted = negotiation(SimulationView(found))
    context |= report_context(found) | {"negotiation": pasted}
    return render(request, "simulation/result.html", **context)


@get(
    f"{_ONE}/{{simulation_file:str}}",
    guards=[requires(Permission.VIEW), limited(PDF)],
    sync_to_thread=True,
)
def download_simulation(
    request: Request[Any, Any, Any], simulation_id: FromPath[int], simulation_file: FromPath[str]
) -> Response[bytes]:
    """The report, a table, or the figures of a finished simulation."""
    with engagement_work(request) as (unit, engagement):
        row = get_simulation(unit.session, unit.actor, engagement, row_id(simulation_id))
    found = row.result
    if found is None or simulation_file not in FILES:
        raise NotFound(f"simulation {row.id} has no file of this name")
    data = file_of(found, simulation_file)
    name = f"{engagement.reference}-{row.id}-{simulation_file}"
    note_bytes(request, engagement.id, f"Simulation {row.id}, {simulation_file}", data)
    return attachment(data, name, media_type(simulation_file))


@post(f"{_ONE}/cancel", guards=[requires(Permission.VIEW)], sync_to_thread=True)
def cancel(request: Request[Any, Any, Any], simulation_id: FromPath[int]) -> Response[Any]:
    """End a simulation that waits or is at work."""
    with engagement_work(request) as (unit, engagement):
        cancel_simulation(unit.session, unit.actor, engagement, row_id(simulation_id))
    return see_other(request, engagement_path(engagement.reference, "simulations"))


def _draft(form: Mapping[str, Any]) -> tuple[str, bytes]:
    """The draft that was uploaded, or else the one that was pasted."""
    files = chosen_files(form, "file")
    if files:
        return file_name(files[0]) or _PASTED, files[0].file.read()
    text = text_field(form, "text").replace("\r\n", "\n")
    return (_PASTED, text.encode()) if text.strip() else ("", b"")


def _asked(
    unit: Work, engagement: Engagement, form: Mapping[str, Any], name: str, document: bytes
) -> Asked:
    """What the form asks for; BadInput where it says too little."""
    versions = contract_versions(unit.session, unit.actor, engagement)
    wanted, against = text_field(form, "what"), text_field(form, "against")
    if wanted == _DRAFT and not document:
        allowed = "choose a file or paste the document"
        raise BadInput.one(Problem("there is no draft to simulate", allowed=allowed))
    what = Draft(name, document) if wanted == _DRAFT else _version(versions, wanted)
    return Asked(
        what,
        _version(versions, against) if against else None,
        _month(form, "first"),
        _month(form, "last"),
        _month(form, "month") if text_field(form, "month") else None,
    )


def _version(versions: Sequence[ContractVersion], number: str) -> ContractVersion:
    for one in versions:
        if str(one.number) == number:
            return one
    known = ", ".join(str(one.number) for one in versions)
    raise BadInput.one(
        Problem("the contract has no such version", column="version", found=number, allowed=known)
    )


def _month(form: Mapping[str, Any], field: str) -> Period:
    text = text_field(form, field).strip()
    try:
        period = Period.parse(text)
    except BadInput:
        period = None
    if period is None or len(list(period.months())) != 1:
        allowed = "a month as 2025-03"
        raise BadInput.one(Problem("this is no month", column=field, found=text, allowed=allowed))
    return period


def _form(unit: Work, engagement: Engagement, form: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the list shows, with the form as it was sent or as it usually is."""
    versions = contract_versions(unit.session, unit.actor, engagement)
    agreed = agreed_contract(unit.session, engagement)
    usual = {"what": _DRAFT, "against": str(agreed.number), **_usual_span(unit, agreed)}
    sent = {name: text_field(form, name) for name in _FIELDS}
    names = _names(versions)
    rows = simulations(unit.session, unit.actor, engagement)
    return {
        "engagement": engagement,
        "versions": versions,
        "given": sent if form else dict.fromkeys(_FIELDS, "") | usual,
        "rows": [(row, _title(row, names)) for row in rows],
        "answer": None,
    }


def _usual_span(unit: Work, agreed: ContractVersion) -> dict[str, str]:
    """The last twelve months that are over, as far as the engagement ran."""
    frame = contract_of(agreed).engagement
    today: date = unit.actor.at.date()
    last = Period.month(today.year, today.month).previous()
    if frame.ends is not None and frame.ends < last.end:
        last = Period.month(frame.ends.year, frame.ends.month)
    start = max(Period.months_ending(last.end, _USUAL_MONTHS).start, frame.starts)
    first = Period.month(start.year, start.month)
    return {"first": first.label, "last": max(first, last).label}


def _names(versions: Sequence[ContractVersion]) -> dict[int, str]:
    return {one.id: version_name(one) for one in versions}


def _title(row: SimulationRecord, names: Mapping[int, str]) -> str:
    """ "Draft of 3 May.yaml against Version 1"."""
    what = row.draft_name or names.get(row.contract_version_id or 0, "")
    against = names.get(row.against_id or 0, "")
    return f"{what} against {against}" if against else what


def router(settings: Settings) -> Router:
    """The routes, with room for a draft."""
    return Router(
        "/",
        route_handlers=[list_simulations, ask, show_simulation, download_simulation, cancel],
        request_max_body_size=settings.contract_max_bytes + 64 * 1024,
    )
