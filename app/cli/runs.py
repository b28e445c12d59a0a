"""`plumbline bill` and `plumbline worker`: runs from the command line."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from decimal import Decimal
from threading import Event
from typing import Any

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.cli.common import json_option, print_json, reports_problems
from app.cli.installation import Installation, installation
from app.database import actor_scope, session_scope
from app.documents.formatting import money, percent
from app.documents.renderer import PdfRenderer
from app.evidence_store import engine_of, store_of
from app.operation.logging import logs
from app.run_kinds import run_kinds, run_pool
from app.running import Worker, run_worker
from app.settings import Settings
from billing.runs.preview import (
    BILLING,
    USUAL_THRESHOLD,
    month_of,
    preview_billing,
    providers_of,
    threshold_of,
)
from billing.runs.summary import RunView, run_view
from billing.runs.values import Preview, PreviewLine
from billing.settlement.service import Workshop
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.errors import BadInput, Conflict, Problem
from governance.parties.service import user_by_email
from governance.runs.models import Run
from governance.runs.service import NewRun, start_run
from governance.values import Period, money_text
from sla.kpis.catalogue import load_catalogue


@click.command()
@click.option("--period", "label", required=True, help="The month, as 2026-07.")
@click.option("--as", "email", required=True, help="E-mail address of who bills, and whose rights.")
@click.option("--provider", help="Name of the provider, where the person bills for several.")
@click.option("--preview", "only_preview", is_flag=True, help="Only say what would be issued.")
@click.option(
    "--threshold",
    default=USUAL_THRESHOLD,
    show_default=True,
    help="Differences that stand out, in %.",
)
@json_option
@reports_problems
def bill(
    label: str,
    email: str,
    provider: str | None,
    *,
    only_preview: bool,
    threshold: str,
    as_json: bool,
) -> None:
    """Issue the invoices of a month for all engagements that a person may bill.

    What is checked and the person may approve is approved. Broken off, it goes on with the next
    worker: `plumbline serve`, `plumbline worker` or this command again.
    """
    month, percentage = month_of(label), threshold_of(threshold)
    with installation() as opened:
        actor = actor_of(opened.engine, email)
        found = _preview(opened.engine, actor, provider, month)
        if only_preview:
            _say_preview(found[1], percentage, as_json=as_json)
            return
        run_id = _start(opened, actor, *found)
        work_all(opened)
        with actor_scope(opened.engine, actor, read_only=True) as session:
            view = run_view(session, session.get_one(Run, run_id))
    say_run(view, as_json=as_json)


@click.command()
@reports_problems
def worker() -> None:
    """Work on runs until it is stopped, beside `plumbline serve` or on another machine.

    It needs the same database and the same evidence. Ended in the middle of a chunk it loses
    nothing: another worker goes on when its lease is over.
    """
    with installation() as opened, logs(opened.settings):
        stop = Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: stop.set())
        made = _worker(opened, stop)
        click.echo(f"Working on runs as {made.name}.", err=True)
        run_worker(made)
        made.pool.close()


def actor_of(engine: Engine, email: str) -> Actor:
    """Who acts, by the e-mail address; raises NotFound for nobody's."""
    with session_scope(engine, read_only=True) as session:
        user = user_by_email(session, email)
        return Actor(user.id, user.name, datetime.now(UTC), "command line")


def _preview(
    engine: Engine, actor: Actor, provider: str | None, month: Period
) -> tuple[int, Preview]:
    """The provider's id and what would be issued; BadInput where the provider isn't clear."""
    with actor_scope(engine, actor, read_only=True) as session:
        chosen = provider_named(session, actor, provider)
        return chosen, preview_billing(session, actor, chosen, month)


def provider_named(session: Session, actor: Actor, name: str | None) -> int:
    """The id of the provider of that name, or of the only one; BadInput where that isn't clear."""
    offered = providers_of(session, actor)
    chosen = [one for one in offered if name in {None, one.name}]
    if len(chosen) != 1:
        names = ", ".join(one.name for one in offered) or "this person bills for nobody"
        raise BadInput.one(Problem("which provider?", column="--provider", allowed=names))
    return chosen[0].id


def _start(opened: Installation, actor: Actor, provider_id: int, preview: Preview) -> int:
    ids = [one.engagement_id for one in preview.billable]
    if not ids:
        raise Conflict(f"no invoice of {preview.month.label} is ready to be issued")
    kind = run_kinds(workshop_of(opened.settings), opened.settings)[BILLING]
    with actor_scope(opened.engine, actor) as session:
        chosen = [session.get_one(Engagement, one) for one in ids]
        new = NewRun(kind, provider_id, preview.month, chosen)
        return start_run(session, actor, new).id


def work_all(opened: Installation) -> None:
    """Work on what waits until nothing does."""
    made = _worker(opened, Event())
    try:
        while made.work_waiting():
            pass
    finally:
        made.pool.close()


def _worker(opened: Installation, stop: Event) -> Worker:
    engine, settings = opened
    return Worker(engine, run_kinds(workshop_of(settings), settings), run_pool(settings), stop=stop)


def workshop_of(settings: Settings) -> Workshop:
    """What settlements need, as the settings say."""
    catalogue = load_catalogue(settings.kpi_dir)
    return Workshop(store_of(settings), catalogue, PdfRenderer(catalogue), engine_of(settings))


def _say_preview(preview: Preview, threshold: Decimal, *, as_json: bool) -> None:
    if as_json:
        print_json([_as_json(one, threshold) for one in preview.lines])
        return
    for one in preview.billable:
        marked = "  !" if one.stands_out(threshold) else ""
        change = one.change_percent
        differs = "" if change is None else f"  {percent(change, 1)}"
        click.echo(f"{one.reference:<24} {_payable(one):>20}{differs}{marked}")
    for one in preview.blocked:
        click.echo(f"{one.reference:<24} can't be billed: {one.why}")
    totals = ", ".join(money(one.amount, one.currency) for one in preview.totals)
    click.echo(f"Invoices that would be issued: {len(preview.billable)}. {totals}".strip())


def _payable(line: PreviewLine) -> str:
    return money(line.payable.amount, line.payable.currency) if line.payable else ""


def _as_json(line: PreviewLine, threshold: Decimal) -> dict[str, Any]:
    payable = line.payable
    return {
        "engagement": line.reference,
        "readiness": line.readiness.value,
        "why": line.why,
        "payable": money_text(payable.amount, payable.currency) if payable else None,
        "currency": payable.currency if payable else None,
        "stands_out": line.stands_out(threshold),
    }


def say_run(view: RunView, *, as_json: bool) -> None:
    """What has come of a run."""
    run = view.run
    if as_json:
        aside = [
            {"engagement": one.engagement.reference, "why": one.item.text} for one in view.aside
        ]
        print_json({"run": run.id, "status": run.status.value, "set_aside": aside})
        return
    for step in view.steps:
        click.echo(f"{step.title}: {step.done} of {step.total}")
    for one in view.aside:
        click.echo(f"set aside: {one.engagement.reference}: {one.item.text}")
    totals = ", ".join(money(one.amount, one.currency) for one in view.totals)
    issued = f": {totals or 'nothing'} issued" if run.kind == BILLING else ""
    click.echo(f"Run {run.id} is {run.status.value}{issued}.")
