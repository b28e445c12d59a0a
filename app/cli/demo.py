"""`plumbline demo`: make the demo engagement, run the main job on it and fill the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from app.audit_log import key_folder, sequence
from app.cli.common import reports_problems
from app.cli.installation import Installation, installation
from app.cli.run import report
from app.demo.files import CREDIT_PERIOD, DemoFiles, write_demo_files
from app.demo.people import PEOPLE
from app.demo.seed import is_seeded, live_through, seed
from app.documents.renderer import PdfRenderer
from app.evidence_store import store_of
from app.main_job import run_from_files, write_run
from app.settings import Settings, load_settings
from billing.settlement.service import Workshop
from governance.errors import Conflict
from sla.kpis.catalogue import load_catalogue


@click.command()
@reports_problems
def demo() -> None:
    """Make the demo engagement, run the main job on it and fill the database."""
    _refuse_production(load_settings())
    with installation() as opened:
        folder = opened.settings.data_dir / "demo"
        sign_in = folder / "sign-in.txt"
        if is_seeded(opened.engine):
            click.echo(f"The demo engagement is there already, its files are in {folder}.")
        else:
            _make(opened, folder, sign_in)
    if sign_in.exists():
        click.echo(sign_in.read_text(encoding="utf-8"))


def _refuse_production(settings: Settings) -> None:
    if settings.production:
        raise Conflict(
            "the demo makes people with one shared password, one of them an operator, so it never"
            " runs in production; use an installation of its own on this machine"
        )


def _make(opened: Installation, folder: Path, sign_in: Path) -> None:
    click.echo("Generating the demo engagement …")
    files = write_demo_files(folder)
    _main_job(files, folder / "run")
    click.echo("Filling the database …")
    (engine, settings), now = opened, datetime.now(UTC)
    password = seed(engine, settings, files, now)
    _keep_sign_in(sign_in, password)
    # Invoices state the log's size and root only once there is a checkpoint.
    sequence(engine, key_folder(settings))
    catalogue = load_catalogue(settings.kpi_dir)
    workshop = Workshop(store_of(settings), catalogue, PdfRenderer(catalogue))
    for period in live_through(engine, settings, workshop, now):
        click.echo(f"  settled {period.label}")


def _main_job(files: DemoFiles, out: Path) -> None:
    """Run the main job from the files alone, as an auditor would."""
    result = run_from_files(files.contract, files.evidence, CREDIT_PERIOD)
    click.echo("\n".join(report(result, write_run(result, out))))


def _keep_sign_in(path: Path, password: str) -> None:
    lines = ["Sign in with one of these, password " + password]
    lines += [f"  {person.email:<28} {person.role.value.replace('_', ' ')}" for person in PEOPLE]
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
