"""Find corrected invoices, what they state, and the invoices whose place they take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.corrections.copies import invoice_copy
from billing.corrections.models import CorrectedInvoice
from billing.corrections.values import corrected_json, read_header
from billing.credit_notes.queries import Issued, credited_of, issued
from billing.invoices.approval import InvoiceFacts
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.steps import last_step_of
from billing.settlement.models import DocumentKind
from governance.access import Actor, Permission, State
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import NotFound


@dataclass(frozen=True, slots=True)
class Correction:
    """A corrected invoice, drawn up or issued, with the invoice that it replaces."""

    invoice: FeeInvoice
    record: CorrectedInvoice
    replaced: FeeInvoice
    stated: dict[str, Any]
    """What it states: as it was frozen, of a draft as it would be."""


def get_correction(
    session: Session, actor: Actor, engagement: Engagement, invoice_id: int
) -> Correction:
    """The corrected invoice of that id; NotFound for any other invoice, discarded ones included."""
    require(session, actor, engagement, Permission.VIEW)
    invoice = session.execute(
        select(FeeInvoice).where(
            col(FeeInvoice.id) == invoice_id,
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.corrects_id).is_not(None),
            col(FeeInvoice.state) != InvoiceState.SUPERSEDED,
        )
    ).scalar_one_or_none()
    if invoice is None:
        raise NotFound(f"{engagement.reference} has no such corrected invoice")
    record = session.execute(
        select(CorrectedInvoice).where(col(CorrectedInvoice.invoice_id) == invoice.id)
    ).scalar_one()
    replaced = session.get_one(FeeInvoice, invoice.corrects_id)
    return Correction(invoice, record, replaced, _stated(session, invoice, record, replaced))


def _stated(
    session: Session, invoice: FeeInvoice, record: CorrectedInvoice, replaced: FeeInvoice
) -> dict[str, Any]:
    kept = invoice_copy(session, invoice, DocumentKind.INVOICE)
    if kept is not None:
        stated: dict[str, Any] = json.loads(kept.data)
        return stated
    credited = issued(session, replaced).stated
    return corrected_json(credited, read_header(record.header_json), record.reason)


def correction_of(session: Session, invoice: FeeInvoice) -> FeeInvoice | None:
    """The corrected invoice in place of an invoice, drawn up or issued; None where there is none.

    The caller has checked the permission.
    """
    return session.execute(
        select(FeeInvoice).where(
            col(FeeInvoice.corrects_id) == invoice.id,
            col(FeeInvoice.state) != InvoiceState.SUPERSEDED,
        )
    ).scalar_one_or_none()


def why_not_corrected(session: Session, found: Issued) -> str:
    """Why no corrected invoice may take an issued invoice's place now; empty where one may.

    Credit notes must have given back all of it, so that nothing is charged twice.
    """
    invoice = found.invoice
    given = credited_of(session, [invoice.id]).get(invoice.id)
    if given != invoice.payable_minor or any(line.open for line in found.left.values()):
        return f"invoice {invoice.number} isn't credited in full yet; draw up a credit note first"
    return ""


def facts_of_correction(
    session: Session, engagement: Engagement, found: Correction
) -> InvoiceFacts:
    """What the policy asks of a corrected invoice: who drew it up stands for who settled."""
    invoice = found.invoice
    payable = invoice.money(invoice.payable_minor)
    contract = contract_of(agreed_contract(session, engagement))
    return InvoiceFacts(
        state=invoice.state,
        period=State.SEALED,
        settled_by=found.record.prepared_by_id,
        checked_by=invoice.checked_by_id,
        payable=payable.amount,
        currency=payable.currency,
        limits=contract.invoicing.approval_limits,
        outdated=why_not_corrected(session, issued(session, found.replaced)),
        last_step=last_step_of(session, invoice),
    )
