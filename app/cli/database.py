"""`plumbline migrate`: bring the database to the newest schema."""

from __future__ import annotations

import click

from app import database
from app.cli.common import reports_problems
from app.settings import load_settings


@click.command()
@reports_problems
def migrate() -> None:
    """Create the database or bring it to the newest schema; harmless to repeat."""
    engine = database.make_engine(load_settings())
    where = engine.url.render_as_string(hide_password=True)
    if database.schema_is_current(engine):
        click.echo(f"{where} is up to date.")
        return
    database.migrate(engine)
    click.echo(f"{where} is now up to date.")
