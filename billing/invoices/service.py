"""Issue fee invoices and find them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.series import TakenNumber, take_number
from billing.settlement.acceptance import item_of_invoice
from billing.settlement.documents import header_of, invoice_json
from billing.settlement.inputs import inputs_kept
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from billing.settlement.queries import documents_of, evidence_of, find_settlement
from billing.settlement.service import (
    Workshop,
    compute,
    figures_of,
    require_over,
)
from billing.settlement.spans import invoiced_later
from billing.settlement.values import InvoiceHeader, Settlement
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.sequencing import latest_state
from governance.audit.service import Change, record
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.service import contract_of
from governance.errors import Conflict
from governance.tables import canonical_json, digest
from governance.values import Period, money_text
from sla.reviews.queries import seal_of


def issue_invoice(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> FeeInvoice:
    """Number a period's draft invoice and freeze it with all its documents.

    It is issued from sealed figures only, under the version of the contract that was sealed with
    them; who settled the period doesn't issue its invoice.

    The settlement is computed again from the contract version and the evidence that it cites,
    and must give the stored figures to the byte. The number comes last and under a lock, so
    that a failure skips none.

    Raises NotFound where the period isn't settled; Forbidden for who settled it; Conflict where
    the figures aren't sealed, the period isn't over or a later month's invoice charges it, the
    invoice is issued already or the figures no longer come out the same.
    """
    require(session, actor, engagement, Permission.ISSUE_INVOICE)
    lock_engagement(session, engagement)
    row = find_settlement(session, actor, engagement, period)
    require(session, actor, engagement, Permission.ISSUE_INVOICE, item_of_invoice(session, row))
    invoice = _locked_draft(session, row)
    version = _sealed_version(session, row)
    contract = contract_of(version)
    require_over(contract, period, actor.at)
    if later := invoiced_later(contract, period):
        raise Conflict(later)
    inputs = inputs_kept(session, engagement, row)
    settlement = compute(version, evidence_of(session, row), period, workshop, inputs)
    documents = documents_of(session, row)
    _check_unchanged(settlement, documents)
    log = latest_state(session)
    invoice.log_size = log.size if log else None
    _number(session, actor, invoice, settlement)
    _freeze(session, documents, settlement, _header(invoice, log), workshop)
    _record(session, actor, engagement, invoice)
    return invoice


def _locked_draft(session: Session, row: SettlementRecord) -> FeeInvoice:
    invoice = session.execute(
        select(FeeInvoice)
        .where(col(FeeInvoice.settlement_id) == row.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()
    if invoice.state is InvoiceState.ISSUED:
        raise Conflict(f"invoice {invoice.number} is issued already")
    if invoice.state is InvoiceState.SUPERSEDED:
        raise Conflict("the period was settled anew; look at the newer draft")
    return invoice


def _sealed_version(session: Session, row: SettlementRecord) -> ContractVersion:
    """The version of the contract that the seal names."""
    seal = seal_of(session, row.measured_period_id)
    if seal is None:
        raise Conflict("the client hasn't sealed the figures yet")
    return session.get_one(ContractVersion, seal.contract_version_id)


def _check_unchanged(
    settlement: Settlement, documents: dict[DocumentKind, SettlementDocument]
) -> None:
    for kind, data in figures_of(settlement).items():
        if digest(data) != documents[kind].sha256:
            raise Conflict(
                f"{kind.value} no longer comes out as it was settled; settle the period again"
            )


def _number(session: Session, actor: Actor, invoice: FeeInvoice, settlement: Settlement) -> None:
    issued_on = actor.at.date()
    pattern = settlement.contract.invoicing.number
    taken: TakenNumber = take_number(session, invoice.provider_id, pattern, issued_on)
    header = header_of(settlement.contract, taken.number, issued_on)
    invoice.series_id, invoice.sequence = taken.series_id, taken.sequence
    invoice.number = taken.number
    invoice.issued_on, invoice.due_on = header.issued_on, header.due_on
    invoice.issued_at = actor.at
    invoice.state = InvoiceState.ISSUED
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(f"the number {taken.number} is in use by another series") from None


def _header(invoice: FeeInvoice, log: Checkpoint | None) -> InvoiceHeader:
    assert invoice.number and invoice.issued_on and invoice.due_on  # noqa: S101, PT018 (set above)
    return InvoiceHeader(
        invoice.number, invoice.issued_on, invoice.due_on, invoice.purchase_order, log
    )


def _freeze(
    session: Session,
    documents: dict[DocumentKind, SettlementDocument],
    settlement: Settlement,
    header: InvoiceHeader,
    workshop: Workshop,
) -> None:
    """The invoice's documents are written anew with its header; from now on none can change."""
    final = {
        DocumentKind.INVOICE: canonical_json(invoice_json(settlement, header)),
        DocumentKind.INVOICE_PDF: workshop.render.invoice(settlement, header),
    }
    for kind, document in documents.items():
        document.data = final.get(kind, document.data)
        document.sha256 = digest(document.data)
        document.frozen = True
    session.flush()


def _record(session: Session, actor: Actor, engagement: Engagement, invoice: FeeInvoice) -> None:
    amount = invoice.money(invoice.payable_minor)
    after = {"number": invoice.number, "payable": money_text(amount.amount, amount.currency)}
    record(
        session,
        actor,
        Change(
            Action.INVOICE_ISSUED,
            "fee_invoice",
            invoice.id,
            invoice.number or "",
            engagement.id,
            {"state": InvoiceState.DRAFT.value},
            after,
        ),
    )


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
