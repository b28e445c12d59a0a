"""Every service of deliveries, used once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.mail.deliveries import OutboxPost
from app.mail.delivery_letters import parcel_of
from app.mail.outbox import claim_next, note_failed, note_sent
from app.security.accounts import erase_invited
from app.settings import Settings
from billing.deliveries.enclosing import addressed
from billing.deliveries.models import Delivery
from billing.deliveries.queries import Proposed
from billing.deliveries.recording import acknowledge, record_elsewhere
from billing.deliveries.service import deliver
from billing.deliveries.subjects import deliverable_invoice, subject_of
from billing.deliveries.values import Elsewhere, Handover, Means
from billing.invoices.models import FeeInvoice, InvoiceState
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from tests.factories import NOW, make_member


def use_deliveries(session: Session, settings: Settings, engagement: Engagement) -> None:
    """Of the engagement's first issued invoice: a mail given up, one sent, post, and receipt."""
    invoice = session.scalars(
        select(FeeInvoice)
        .where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.state) == InvoiceState.ISSUED,
        )
        .order_by(col(FeeInvoice.id))
        .limit(1)
    ).one()
    sender = make_member(session, engagement, Role.PROVIDER_FINANCE)
    client = make_member(session, engagement, Role.CLIENT_FINANCE)
    found = deliverable_invoice(session, sender, engagement, invoice)
    whom = Proposed(("client@example.org",), ())
    for after in (0, 1):
        parcel = parcel_of(found, whom, found.usual, after=after)
        made = deliver(session, sender, engagement, parcel, OutboxPost(settings))
        _hand_over(session, settings, made, gives_up=not after)
    done = Elsewhere(Means.POST, NOW.date(), "", "", 2)
    record_elsewhere(session, sender, engagement, subject_of(invoice), done)
    acknowledge(session, client, engagement, subject_of(invoice))
    erase_invited(session, Actor(None, "command line", NOW), "client@example.org")


def _hand_over(session: Session, settings: Settings, made: Delivery, *, gives_up: bool) -> None:
    """What the mailer does with its mail."""
    now = NOW
    while (mail := claim_next(session, settings.secret(), now)) is not None:
        now += timedelta(seconds=1)
        if mail.delivery_id != made.id:
            note_sent(session, mail.id, now)
        elif gives_up:
            note_failed(session, mail.id, "550 no such user", now, for_good=True)
        else:
            found = addressed(session, made, settings.mail_max_bytes).attachments
            digests = {one.document_id: one.sha256 for one in found}
            note_sent(session, mail.id, now, Handover(digests))
