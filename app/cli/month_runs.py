"""`plumbline packs` and `plumbline imports`: the other runs over all engagements."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from app.cli.common import json_option, reports_problems
from app.cli.installation import Installation, installation
from app.cli.runs import actor_of, provider_named, say_run, work_all, workshop_of
from app.database import actor_scope
from app.run_kinds import run_kinds
from app.zip_stream import zip_stream
from billing.runs.packs import PACKS, pack_data, packs_of
from billing.runs.preview import handled_of, month_of
from billing.runs.summary import run_view
from governance.access import Actor
from governance.audit.exports import record_export
from governance.errors import Conflict
from governance.runs.models import Run
from governance.runs.service import NewRun, start_run
from governance.values import Period
from sla.evidence.drop_runs import IMPORTS

_as = click.option("--as", "email", required=True, help="E-mail address of whose rights it has.")
_provider = click.option("--provider", help="Name of the provider, where there are several.")


@click.command()
@click.option("--period", "label", required=True, help="The month, as 2026-07.")
@_as
@_provider
@click.option("--out", type=click.Path(path_type=Path), help="Write the reports into this ZIP.")
@json_option
@reports_problems
def packs(label: str, email: str, provider: str | None, out: Path | None, *, as_json: bool) -> None:
    """Collect the settlement reports of a month, of all engagements that a person settles."""
    with installation() as opened:
        actor = actor_of(opened.engine, email)
        run_id = _run(opened, actor, PACKS, provider, month_of(label), as_json=as_json)
        if out is not None:
            _write(opened, actor, run_id, out)


@click.command()
@_as
@_provider
@json_option
@reports_problems
def imports(email: str, provider: str | None, *, as_json: bool) -> None:
    """Hand in what lies in the drop folder, for all engagements that a person hands in for."""
    today = datetime.now(UTC)
    with installation() as opened:
        actor = actor_of(opened.engine, email)
        month = Period.month(today.year, today.month)
        _run(opened, actor, IMPORTS, provider, month, as_json=as_json)


def _run(
    opened: Installation,
    actor: Actor,
    name: str,
    provider: str | None,
    month: Period,
    *,
    as_json: bool,
) -> int:
    """Start a run over all engagements, work on it and say what came of it; its id."""
    kind = run_kinds(workshop_of(opened.settings), opened.settings).get(name)
    if kind is None:
        raise Conflict("no drop folder is set up; PLUMBLINE_DROP_DIR names one")
    with actor_scope(opened.engine, actor) as session:
        provider_id = provider_named(session, actor, provider)
        mine = handled_of(session, actor, provider_id, kind.permission)
        run_id = start_run(session, actor, NewRun(kind, provider_id, month, mine)).id
    work_all(opened)
    with actor_scope(opened.engine, actor, read_only=True) as session:
        say_run(run_view(session, session.get_one(Run, run_id)), as_json=as_json)
    return run_id


def _write(opened: Installation, actor: Actor, run_id: int, out: Path) -> None:
    """Note each report as having left, then write them."""
    with actor_scope(opened.engine, actor) as session:
        found = packs_of(session, session.get_one(Run, run_id))
        for one in found:
            about = (one.engagement_id, one.name)
            record_export(session, actor, *about, sha256=one.sha256, size=one.size)
    with (
        actor_scope(opened.engine, actor, read_only=True) as session,
        out.open("wb") as file,
    ):
        for piece in zip_stream((one.name, partial(pack_data, session, one)) for one in found):
            file.write(piece)
