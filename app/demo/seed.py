"""Puts the demo engagement into the database: people, contract, evidence, settled periods."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from app.database import session_scope
from app.demo.files import LAST_PERIOD, DemoFiles
from app.settings import Settings
from billing.invoices.service import issue_invoice
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor, Role
from governance.contract.reading import read_contract
from governance.engagements.members import add_member
from governance.engagements.service import add_contract, get_engagement
from governance.errors import NotFound
from governance.parties.models import OrganisationKind, User
from governance.parties.service import (
    NewUser,
    create_user,
    find_or_create_organisation,
    user_by_email,
)
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import signatures

REFERENCE = "ENG-2025-001"
SETTLED_PERIODS = 6
"""How many months, the newest ones, the demo settles; the others wait for a click."""
DRAFTS = 3
"""How many of these stay drafts; the invoices of the older ones are issued."""


@dataclass(frozen=True, slots=True)
class Person:
    """A demo user."""

    email: str
    name: str
    side: OrganisationKind
    role: Role


PEOPLE = (
    Person(
        "manager@lotwerk.example",
        "Jana Petersen",
        OrganisationKind.PROVIDER,
        Role.PROVIDER_ACCOUNT_MANAGER,
    ),
    Person("chair@nordkamm.example", "Tom Albers", OrganisationKind.CLIENT, Role.COMMITTEE_CHAIR),
    Person("finance@nordkamm.example", "Mira Siems", OrganisationKind.CLIENT, Role.CLIENT_FINANCE),
    Person("auditor@pruefhaus.example", "Dr. Ida Kern", OrganisationKind.CLIENT, Role.AUDITOR),
)


def is_seeded(engine: Engine) -> bool:
    """Whether the demo's people are in the database already."""
    with session_scope(engine, read_only=True) as session:
        try:
            user_by_email(session, PEOPLE[0].email)
        except NotFound:
            return False
        return True


def seed(engine: Engine, settings: Settings, demo: DemoFiles, now: datetime) -> str:
    """Create people, contract and evidence in one transaction; returns the people's password.

    The password is drawn anew for each installation, so that no demo is open to whoever read
    the source.
    """
    password = secrets.token_urlsafe(9)
    data = demo.contract.read_bytes()
    with session_scope(engine) as session:
        users = _people(session, data, password, now)
        actor = _actor(users[0], now)
        added = add_contract(session, actor, demo.contract.name, data, signatures())
        for person, user in zip(PEOPLE[1:], users[1:], strict=True):
            add_member(session, actor, added.engagement, user, person.role)
        upload = Upload(demo.evidence, demo.evidence.name)
        hand_in(session, actor, added.engagement, upload, settings.evidence_dir)
    return password


def _people(session: Session, contract: bytes, password: str, now: datetime) -> list[User]:
    engagement = read_contract(contract, "contract.yaml").engagement
    sides = {
        OrganisationKind.CLIENT: engagement.client,
        OrganisationKind.PROVIDER: engagement.provider,
    }
    demo = Actor(None, "demo", now)
    users = []
    for person in PEOPLE:
        party = sides[person.side]
        organisation = find_or_create_organisation(
            session, person.side, party.name, party.country, now
        )
        new = NewUser(person.email, person.name, password)
        users.append(create_user(session, demo, organisation, new))
    return users


def _actor(user: User, now: datetime) -> Actor:
    return Actor(user.id, user.name, now, "demo")


def settle_recent(
    engine: Engine, reference: str, workshop: Workshop, now: datetime
) -> Iterator[Period]:
    """Settle the newest months, each in a transaction of its own; yields each when it is done."""
    periods = [LAST_PERIOD]
    while len(periods) < SETTLED_PERIODS:
        periods.append(periods[-1].previous())
    for period in reversed(periods):
        with session_scope(engine) as session:
            actor = _actor(user_by_email(session, PEOPLE[0].email), now)
            engagement = get_engagement(session, actor, reference)
            settle_period(session, actor, engagement, period, workshop)
            if period not in periods[:DRAFTS]:
                issue_invoice(session, actor, engagement, period, workshop)
        yield period
