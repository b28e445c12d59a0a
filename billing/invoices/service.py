"""Issue fee invoices and find them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.approval import decide_step
from billing.invoices.issuing import commit_issue, prepare_with_settlement
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.rendering import draw_pdf, keep_pdf, source_of
from billing.invoices.values import Act
from billing.settlement.acceptance import facts_of_invoice
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import documents_of, find_settlement
from billing.settlement.service import Workshop
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.values import Period


def issue_invoice(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> FeeInvoice:
    """Number a period's approved invoice and freeze it with all its documents, PDF included.

    It is issued from sealed figures only, under the version of the contract that was sealed with
    them; who settled the period doesn't issue its invoice. The settlement is computed again from
    the contract version and the evidence that it cites, and must give the stored figures.

    Raises NotFound where the period isn't settled; Forbidden for who settled it; Conflict where
    the figures aren't sealed, the invoice isn't approved or is issued already, a later month's
    invoice charges the period or the figures no longer come out the same.
    """
    # Taken first, so that of many at once those that come second are told before they compute.
    lock_engagement(session, engagement)
    row = require_issuable(session, actor, engagement, period)
    prepared, settlement = prepare_with_settlement(session, actor, engagement, period, workshop)
    invoice = commit_issue(session, actor, engagement, prepared)
    figures = documents_of(session, row)[DocumentKind.INVOICE]
    drawn = draw_pdf(source_of(row, figures, settlement), workshop.render)
    keep_pdf(session, actor, engagement, drawn)
    return invoice


def require_issuable(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> SettlementRecord:
    """The settlement of a period whose invoice the actor may issue now; nothing is computed.

    Raises NotFound where the period isn't settled; Forbidden and Conflict as issue_invoice.
    """
    require(session, actor, engagement, Permission.ISSUE_INVOICE)
    row = find_settlement(session, actor, engagement, period)
    facts = facts_of_invoice(session, engagement, row)
    decide_step(standing_of(session, actor, engagement), Act.ISSUE, facts).enforce()
    return row


def invoices_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[FeeInvoice, ...]:
    """An engagement's invoices without superseded drafts, newest period first."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(FeeInvoice)
        .where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.state) != InvoiceState.SUPERSEDED,
        )
        .order_by(col(FeeInvoice.period_start).desc())
    )
    return tuple(found)
