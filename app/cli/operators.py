"""`plumbline operator`: say who runs the installation."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.installation import changing, reading
from governance.access import Actor
from governance.parties.operators import appoint_operator, dismiss_operator, operators
from governance.parties.service import user_by_email


def _actor() -> Actor:
    """Who works at the server's own command line."""
    return Actor(None, "command line", datetime.now(UTC))


@click.group()
def operator() -> None:
    """Who runs the installation; they manage accounts and see no engagement's figures."""


@operator.command("appoint")
@click.argument("email")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day, as 2027-01-31.")
@reports_problems
def appoint(email: str, until: datetime | None) -> None:
    """Let a person who has an account run the installation."""
    with changing() as (session, _):
        user = user_by_email(session, email)
        ends_on = until.date() if until else None
        appoint_operator(session, _actor(), user, ends_on=ends_on)
    click.echo(f"{user.name} runs the installation from now on.")


@operator.command("dismiss")
@click.argument("email")
@reports_problems
def dismiss(email: str) -> None:
    """End a person's term; the last operator stays."""
    with changing() as (session, _):
        user = user_by_email(session, email)
        dismiss_operator(session, _actor(), user)
    click.echo(f"{user.name} doesn't run the installation any more.")


@operator.command("list")
@json_option
@reports_problems
def list_(*, as_json: bool) -> None:
    """List who runs the installation today."""
    with reading() as (session, _):
        found = operators(session, datetime.now(UTC).date())
    rows = [
        {"email": user.email, "name": user.name, "until": str(term.ends_on or "")}
        for user, term in found
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['email']:<36} {row['name']:<28} {row['until']}".rstrip())
