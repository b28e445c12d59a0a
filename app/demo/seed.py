"""Puts the demo engagement into the database: people, contract, evidence, settled periods."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine

from app.database import session_scope
from app.demo.calendar import BEGIN, Calendar, after
from app.demo.files import FIRST_PERIOD, LAST_PERIOD, DemoFiles
from app.demo.people import BILLING, CHAIR, COMMITTEE, MANAGER, give_roles, make_people
from app.demo.year import Scene, actor_of, happen
from app.evidence_store import store_of
from app.mail.deliveries import send_invoice
from app.mail.sending import send_due
from app.settings import Settings
from billing.invoices.approving import approve_invoice, check_invoice
from billing.invoices.service import invoices_of, issue_invoice
from billing.settlement.reviewing import seal_period, submission_seen, submit_period
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor
from governance.contract.reading import read_contract
from governance.engagements.acceptance import accept_contract
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract, get_engagement
from governance.parties.service import find_user
from governance.tenancy import EVERYTHING
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import signatures
from sla.reviews.judging import agree_items, contest_item, reply
from sla.reviews.queries import review_of

REFERENCE = "ENG-2025-001"
DRAFTS = 3
"""How many months, the newest ones, stay drafts; the invoices of the older ones are issued."""
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
    password, begin = secrets.token_urlsafe(12), Calendar(now).at(BEGIN)
    data = demo.contract.read_bytes()
    terms = read_contract(data, demo.contract.name).engagement
    with session_scope(engine, sees=EVERYTHING) as session:
        users = make_people(session, Actor(None, "demo", begin), terms, password)
        calendar = Calendar(now)
        manager, chair = (actor_of(session, one, calendar, BEGIN) for one in (MANAGER, CHAIR))
        added = add_contract(session, manager, demo.contract.name, data, signatures())
        give_roles(session, manager, added.engagement, users)
        accept_contract(session, chair, added.engagement, added.version)
        upload = Upload(demo.evidence, demo.evidence.name)
        hand_in(session, manager, added.engagement, upload, store_of(settings))
    return password


def live_through(
    engine: Engine, settings: Settings, workshop: Workshop, now: datetime
) -> Iterator[Period]:
    """Settle every month, each in a transaction of its own; yields each when it is done.

    The manager settles and submits, the committee reviews and seals, the manager checks the
    invoice, and the provider's finance approves and issues it, as far as the demo goes for the
    month. Then its invoices are paid, disputed or left unpaid, as the year has it. Month follows
    month from the first, so that each rests on those sealed before it, which need no computing.
    """
    months, calendar = list(Period(FIRST_PERIOD.start, LAST_PERIOD.end).months()), Calendar(now)
    for age, period in reversed(list(enumerate(reversed(months)))):
        with session_scope(engine, sees=EVERYTHING) as session:
            _settle(Scene(session, REFERENCE, calendar, workshop), period, age)
        if age >= DRAFTS:
            with session_scope(engine, sees=EVERYTHING) as session:
                _bill(Scene(session, REFERENCE, calendar, workshop), period)
            _send(engine, settings, calendar, period)
            with session_scope(engine, sees=EVERYTHING) as session:
                happen(Scene(session, REFERENCE, calendar, workshop), period)
        yield period


def _send(engine: Engine, settings: Settings, calendar: Calendar, period: Period) -> None:
    """Mail a month's invoice, into the folder of mails: its people don't exist."""
    day = after(period, 5)
    with session_scope(engine, sees=EVERYTHING) as session:
        billing = actor_of(session, BILLING, calendar, day, 11)
        engagement = get_engagement(session, billing, REFERENCE)
        (invoice,) = (
            one
            for one in invoices_of(session, billing, engagement)
            if one.period_start == period.start
        )
        send_invoice(session, settings, billing, engagement, invoice)
    nowhere = settings.model_copy(update={"smtp_host": ""})
    send_due(engine, nowhere, lambda: calendar.at(day, 12))


def _settle(scene: Scene, period: Period, age: int) -> None:
    """Compute a month; the client looks at all but the newest, and contests one figure of one."""
    session, engagement = scene.session, scene.engagement()
    settle_period(
        session, scene.actor(MANAGER, after(period, 3)), engagement, period, scene.workshop
    )
    if age >= _SUBMITTED:
        submit_period(session, scene.actor(MANAGER, after(period, 4)), engagement, period, _NOTE)
    if age == _CONTESTED:
        _contest(scene, engagement, period)


def _bill(scene: Scene, period: Period) -> None:
    """Seal a month's figures and issue its invoice."""
    session, engagement, day = scene.session, scene.engagement(), after(period, 5)
    catalogue = scene.workshop.catalogue
    seal_period(session, scene.actor(COMMITTEE, day, 8), engagement, period, catalogue)
    check_invoice(session, scene.actor(MANAGER, day), engagement, period)
    billing = scene.actor(BILLING, day, 10)
    approve_invoice(session, billing, engagement, period)
    issue_invoice(session, billing, engagement, period, scene.workshop)


_NOTE = "All ledgers of the month are handed in; nothing is estimated."
_WHY = (
    "The collection team was short of people for five weeks, and hardly a reminder went out. We"
    " ask for the list of invoices that were paid late for other reasons before we agree."
)
_ANSWER = (
    "Every late invoice opens from this figure, with its due date and the day it was paid. We"
    " agree that the reminders came too late and don't ask for relief."
)


def _contest(scene: Scene, engagement: Engagement, period: Period) -> None:
    """The committee agrees to all but the first service level; the manager answers."""
    session = scene.session
    committee = scene.actor(COMMITTEE, after(period, 8))
    manager = scene.actor(MANAGER, after(period, 9))
    submission = submission_seen(session, committee, engagement, period)
    review = review_of(session, engagement, period)
    first, *others = [one.item.id for one in review.items] if review else []
    agree_items(session, committee, engagement, submission, others)
    contest_item(session, committee, engagement, submission, first, reason=_WHY)
    reply(session, manager, engagement, submission, first, text=_ANSWER)
