"""The frozen documents of an invoice, whether it is the settlement's own or a corrected one."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.corrections.models import CorrectedInvoiceDocument
from billing.invoices.models import FeeInvoice
from billing.settlement.models import DocumentKind, SettlementDocument

InvoiceCopy = SettlementDocument | CorrectedInvoiceDocument
"""A document of an invoice; both have `kind`, `data`, `sha256` and `template_version`."""


def invoice_copy(session: Session, invoice: FeeInvoice, kind: DocumentKind) -> InvoiceCopy | None:
    """One document of an invoice; None where it isn't made, or the invoice has none of the kind."""
    own, corrected = _own(invoice, kind), _corrected(invoice, kind)
    found = session.scalars(own if invoice.corrects_id is None else corrected).one_or_none()
    return found if found is not None and found.data else None


def _own(invoice: FeeInvoice, kind: DocumentKind) -> Select[SettlementDocument]:
    return select(SettlementDocument).where(
        col(SettlementDocument.settlement_id) == invoice.settlement_id,
        col(SettlementDocument.kind) == kind,
    )


def _corrected(invoice: FeeInvoice, kind: DocumentKind) -> Select[CorrectedInvoiceDocument]:
    return select(CorrectedInvoiceDocument).where(
        col(CorrectedInvoiceDocument.invoice_id) == invoice.id,
        col(CorrectedInvoiceDocument.kind) == kind,
    )


def corrected_digests(session: Session, invoice: FeeInvoice) -> dict[DocumentKind, str]:
    """The digests of a corrected invoice's documents, by kind; empty for a draft."""
    rows = session.execute(
        select(col(CorrectedInvoiceDocument.kind), col(CorrectedInvoiceDocument.sha256)).where(
            col(CorrectedInvoiceDocument.invoice_id) == invoice.id
        )
    )
    return {row.kind: row.sha256 for row in rows}
