"""The PDFs of issued invoices: made after the issue, each frozen in a transaction of its own."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.e_invoices.made import e_invoices_of
from billing.invoices.drafts import invoice_of
from billing.invoices.fee_document import read_fee_document
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from billing.settlement.queries import find_settlement
from billing.settlement.recomputing import sealed_settlement
from billing.settlement.service import DocumentRenderer, Workshop
from billing.settlement.values import InvoiceHeader, Settlement
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import Conflict
from governance.tables import digest
from governance.values import Period


@dataclass(frozen=True, slots=True)
class PdfSource:
    """All that the PDF of an issued invoice is made from; another process can draw it."""

    settlement_id: int
    settlement: Settlement = field(repr=False)
    header: InvoiceHeader
    xml: bytes | None = field(repr=False)
    """The electronic invoice to be embedded; None where the contract lacks what it needs."""
    figures_sha256: str
    """Digest of the frozen JSON that it states."""


@dataclass(frozen=True, slots=True)
class RenderedPdf:
    """The PDF of an issued invoice, not kept yet."""

    settlement_id: int
    data: bytes = field(repr=False)
    template_version: str
    figures_sha256: str
    """Digest of the frozen JSON that it states."""


def pdf_source(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> PdfSource:
    """What the PDF of an issued invoice is made from; writes and locks nothing.

    Raises NotFound where the period isn't settled, Forbidden without the permission to issue,
    Conflict where the invoice isn't issued or its PDF is made.
    """
    require(session, actor, engagement, Permission.ISSUE_INVOICE)
    row = find_settlement(session, actor, engagement, period)
    if invoice_of(session, row).state is not InvoiceState.ISSUED:
        raise Conflict("the invoice isn't issued yet")
    if _document(session, row, DocumentKind.INVOICE_PDF).frozen:
        raise Conflict("the PDF is made already")
    settlement = sealed_settlement(session, engagement, row, workshop)
    return source_of(row, _document(session, row, DocumentKind.INVOICE), settlement)


def source_of(
    row: SettlementRecord, figures: SettlementDocument, settlement: Settlement
) -> PdfSource:
    """The same from a settlement that was computed already."""
    stated = json.loads(figures.data)
    embedded = e_invoices_of(read_fee_document(stated)).embedded
    return PdfSource(row.id, settlement, header_of_json(stated), embedded, figures.sha256)


def draw_pdf(source: PdfSource, render: DocumentRenderer) -> RenderedPdf:
    """The PDF itself; needs no database."""
    return RenderedPdf(
        source.settlement_id,
        render.invoice(source.settlement, source.header, source.xml),
        render.template_version(),
        source.figures_sha256,
    )


def render_pdf(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> RenderedPdf:
    """The PDF of an issued invoice, from its frozen figures; raises as `pdf_source`."""
    source = pdf_source(session, actor, engagement, period, workshop)
    return draw_pdf(source, workshop.render)


def header_of_json(stated: Mapping[str, Any]) -> InvoiceHeader:
    """The header of an issued invoice as its frozen JSON states it."""
    return InvoiceHeader(
        number=stated["number"],
        issued_on=date.fromisoformat(stated["issued_on"]),
        due_on=date.fromisoformat(stated["due_on"]),
        purchase_order=stated["purchase_order"],
        log=checkpoint_of(stated),
    )


def checkpoint_of(stated: Mapping[str, Any]) -> Checkpoint | None:
    """The state of the audit log that a frozen document states; None where there was no log."""
    log = stated.get("audit_log")
    return Checkpoint(log["origin"], log["size"], b64decode(log["root"])) if log else None


def keep_pdf(
    session: Session, actor: Actor, engagement: Engagement, rendered: RenderedPdf
) -> SettlementDocument:
    """Freeze a rendered PDF; where another was faster, that one stays.

    Raises Conflict where the invoice is another than the one rendered.
    """
    require(session, actor, engagement, Permission.ISSUE_INVOICE)
    row = session.get_one(SettlementRecord, rendered.settlement_id)
    invoice = invoice_of(session, row)
    if _document(session, row, DocumentKind.INVOICE).sha256 != rendered.figures_sha256:
        raise Conflict("the invoice has changed since its PDF was made")
    pdf = _document(session, row, DocumentKind.INVOICE_PDF, lock=True)
    if pdf.frozen:
        return pdf
    pdf.data, pdf.sha256 = rendered.data, digest(rendered.data)
    pdf.template_version, pdf.frozen = rendered.template_version, True
    record_pdf(session, actor, engagement, invoice, pdf.sha256, rendered.template_version)
    return pdf


def record_pdf(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice: FeeInvoice,
    sha256: str,
    template_version: str,
) -> None:
    """The audit entry of the PDF of an issued invoice."""
    after = {"sha256": sha256, "template_version": template_version}
    change = Change(
        Action.INVOICE_RENDERED,
        "fee_invoice",
        invoice.id,
        invoice.number or "",
        engagement.id,
        None,
        after,
    )
    record(session, actor, change)


def _document(
    session: Session, row: SettlementRecord, kind: DocumentKind, *, lock: bool = False
) -> SettlementDocument:
    query = select(SettlementDocument).where(
        col(SettlementDocument.settlement_id) == row.id, col(SettlementDocument.kind) == kind
    )
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.execute(query).scalar_one()
