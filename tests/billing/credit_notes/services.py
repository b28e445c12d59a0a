"""Every service of credit notes and disputes, used once."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.calculation import ByLine
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.rendering import draw_credit_note, keep_drawn_note
from billing.credit_notes.service import discard_credit_note, draw_up
from billing.disputes.models import DisputeSubject
from billing.disputes.service import (
    NewDispute,
    accept_dispute,
    raise_dispute,
    uphold_dispute,
    withdraw_dispute,
)
from billing.invoices.models import FeeInvoice, InvoiceState
from governance.access import Role
from governance.engagements.models import Engagement
from tests.factories import TextRenderer, make_member


def use_credit_notes_and_disputes(session: Session, engagement: Engagement) -> None:
    """On the engagement's first issued invoice."""
    invoice = session.scalars(
        select(FeeInvoice)
        .where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.state) == InvoiceState.ISSUED,
        )
        .order_by(col(FeeInvoice.id))
        .limit(1)
    ).one()
    preparer = make_member(session, engagement, Role.PROVIDER_FINANCE)
    approver = make_member(session, engagement, Role.PROVIDER_FINANCE)
    client = make_member(session, engagement, Role.CLIENT_FINANCE)
    new = NewDispute(DisputeSubject.LINE, "it was less", Decimal("5.00"), 1)
    for _ in range(3):
        number = raise_dispute(session, client, engagement, invoice, new).number
        if number == 1:
            withdraw_dispute(session, client, engagement, number)
        elif number == 2:
            uphold_dispute(session, preparer, engagement, number, "it wasn't")
    note = accept_dispute(session, preparer, engagement, 3, reason="so it was")
    issue_credit_note(session, approver, engagement, note.draft_number)
    place = (session, approver, engagement)
    keep_drawn_note(*place, draw_credit_note(*place, note.draft_number, TextRenderer()))
    asked = ByLine({1: Decimal("1.00")})
    gone = draw_up(session, preparer, engagement, invoice, asked, "a slip")
    discard_credit_note(session, preparer, engagement, gone.draft_number)
