"""`plumbline migrate`: bring the database to the newest schema."""

from __future__ import annotations

import click

from app import database
from app.cli.common import reports_problems
from app.cli.installation import address_of, is_current, open_database
from app.operation.privileges import grants
from app.settings import load_settings


@click.command()
@click.option(
    "--print-grants",
    "role",
    metavar="ROLE",
    help="Only print SQL that gives a PostgreSQL role what the application needs.",
)
@reports_problems
def migrate(role: str | None) -> None:
    """Create the database or bring it to the newest schema; harmless to repeat."""
    if role is not None:
        click.echo(grants(role), nl=False)
        return
    with open_database(load_settings()) as engine:
        where, current = address_of(engine), is_current(engine)
        if not current:
            database.migrate(engine)
    click.echo(f"{where} is {'' if current else 'now '}up to date.")
