"""An invoice credited in full, and every service of corrected invoices used on it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.corrections.issuing import issue_corrected
from billing.corrections.service import (
    discard_correction,
    draw_up_corrected,
    take_correction_step,
)
from billing.corrections.values import CorrectedHeader
from billing.credit_notes.calculation import Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.service import draw_up
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.values import Act
from governance.access import Actor, Role
from governance.contract.engagement import Party
from governance.engagements.models import Engagement
from tests.factories import make_member

BUYER = Party(
    name="Nordlicht Handel GmbH",
    country="DE",
    street="Hafenstr. 9",
    city="Hamburg",
    postcode="20457",
    vat_id="DE129273398",
)
HEADER = CorrectedHeader(BUYER, "PO-4711", "04011000-12345-34")
REASON = "the order number was missing"


@dataclass(frozen=True, slots=True)
class People:
    """Two of the provider's finance."""

    first: Actor
    second: Actor


def make_people(session: Session, engagement: Engagement) -> People:
    first, second = (make_member(session, engagement, Role.PROVIDER_FINANCE) for _ in range(2))
    return People(first, second)


def credit_in_full(
    session: Session, people: People, engagement: Engagement, invoice: FeeInvoice
) -> None:
    note = draw_up(session, people.first, engagement, invoice, Everything(), "wrong order number")
    issue_credit_note(session, people.second, engagement, note.draft_number)


def drawn_up(
    session: Session, people: People, engagement: Engagement, invoice: FeeInvoice
) -> FeeInvoice:
    return draw_up_corrected(session, people.first, engagement, invoice, HEADER, REASON)


def issue(
    session: Session, people: People, engagement: Engagement, invoice: FeeInvoice
) -> FeeInvoice:
    """Checked by who drew it up, approved and issued by the other."""
    take_correction_step(session, people.first, engagement, invoice.id, Act.CHECK)
    take_correction_step(session, people.second, engagement, invoice.id, Act.APPROVE)
    return issue_corrected(session, people.second, engagement, invoice.id)


def use_corrections(session: Session, engagement: Engagement) -> None:
    """On the engagement's first issued invoice: a draft is discarded, and another one issued."""
    invoice = session.scalars(
        select(FeeInvoice)
        .where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.state) == InvoiceState.ISSUED,
        )
        .order_by(col(FeeInvoice.id))
        .limit(1)
    ).one()
    people = make_people(session, engagement)
    credit_in_full(session, people, engagement, invoice)
    gone = drawn_up(session, people, engagement, invoice)
    discard_correction(session, people.first, engagement, gone.id)
    issue(session, people, engagement, drawn_up(session, people, engagement, invoice))
