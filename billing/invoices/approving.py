"""Check and approve draft invoices, and take either back."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.approval import InvoiceFacts, decide_step
from billing.invoices.models import FeeInvoice
from billing.invoices.steps import take_step
from billing.invoices.values import Act
from billing.settlement.acceptance import facts_of_invoice
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import find_settlement
from billing.settlement.staleness import out_of_date
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, standing_of
from governance.errors import BadInput, Problem
from governance.values import Period, money_text

_ACTIONS = {
    Act.CHECK: Action.INVOICE_CHECKED,
    Act.TAKE_BACK_CHECK: Action.INVOICE_CHECK_TAKEN_BACK,
    Act.APPROVE: Action.INVOICE_APPROVED,
    Act.TAKE_BACK_APPROVAL: Action.INVOICE_APPROVAL_TAKEN_BACK,
}
_LONGEST_REASON = 2000


def check_invoice(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> FeeInvoice:
    """Say that a period's draft was looked over; also of an estimate.

    Raises NotFound where the period isn't settled, Forbidden without the permission, Conflict
    where it is checked already or the draft is out of date.
    """
    return _take(session, actor, engagement, period, Act.CHECK)


def take_back_check(
    session: Session, actor: Actor, engagement: Engagement, period: Period, reason: str
) -> FeeInvoice:
    """Make a checked invoice a draft again; BadInput without a reason, else as check_invoice."""
    return _take(
        session, actor, engagement, period, Act.TAKE_BACK_CHECK, reason=stated_reason(reason)
    )


def approve_invoice(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> FeeInvoice:
    """Approve a checked invoice of sealed figures, as another person than who settled or checked.

    Raises NotFound where the period isn't settled; Forbidden without the permission, for who
    settled or checked it, and above the limit that the contract sets for the actor's roles;
    Conflict where the figures aren't sealed or the invoice isn't checked, or is approved already.
    """
    return _take(session, actor, engagement, period, Act.APPROVE)


def take_back_approval(
    session: Session, actor: Actor, engagement: Engagement, period: Period, reason: str
) -> FeeInvoice:
    """Take an approval back before the invoice is issued; it stays checked. Raises as above."""
    return _take(
        session, actor, engagement, period, Act.TAKE_BACK_APPROVAL, reason=stated_reason(reason)
    )


def _take(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    act: Act,
    *,
    reason: str = "",
) -> FeeInvoice:
    lock_engagement(session, engagement)
    row = find_settlement(session, actor, engagement, period)
    invoice = locked_invoice(session, row)
    facts = facts_of_invoice(session, engagement, row, invoice)
    if act is Act.CHECK and not facts.outdated:
        facts = replace(facts, outdated=out_of_date(session, engagement, row))
    return step_on(session, actor, engagement, invoice, facts, act, reason)


def step_on(  # noqa: PLR0917 (what a step is decided on)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice: FeeInvoice,
    facts: InvoiceFacts,
    act: Act,
    reason: str = "",
) -> FeeInvoice:
    """Take a step on a locked invoice, where its facts and the person's roles allow it."""
    decide_step(standing_of(session, actor, engagement), act, facts).enforce()
    before = invoice.state
    take_step(session, actor, invoice, act, reason)
    payable = {"payable": money_text(facts.payable, facts.currency)}
    label = Period(invoice.period_start, invoice.period_end).label
    record(
        session,
        actor,
        Change(
            _ACTIONS[act],
            "fee_invoice",
            invoice.id,
            f"{engagement.reference} {label}",
            engagement.id,
            {"state": before.value},
            {"state": invoice.state.value} | payable,
            reason,
        ),
    )
    return invoice


def locked_invoice(session: Session, row: SettlementRecord) -> FeeInvoice:
    """The invoice of a settlement as it stands now; nobody else changes it until the commit."""
    return session.execute(
        select(FeeInvoice)
        .where(col(FeeInvoice.settlement_id) == row.id, col(FeeInvoice.corrects_id).is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()


def stated_reason(reason: str) -> str:
    """Why a step is taken back; BadInput without any, or for one that is too long."""
    stated = reason.strip()
    if not 1 <= len(stated) <= _LONGEST_REASON:
        raise BadInput.one(
            Problem(
                "say why it is taken back",
                column="reason",
                allowed=f"a reason of at most {_LONGEST_REASON} characters",
            )
        )
    return stated
