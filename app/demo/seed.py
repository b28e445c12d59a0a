"""Puts the demo engagement into the database: people, contract, evidence, settled periods."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from app.database import session_scope
from app.demo.files import LAST_PERIOD, DemoFiles
from app.demo.people import (
    BILLING,
    CHAIR,
    COMMITTEE,
    MANAGER,
    Person,
    give_roles,
    make_people,
)
from app.evidence_store import store_of
from app.settings import Settings
from billing.invoices.approving import approve_invoice, check_invoice
from billing.invoices.service import issue_invoice
from billing.settlement.reviewing import seal_period, submission_seen, submit_period
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor
from governance.contract.reading import read_contract
from governance.engagements.acceptance import accept_contract
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract, get_engagement
from governance.parties.service import find_user, user_by_email
from governance.tenancy import EVERYTHING
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import signatures
from sla.reviews.judging import agree_items, contest_item, reply
from sla.reviews.queries import review_of

REFERENCE = "ENG-2025-001"
SETTLED_PERIODS = 6
"""How many months, the newest ones, the demo settles; the others wait for a click."""
DRAFTS = 3
"""How many of these stay drafts; the invoices of the older ones are issued."""
_CONTESTED = 2
"""Age in months of the period that the client is reviewing, with one figure contested."""
_SUBMITTED = 1
"""Age of the one that waits for the client to review it; the newest month is a draft."""


def is_seeded(engine: Engine) -> bool:
    """Whether the demo's people are in the database already."""
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return find_user(session, MANAGER.email) is not None


def seed(engine: Engine, settings: Settings, demo: DemoFiles, now: datetime) -> str:
    """Create people, contract and evidence in one transaction; returns the people's password.

    The password is drawn anew for each installation, so that no demo is open to whoever read
    the source.
    """
    password = secrets.token_urlsafe(12)
    data = demo.contract.read_bytes()
    terms = read_contract(data, demo.contract.name).engagement
    with session_scope(engine, sees=EVERYTHING) as session:
        users = make_people(session, Actor(None, "demo", now), terms, password)
        manager, chair = _actor(session, MANAGER, now), _actor(session, CHAIR, now)
        added = add_contract(session, manager, demo.contract.name, data, signatures())
        give_roles(session, manager, added.engagement, users)
        accept_contract(session, chair, added.engagement, added.version)
        upload = Upload(demo.evidence, demo.evidence.name)
        hand_in(session, manager, added.engagement, upload, store_of(settings))
    return password


def _actor(session: Session, person: Person, now: datetime) -> Actor:
    user = user_by_email(session, person.email)
    return Actor(user.id, user.name, now, "demo")


def settle_recent(
    engine: Engine, reference: str, workshop: Workshop, now: datetime
) -> Iterator[Period]:
    """Settle the newest months, each in a transaction of its own; yields each when it is done.

    The manager settles and submits, the committee reviews and seals, the manager checks the
    invoice, and the provider's finance approves and issues it, as far as the demo goes for the
    month.
    """
    periods = [LAST_PERIOD]
    while len(periods) < SETTLED_PERIODS:
        periods.append(periods[-1].previous())
    for age, period in reversed(list(enumerate(periods))):
        with session_scope(engine, sees=EVERYTHING) as session:
            manager = _actor(session, MANAGER, now)
            engagement = get_engagement(session, manager, reference)
            settle_period(session, manager, engagement, period, workshop)
            if age >= _SUBMITTED:
                submit_period(session, manager, engagement, period, _NOTE)
            if age == _CONTESTED:
                _contest(session, engagement, period, now)
            if age >= DRAFTS:
                committee, billing = _actor(session, COMMITTEE, now), _actor(session, BILLING, now)
                seal_period(session, committee, engagement, period, workshop.catalogue)
                check_invoice(session, manager, engagement, period)
                approve_invoice(session, billing, engagement, period)
                issue_invoice(session, billing, engagement, period, workshop)
        yield period


_NOTE = "All ledgers of the month are handed in; nothing is estimated."
_WHY = (
    "The collection team was short of people for five weeks, and hardly a reminder went out. We"
    " ask for the list of invoices that were paid late for other reasons before we agree."
)
_ANSWER = (
    "Every late invoice opens from this figure, with its due date and the day it was paid. We"
    " agree that the reminders came too late and don't ask for relief."
)


def _contest(session: Session, engagement: Engagement, period: Period, now: datetime) -> None:
    """The committee agrees to all but the first service level; the manager answers."""
    committee, manager = _actor(session, COMMITTEE, now), _actor(session, MANAGER, now)
    submission = submission_seen(session, committee, engagement, period)
    review = review_of(session, engagement, period)
    first, *others = [one.item.id for one in review.items] if review else []
    agree_items(session, committee, engagement, submission, others)
    contest_item(session, committee, engagement, submission, first, reason=_WHY)
    reply(session, manager, engagement, submission, first, text=_ANSWER)
