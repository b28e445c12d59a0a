"""`plumbline claims`: service credits that the client has to claim."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app.cli.common import reports_problems
from app.cli.installation import installation
from app.mail.claims import remind_and_lapse


@click.group()
def claims() -> None:
    """Service credits that lapse unless the client claims them."""


@claims.command()
@reports_problems
def remind() -> None:
    """Remind of credits to be claimed and record those that lapsed, as `plumbline serve` does.

    Mails go to the outbox, each once; `plumbline mail send` or the server sends them.
    """
    with installation() as (engine, settings):
        report = remind_and_lapse(engine, settings, datetime.now(UTC))
    click.echo(f"{report.reminded} reminders queued, {report.lapsed} credits lapsed.")
