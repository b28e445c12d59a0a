"""`plumbline user`: add people, list them, set their passwords."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

import click
from sqlmodel import Session

from app.cli.common import json_option, print_json, reports_problems
from app.cli.installation import changing, reading
from app.mail.letters import invitation_mail
from app.mail.outbox import queue_mail
from app.mail.sending import mail_folder
from app.security.accounts import (
    close_account,
    erase_account,
    erase_invited,
    password_rules,
    reopen_account,
)
from app.security.enrolment import remove_all_factors
from app.security.sessions import revoke_other_sessions
from governance.access import Actor
from governance.engagements.invitations import Guest, invite_user
from governance.parties.models import Organisation, OrganisationKind, User
from governance.parties.service import (
    NewUser,
    check_organisation,
    create_user,
    find_or_create_organisation,
    find_user,
    list_users,
    set_password,
    user_by_email,
)

P = ParamSpec("P")
R = TypeVar("R")
_password_option = click.password_option(help="Asked for where it isn't given.")


def _actor() -> Actor:
    """Who works at the server's own command line."""
    return Actor(None, "command line", datetime.now(UTC))


@click.group()
def user() -> None:
    """People who sign in."""


def _employer_options(command: Callable[P, R]) -> Callable[P, R]:
    """Options that say where a new person works."""
    kinds = click.Choice([kind.value for kind in OrganisationKind])
    for option in (
        click.option(
            "--kind",
            type=kinds,
            default=OrganisationKind.PROVIDER.value,
            help="What the employer is, where it is new.",
        ),
        click.option("--country", required=True, help="Country of the employer, as DE."),
        click.option("--organisation", required=True, help="Name of the employer."),
        click.option("--name", required=True, help="Name as others see it."),
    ):
        command = option(command)
    return command


def _employer(
    session: Session, kind: str, organisation: str, country: str, at: datetime
) -> Organisation:
    check_organisation(organisation, country.upper())
    return find_or_create_organisation(
        session, OrganisationKind(kind), organisation, country.upper(), at
    )


@user.command("add")
@click.argument("email")
@_employer_options
@_password_option
@reports_problems
def add(
    *, email: str, name: str, organisation: str, country: str, kind: str, password: str
) -> None:
    """Add a user, and the employer where it is new."""
    actor = _actor()
    with changing() as (session, settings):
        employer = _employer(session, kind, organisation, country, actor.at)
        new = NewUser(email, name, password)
        added = create_user(session, actor, employer, new, password_rules(settings))
    click.echo(f"{added.name} of {employer.name} can sign in as {added.email}.")


@user.command("invite")
@click.argument("email")
@_employer_options
@reports_problems
def invite(*, email: str, name: str, organisation: str, country: str, kind: str) -> None:
    """Invite a user by e-mail, who chooses the password; adds the employer where it is new."""
    actor = _actor()
    with changing() as (session, settings):
        until = actor.at + timedelta(days=settings.invitation_days)
        employer = _employer(session, kind, organisation, country, actor.at)
        sent = invite_user(session, actor, employer, Guest(email, name), expires_at=until)
        queue_mail(session, settings.secret(), invitation_mail(settings, sent), actor.at)
    click.echo(f"The invitation of {email} is queued; `plumbline serve` sends it.")
    if not settings.smtp_host:
        click.echo(f"No mail server is set: it will be a file in {mail_folder(settings)}.")


@user.command("list")
@json_option
@reports_problems
def list_(*, as_json: bool) -> None:
    """List all users with their employers."""
    with reading() as (session, _):
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
    """Set a user's password; all sessions end."""
    actor = _actor()
    with changing() as (session, settings):
        found = user_by_email(session, email)
        set_password(session, actor, found, password, password_rules(settings))
        revoke_other_sessions(session, actor, found)
    click.echo(f"The password of {email} is set.")


@user.command("close")
@click.argument("email")
@reports_problems
def close(email: str) -> None:
    """Close an account; its sessions end and its API tokens are worthless."""
    with changing() as (session, _):
        close_account(session, _actor(), user_by_email(session, email))
    click.echo(f"The account of {email} is closed.")


@user.command("reopen")
@click.argument("email")
@reports_problems
def reopen(email: str) -> None:
    """Open a closed account again."""
    with changing() as (session, _):
        reopen_account(session, _actor(), user_by_email(session, email))
    click.echo(f"The account of {email} is open again.")


@user.command("remove-second-factors")
@click.argument("email")
@reports_problems
def remove_second_factors(email: str) -> None:
    """Take the second factors from a user who has lost them; all sessions end."""
    with changing() as (session, settings):
        found = user_by_email(session, email)
        removed = remove_all_factors(session, settings, _actor(), found)
    click.echo(f"{removed} second factors of {email} are removed.")


@user.command("erase")
@click.argument("email")
@click.confirmation_option(prompt="Name and address can't be brought back. Erase them?")
@reports_problems
def erase(email: str) -> None:
    """Close an account and erase name and address, in invitations, deliveries and audit log too.

    Also the address of somebody without an account whom mails went to.
    """
    with changing() as (session, _):
        found = find_user(session, email)
        if found is None:
            erased = erase_invited(session, _actor(), email)
        else:
            erased = erase_account(session, _actor(), found)
    what = "account is" if found else "invitations and deliveries are"
    click.echo(f"The {what} erased, with {erased} values of the audit log.")
