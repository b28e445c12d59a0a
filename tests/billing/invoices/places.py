"""An engagement with a settled month, and the people who take its invoice through its life."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from billing.invoices.approving import (
    approve_invoice,
    check_invoice,
)
from billing.invoices.drafts import invoice_of
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.settlement.models import DocumentKind, SettlementDocument
from billing.settlement.queries import find_settlement
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from tests.factories import (
    JANUARY,
    agree,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    make_workshop,
    seal,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A settled January, and the provider's people."""

    engagement: Engagement
    manager: Actor
    """Who settled it."""
    first: Actor
    second: Actor
    workshop: Workshop


def make_place(session: Session, folder: Path, *, sealed: bool = True) -> Place:
    """January settled and sealed, unless it is to be an estimate."""
    manager, workshop = make_actor(session), make_workshop(folder)
    engagement = make_engagement(session, manager)
    make_evidence(session, manager, engagement, folder)
    settle_period(session, manager, engagement, JANUARY, workshop)
    if sealed:
        agree(session, engagement)
        seal(session, engagement, JANUARY, make_member(session, engagement, Role.CLIENT_COMMITTEE))
    first, second = (make_member(session, engagement, Role.PROVIDER_FINANCE) for _ in range(2))
    return Place(engagement, manager, first, second, workshop)


def draft_of(session: Session, place: Place) -> FeeInvoice:
    """The invoice of January as it stands."""
    return invoice_of(session, find_settlement(session, place.manager, place.engagement, JANUARY))


def approved(session: Session, place: Place) -> None:
    """One person checks it, another approves it."""
    check_invoice(session, place.first, place.engagement, JANUARY)
    approve_invoice(session, place.second, place.engagement, JANUARY)


def pending_pdfs(session: Session) -> list[int]:
    """The engagements of issued invoices whose PDF isn't made."""
    rows = session.scalars(
        select(col(FeeInvoice.engagement_id))
        .join(
            SettlementDocument,
            col(SettlementDocument.settlement_id) == col(FeeInvoice.settlement_id),
        )
        .where(
            col(FeeInvoice.state) == InvoiceState.ISSUED,
            col(SettlementDocument.kind) == DocumentKind.INVOICE_PDF,
            col(SettlementDocument.frozen).is_(False),
        )
    )
    return list(rows)
