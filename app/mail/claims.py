"""Reminds the client of credits to be claimed, and records those that have lapsed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.database import session_scope
from app.mail.letters import claim_mail
from app.mail.models import OutboxMail
from app.mail.outbox import queue_mail
from app.settings import Settings
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from sla.claims.queries import claimants
from sla.claims.service import claim_views, lapse_credits
from sla.claims.values import reminder_due


@dataclass(slots=True)
class Report:
    """What was done."""

    reminded: int = 0
    """Mails that were queued."""
    lapsed: int = 0
    """Credits that were recorded as lapsed."""


def remind_and_lapse(engine: Engine, settings: Settings, at: datetime) -> Report:
    """Do both for every engagement, each in a transaction of its own.

    It may run as often as one likes and in several processes: each mail is queued once, and each
    credit lapses once.
    """
    actor, report = Actor(None, "claims", at), Report()
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        keys = session.scalars(select(col(Engagement.id)).order_by(col(Engagement.id))).all()
        asking = [key for key in keys if claim_views(session, session.get_one(Engagement, key), at)]
    for key in asking:
        with session_scope(engine, sees=frozenset({key})) as session:
            engagement = session.get_one(Engagement, key)
            report.lapsed += len(lapse_credits(session, actor, engagement))
            report.reminded += _remind(session, settings, engagement, at)
    return report


def _remind(session: Session, settings: Settings, engagement: Engagement, at: datetime) -> int:
    before = _queued(session)
    for view in claim_views(session, engagement, at):
        days = reminder_due(view.window, view.today, settings.claim_reminder_days)
        if days is None or not view.may_be_claimed:
            continue
        for user in claimants(session, engagement, view.today):
            mail = claim_mail(
                settings, user, engagement, view.window, before=days, left=view.days_left
            )
            queue_mail(session, settings.secret(), mail, at)
    return _queued(session) - before


def _queued(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(OutboxMail)).one()
