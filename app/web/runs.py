"""Runs over many engagements: what one would do, its start, its progress, and what it left."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from sqlalchemy.orm import Session

from app.database import actor_scope
from app.security.guards import RECENT, limited, requires_somewhere
from app.security.throttle import EXPORT, IMPORT, PREVIEW
from app.web.addresses import row_id
from app.web.downloads import streamed
from app.web.forms import TextForm, text_of, texts_of
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import Work, work
from app.zip_stream import zip_stream
from billing.runs.packs import PACKS, KeptPack, pack_data, packs_of
from billing.runs.preview import (
    USUAL_THRESHOLD,
    handled_of,
    month_of,
    preview_billing,
    providers_of,
    threshold_of,
)
from billing.runs.summary import TITLES, run_view
from billing.runs.values import Readiness
from governance.access import Actor, Permission
from governance.audit.exports import record_export
from governance.errors import BadInput, NotFound, Problem
from governance.parties.models import Organisation
from governance.runs.models import Run
from governance.runs.queries import get_run, visible_runs
from governance.runs.service import (
    NewRun,
    cancel_run,
    pause_run,
    resume_run,
    retry_items,
    start_run,
)
from governance.runs.values import RunStatus
from governance.values import Period
from sla.evidence.drop_runs import IMPORTS

RUNS: Final = "/runs"
_ONE: Final = f"{RUNS}/{{run_id:int}}"
_BILLS: Final = [requires_somewhere(Permission.RUN_BILLING)]
_ID: Final = re.compile(r"\d{1,18}", re.ASCII)
_SHOWN: Final = 100
_A_MINUTE: Final = 60
_OF_ALL: Final = frozenset({PACKS, IMPORTS})
"""Runs that nobody chooses engagements for."""
_STATUS: Final[Mapping[RunStatus, str]] = {
    RunStatus.QUEUED: "Waiting for a worker",
    RunStatus.RUNNING: "At work",
    RunStatus.PAUSED: "Paused",
    RunStatus.CANCELLED: "Cancelled",
    RunStatus.DONE: "Finished",
}
_READY: Final[Mapping[Readiness, str]] = {
    Readiness.ISSUE: "Approved; is issued",
    Readiness.APPROVE: "Checked; you approve it with this run, and it is issued",
}


@get(RUNS, guards=_BILLS, sync_to_thread=True)
def list_runs(request: Request[Any, Any, Any]) -> Response[str]:
    """The latest runs, and where to begin one."""
    with work(request) as unit:
        runs = unit.session.scalars(
            visible_runs(unit.actor, Permission.RUN_BILLING).limit(_SHOWN)
        ).all()
        month = _last_month(unit.actor)
    return render(request, "runs/list.html", runs=runs, titles=TITLES, status=_STATUS, month=month)


@get(f"{RUNS}/new", guards=[*_BILLS, limited(PREVIEW)], opt=RECENT, sync_to_thread=True)
def preview_run(
    request: Request[Any, Any, Any],
    month: FromQuery[str] = "",
    provider: FromQuery[str] = "",
    threshold: FromQuery[str] = USUAL_THRESHOLD,
) -> Response[str]:
    """What a billing run of a month would do with each engagement; nothing is changed."""
    percent = threshold_of(threshold)
    with work(request) as unit:
        period = month_of(month) if month else _last_month(unit.actor)
        providers = providers_of(unit.session, unit.actor)
        chosen = _chosen(providers, provider)
        preview = preview_billing(unit.session, unit.actor, chosen.id, period)
    return render(
        request,
        "runs/new.html",
        preview=preview,
        providers=providers,
        provider=chosen,
        threshold=percent,
        ready=_READY,
        takes_files=IMPORTS in request.app.state.runs,
    )


@post(RUNS, guards=[*_BILLS, limited(IMPORT)], opt=RECENT, sync_to_thread=True)
def start(request: Request[Any, Any, Any], data: TextForm) -> Response[Any]:
    """Queue a run over the engagements that were ticked, or over all of the provider's."""
    kind = request.app.state.runs.get(text_of(data, "kind"))
    if kind is None:
        raise _wrong("there is no such kind of run", "kind", ", ".join(request.app.state.runs))
    period, wanted = month_of(text_of(data, "month")), set(texts_of(data, "engagement"))
    with work(request) as unit:
        provider = _chosen(providers_of(unit.session, unit.actor), text_of(data, "provider"))
        mine = handled_of(unit.session, unit.actor, provider.id, kind.permission)
        every = kind.name in _OF_ALL
        chosen = tuple(one for one in mine if every or str(one.id) in wanted)
        if not chosen:
            raise _wrong("no engagement is chosen", "engagement", "at least one of the list")
        run = start_run(unit.session, unit.actor, NewRun(kind, provider.id, period, chosen))
    return see_other(request, f"{RUNS}/{run.id}")


