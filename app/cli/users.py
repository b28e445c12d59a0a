"""`plumbline user`: add people, list them, set their passwords."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app.cli.common import json_option, print_json, reports_problems
from app.database import make_engine, session_scope
from app.settings import load_settings
from governance.access import Actor
from governance.parties.models import Organisation, OrganisationKind, User
from governance.parties.service import (
    NewUser,
    create_user,
    deactivate,
    erase_user,
    find_or_create_organisation,
    list_users,
    set_password,
    user_by_email,
)

_password_option = click.password_option(help="Asked for where it isn't given.")


def _actor() -> Actor:
    """Who works at the server's own command line."""
    return Actor(None, "command line", datetime.now(UTC))


@click.group()
def user() -> None:
    """People who sign in."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True, help="Name as others see it.")
@click.option("--organisation", required=True, help="Name of the employer.")
@click.option("--country", required=True, help="Country of the employer, as DE.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in OrganisationKind]),
    default=OrganisationKind.PROVIDER.value,
    help="What the employer is, where it is new.",
)
@_password_option
@reports_problems
def add(
    *, email: str, name: str, organisation: str, country: str, kind: str, password: str
) -> None:
    """Add a user, and the employer where it is new."""
    actor = _actor()
    with session_scope(make_engine(load_settings())) as session:
        employer = find_or_create_organisation(
            session, OrganisationKind(kind), organisation, country.upper(), actor.at
        )
        added = create_user(session, actor, employer, NewUser(email, name, password))
    click.echo(f"{added.name} of {employer.name} can sign in as {added.email}.")


@user.command("list")
@json_option
@reports_problems
def list_(*, as_json: bool) -> None:
    """List all users with their employers."""
    with session_scope(make_engine(load_settings()), read_only=True) as session:
        users = list_users(session)
    if as_json:
        print_json([_as_json(one, employer) for one, employer in users])
        return
    for one, employer in users:
        state = "" if one.active else "  (closed)"
        click.echo(f"{one.email:<36} {one.name:<28} {employer.name}{state}")


def _as_json(one: User, employer: Organisation) -> dict[str, str | bool]:
    return {
        "email": one.email,
        "name": one.name,
        "organisation": employer.name,
        "kind": employer.kind.value,
        "active": one.active,
    }


@user.command("password")
@click.argument("email")
@_password_option
@reports_problems
def password_(email: str, password: str) -> None:
    """Set a user's password."""
    with session_scope(make_engine(load_settings())) as session:
        set_password(session, _actor(), user_by_email(session, email), password)
    click.echo(f"The password of {email} is set.")


@user.command("close")
@click.argument("email")
@reports_problems
def close(email: str) -> None:
    """Close an account; open sessions end with their next request."""
    with session_scope(make_engine(load_settings())) as session:
        deactivate(session, _actor(), user_by_email(session, email))
    click.echo(f"The account of {email} is closed.")


@user.command("erase")
@click.argument("email")
@click.confirmation_option(prompt="Name and address can't be brought back. Erase them?")
@reports_problems
def erase(email: str) -> None:
    """Close an account and erase name and address, in the audit log too."""
    with session_scope(make_engine(load_settings())) as session:
        erased = erase_user(session, _actor(), user_by_email(session, email))
    click.echo(f"The account is erased, with {erased} values of the audit log.")
