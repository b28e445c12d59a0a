"""Draw up corrected invoices, have other people check and approve them, or discard them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.corrections.models import CorrectedInvoice
from billing.corrections.queries import (
    Correction,
    correction_of,
    facts_of_correction,
    get_correction,
    why_not_corrected,
)
from billing.corrections.values import CorrectedHeader, header_text
from billing.credit_notes.queries import issued
from billing.credit_notes.service import checked_reason
from billing.invoices.approving import stated_reason, step_on
from billing.invoices.drafts import lines_of
from billing.invoices.models import FeeInvoice, FeeInvoiceLine, InvoiceState
from billing.invoices.steps import take_step
from billing.invoices.values import Act
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.contract.parties import doubt_of_vat_number
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import BadInput, Conflict, Problem
from governance.values import Period, money_text

_KEPT = (
    "engagement_id",
    "provider_id",
    "settlement_id",
    "period_start",
    "period_end",
    "currency",
    "subtotal_minor",
    "service_credit_minor",
    "tax_minor",
    "withholding_minor",
    "total_minor",
    "payable_minor",
)
"""What a corrected invoice has in common with the one that it replaces."""


def draw_up_corrected(  # noqa: PLR0917 (what it is drawn up from)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    credited: FeeInvoice,
    header: CorrectedHeader,
    reason: str,
) -> FeeInvoice:
    """A draft with the figures of an invoice that was credited in full, and with another header.

    Raises Forbidden without the permission; Conflict where the invoice isn't issued, isn't credited
    in full, or has a corrected invoice already; BadInput without a reason, and for a VAT number
    that can't be one.
    """
    require(session, actor, engagement, Permission.PREPARE_CREDIT_NOTE)
    lock_engagement(session, engagement)
    reason = checked_reason(reason)
    found = issued(session, credited)
    if why := why_not_corrected(session, found):
        raise Conflict(why)
    if (other := correction_of(session, credited)) is not None:
        raise Conflict(f"a corrected invoice is {other.state.value} already: {_name(other)}")
    _check_client(header)
    invoice = FeeInvoice(
        **{name: getattr(credited, name) for name in _KEPT},
        state=InvoiceState.DRAFT,
        purchase_order=header.purchase_order,
        corrects_id=credited.id,
        created_at=actor.at,
    )
    session.add(invoice)
    session.flush()
    session.add(
        CorrectedInvoice(
            invoice_id=invoice.id,
            reason=reason,
            header_json=header_text(header),
            prepared_at=actor.at,
            prepared_by_id=actor.signed_in_id,
        )
    )
    session.add_all([_copied(invoice, line) for line in lines_of(session, credited)])
    session.flush()
    after = {"corrects": credited.number or "", **_payable(invoice)}
    _record(session, actor, invoice, Action.CORRECTED_INVOICE_DRAWN_UP, after, reason)
    return invoice


def _check_client(header: CorrectedHeader) -> None:
    client = header.client
    doubt = doubt_of_vat_number(client.vat_id, client.country) if client.vat_id else None
    if doubt is not None:
        raise BadInput.one(
            Problem(
                f"this is no VAT number: its {doubt.value} can't be right",
                column="client_vat_id",
                found=client.vat_id or "",
                allowed="the number as the client's tax office gave it, with the country in front",
            )
        )


def _copied(invoice: FeeInvoice, line: FeeInvoiceLine) -> FeeInvoiceLine:
    values: dict[str, Any] = line.model_dump(exclude={"id", "invoice_id"})
    return FeeInvoiceLine(invoice_id=invoice.id, **values)


def take_correction_step(  # noqa: PLR0917 (what a step is decided on)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice_id: int,
    act: Act,
    reason: str = "",
) -> FeeInvoice:
    """Check or approve a corrected invoice, or take either back, as `approving` does of others.

    Who drew it up doesn't approve it, nor who checked it. Raises NotFound for an unknown one, else
    as `check_invoice`, `approve_invoice` and what takes them back.
    """
    lock_engagement(session, engagement)
    found = locked_correction(session, actor, engagement, invoice_id)
    if act in {Act.TAKE_BACK_CHECK, Act.TAKE_BACK_APPROVAL}:
        reason = stated_reason(reason)
    facts = facts_of_correction(session, engagement, found)
    return step_on(session, actor, engagement, found.invoice, facts, act, reason)


def locked_correction(
    session: Session, actor: Actor, engagement: Engagement, invoice_id: int
) -> Correction:
    """A corrected invoice as it stands now; nobody else changes it until the commit."""
    session.execute(
        select(FeeInvoice)
        .where(col(FeeInvoice.id) == invoice_id, col(FeeInvoice.engagement_id) == engagement.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return get_correction(session, actor, engagement, invoice_id)


def discard_correction(
    session: Session, actor: Actor, engagement: Engagement, invoice_id: int
) -> FeeInvoice:
    """Discard a draft, also one that is checked; Conflict where it is approved or issued."""
    require(session, actor, engagement, Permission.PREPARE_CREDIT_NOTE)
    lock_engagement(session, engagement)
    invoice = locked_correction(session, actor, engagement, invoice_id).invoice
    if invoice.state in {InvoiceState.APPROVED, InvoiceState.ISSUED}:
        raise Conflict(f"the corrected invoice is {invoice.state.value} already")
    take_step(session, actor, invoice, Act.SUPERSEDE)
    session.flush()
    _record(session, actor, invoice, Action.CORRECTED_INVOICE_DISCARDED, _payable(invoice))
    return invoice


def _name(invoice: FeeInvoice) -> str:
    period = Period(invoice.period_start, invoice.period_end)
    return invoice.number or f"draft of {period.label}"


def _payable(invoice: FeeInvoice) -> dict[str, str]:
    payable = invoice.money(invoice.payable_minor)
    return {"payable": money_text(payable.amount, payable.currency), "currency": payable.currency}


def _record(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    invoice: FeeInvoice,
    action: Action,
    after: dict[str, str],
    reason: str = "",
) -> None:
    change = Change(
        action,
        "fee_invoice",
        invoice.id,
        _name(invoice),
        invoice.engagement_id,
        None,
        {"state": invoice.state.value} | after,
        reason=reason,
    )
    record(session, actor, change)