@get(_ONE, guards=_BILLS, sync_to_thread=True)
def show_run(request: Request[Any, Any, Any], run_id: FromPath[int]) -> Response[str]:
    """How far it is, what was set aside and why, and what came out."""
    with work(request) as unit:
        view = run_view(unit.session, _run(unit, run_id))
    return page_or_part(
        request,
        "runs/run.html",
        "runs/_run.html",
        view=view,
        run=view.run,
        status=_STATUS,
        here=f"{RUNS}/{view.run.id}",
        left=_left,
    )


@get(f"{_ONE}/reports.zip", guards=[*_BILLS, limited(EXPORT)], sync_to_thread=True)
def download_reports(request: Request[Any, Any, Any], run_id: FromPath[int]) -> Stream:
    """The reports that a run has collected, as one archive; each is noted as having left."""
    with work(request, reading=False) as unit:
        run = _run(unit, run_id)
        packs = packs_of(unit.session, run)
        if run.kind != PACKS or not packs:
            raise NotFound("this run has collected no reports")
        for one in packs:
            record_export(
                unit.session,
                unit.actor,
                one.engagement_id,
                one.name,
                sha256=one.sha256,
                size=one.size,
            )
    engine, actor = request.app.state.engine, request.user.actor

    def read(pack: KeptPack) -> bytes:
        with actor_scope(engine, actor, read_only=True) as session:
            return pack_data(session, pack)

    archive = zip_stream((one.name, partial(read, one)) for one in packs)
    return streamed(archive, f"reports-{run.period.label}.zip", "application/zip")


def _left(seconds: int) -> str:
    """A time that is left in words: "3 min", "40 s"."""
    return f"{-(-seconds // 60)} min" if seconds > _A_MINUTE else f"{seconds} s"


def _run(unit: Work, run_id: int) -> Run:
    return get_run(unit.session, unit.actor, row_id(run_id), Permission.RUN_BILLING)


def _turn(
    request: Request[Any, Any, Any], run_id: int, turn: Callable[[Session, Actor, Run], Any]
) -> Response[Any]:
    with work(request) as unit:
        run = _run(unit, run_id)
        turn(unit.session, unit.actor, run)
    return see_other(request, f"{RUNS}/{run.id}")


@post(f"{_ONE}/pause", guards=_BILLS, sync_to_thread=True)
def pause(request: Request[Any, Any, Any], run_id: FromPath[int]) -> Response[Any]:
    """Let no further chunk begin."""
    return _turn(request, run_id, pause_run)


@post(f"{_ONE}/resume", guards=_BILLS, opt=RECENT, sync_to_thread=True)
def resume(request: Request[Any, Any, Any], run_id: FromPath[int]) -> Response[Any]:
    """Go on where it stands."""
    return _turn(request, run_id, resume_run)


@post(f"{_ONE}/cancel", guards=_BILLS, sync_to_thread=True)
def cancel(request: Request[Any, Any, Any], run_id: FromPath[int]) -> Response[Any]:
    """End it; what is done stays done."""
    return _turn(request, run_id, cancel_run)


@post(f"{_ONE}/retry", guards=_BILLS, opt=RECENT, sync_to_thread=True)
def retry(request: Request[Any, Any, Any], run_id: FromPath[int], data: TextForm) -> Response[Any]:
    """Try again what was set aside: the items that were ticked, or all of them."""
    ticked = {int(one) for one in texts_of(data, "item") if _ID.fullmatch(one)}

    def again(session: Session, actor: Actor, run: Run) -> None:
        retry_items(session, actor, run, ticked or None)

    return _turn(request, run_id, again)


def _last_month(actor: Actor) -> Period:
    return Period.month(actor.at.year, actor.at.month).previous()


def _chosen(providers: tuple[Organisation, ...], wanted: str) -> Organisation:
    """The provider of that id, by default the first one; NotFound for another's."""
    for one in providers:
        if not wanted or str(one.id) == wanted:
            return one
    raise NotFound("there is no such provider")


def _wrong(what: str, column: str, allowed: str) -> BadInput:
    return BadInput.one(Problem(what, column=column, allowed=allowed))


ROUTER = Router(
    "/",
    route_handlers=[
        list_runs,
        preview_run,
        start,
        show_run,
        download_reports,
        pause,
        resume,
        cancel,
        retry,
    ],
)
