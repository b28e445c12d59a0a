"""`plumbline mail`: the outbox."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.installation import installation, reading
from app.mail.models import OutboxMail
from app.mail.outbox import list_mails
from app.mail.sending import mail_folder, send_due


@click.group()
def mail() -> None:
    """Mails that wait, were sent, or were given up."""


@mail.command()
@reports_problems
def send() -> None:
    """Send what is due once, as `plumbline serve` does every few seconds."""
    with installation() as (engine, settings):
        report = send_due(engine, settings, lambda: datetime.now(UTC))
    click.echo(f"{report.sent} sent, {report.put_off} put off, {report.given_up} given up.")
    if not settings.smtp_host:
        click.echo(f"No mail server is set: mails are files in {mail_folder(settings)}.")


@mail.command("list")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@reports_problems
def list_(*, limit: int, as_json: bool) -> None:
    """List the latest mails; addresses of those that were sent are deleted."""
    with reading() as (session, _):
        mails = list_mails(session, limit)
    if as_json:
        print_json([_as_json(one) for one in mails])
        return
    for one in mails:
        error = f"  {one.last_error}" if one.last_error else ""
        recipient = one.recipient or "–"
        click.echo(f"{one.id:>6}  {_state(one):<8} {recipient:<36} {one.subject}{error}")


def _state(one: OutboxMail) -> str:
    if one.sent_at:
        return "sent"
    return "given up" if one.failed_at else "waiting"


def _as_json(one: OutboxMail) -> dict[str, str | int]:
    return {
        "id": one.id,
        "state": _state(one),
        "recipient": one.recipient,
        "subject": one.subject,
        "queued": one.created_at.isoformat(),
        "attempts": one.attempts,
        "last_error": one.last_error,
    }
