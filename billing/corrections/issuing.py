"""Issue corrected invoices: numbered and frozen under locks, the PDF drawn and kept after that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing.corrections.copies import invoice_copy
from billing.corrections.models import CorrectedInvoiceDocument
from billing.corrections.queries import Correction, facts_of_correction, get_correction
from billing.corrections.service import locked_correction
from billing.corrections.values import corrected_contract, read_header, reference_of
from billing.e_invoices.made import e_invoices_of
from billing.invoices.approval import decide_step
from billing.invoices.fee_document import read_fee_document
from billing.invoices.issuing import record_issue
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.rendering import header_of_json, record_pdf
from billing.invoices.series import take_number
from billing.invoices.steps import take_step
from billing.invoices.values import Act
from billing.settlement.documents import header_json, header_of
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.recomputing import sealed_settlement
from billing.settlement.service import DocumentRenderer, Workshop
from billing.settlement.values import InvoiceHeader, Settlement
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.sequencing import latest_state
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import Conflict
from governance.tables import canonical_json, digest
from governance.values import Money
from governance.zones import local_day
from sla.reviews.queries import seal_of


def issue_corrected(
    session: Session, actor: Actor, engagement: Engagement, invoice_id: int
) -> FeeInvoice:
    """Number an approved corrected invoice and freeze what it states; the PDF is made afterwards.

    The number comes last and under a lock, from the series of the engagement's other invoices; it
    is due by the contract whose terms of payment it states, that of the settlement. Raises NotFound
    for an unknown one, Forbidden for who drew it up; Conflict where it isn't approved or is issued
    already.
    """
    lock_engagement(session, engagement)
    found = locked_correction(session, actor, engagement, invoice_id)
    facts = facts_of_correction(session, engagement, found)
    decide_step(standing_of(session, actor, engagement), Act.ISSUE, facts).enforce()
    # Read once, as others are sequenced meanwhile: row and document state the same checkpoint.
    log = latest_state(session)
    header = _numbered(session, actor, engagement, found.invoice, log)
    _freeze(session, found, header)
    record_issue(session, actor, engagement, found.invoice)
    return found.invoice


def _numbered(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice: FeeInvoice,
    log: Checkpoint | None,
) -> InvoiceHeader:
    contract: Contract = contract_of(agreed_contract(session, engagement))
    issued_on = local_day(contract.engagement.time_zone, actor.at)
    taken = take_number(session, invoice.provider_id, contract.invoicing.number, issued_on)
    header = replace(
        header_of(contract, taken.number, issued_on, log),
        due_on=issued_on + timedelta(days=_settled_contract(session, invoice).invoicing.due_days),
    )
    invoice.series_id, invoice.sequence = taken.series_id, taken.sequence
    invoice.number = taken.number
    invoice.issued_on, invoice.due_on = header.issued_on, header.due_on
    invoice.log_size = log.size if log else None
    take_step(session, actor, invoice, Act.ISSUE)
    session.flush()
    return replace(header, purchase_order=invoice.purchase_order)


def _settled_contract(session: Session, invoice: FeeInvoice) -> Contract:
    """The contract that its figures and its terms of payment in words come from."""
    row = session.get_one(SettlementRecord, invoice.settlement_id)
    settled_by = seal_of(session, row.measured_period_id) or row
    return contract_of(session.get_one(ContractVersion, settled_by.contract_version_id))


def _freeze(session: Session, found: Correction, header: InvoiceHeader) -> None:
    stated = found.stated | header_json(header)
    made = e_invoices_of(read_fee_document(stated))
    contents = {
        DocumentKind.INVOICE: canonical_json(stated),
        DocumentKind.INVOICE_CII: made.cii,
        DocumentKind.INVOICE_UBL: made.ubl,
    }
    session.add_all(
        [
            CorrectedInvoiceDocument(
                invoice_id=found.invoice.id, kind=kind, sha256=digest(data), data=data
            )
            for kind, data in contents.items()
            if data is not None
        ]
    )
    session.flush()


@dataclass(frozen=True, slots=True)
class DrawnCorrection:
    """The PDF of an issued corrected invoice, not kept yet."""

    invoice_id: int
    data: bytes = field(repr=False)
    template_version: str


def draw_corrected(
    session: Session, actor: Actor, engagement: Engagement, invoice_id: int, workshop: Workshop
) -> DrawnCorrection:
    """The PDF of an issued corrected invoice; writes and locks nothing.

    The arithmetic behind its lines is computed again from what was sealed. Raises NotFound for an
    unknown one, Forbidden without the permission to issue; Conflict where it isn't issued, its PDF
    is made, or the figures no longer come out the same.
    """
    found = _issued(session, actor, engagement, invoice_id)
    if invoice_copy(session, found.invoice, DocumentKind.INVOICE_PDF) is not None:
        raise Conflict("the PDF is made already")
    row = session.get_one(SettlementRecord, found.invoice.settlement_id)
    settlement = sealed_settlement(session, engagement, row, workshop)
    _check_same(found.invoice, settlement)
    data = _drawn(found, settlement, workshop.render)
    return DrawnCorrection(invoice_id, data, workshop.render.template_version())


def _check_same(invoice: FeeInvoice, settlement: Settlement) -> None:
    priced = settlement.priced
    if Money.of(priced.payable, priced.currency) != invoice.money(invoice.payable_minor):
        raise Conflict("the figures no longer come out as they were sealed; nothing was drawn")


def _drawn(found: Correction, settlement: Settlement, render: DocumentRenderer) -> bytes:
    header = replace(
        header_of_json(found.stated),
        corrects=reference_of(found.stated),
        correction=found.record.reason,
    )
    contract = corrected_contract(settlement.contract, read_header(found.record.header_json))
    xml = e_invoices_of(read_fee_document(found.stated)).embedded
    return render.invoice(replace(settlement, contract=contract), header, xml)


def keep_corrected_pdf(
    session: Session, actor: Actor, engagement: Engagement, drawn: DrawnCorrection
) -> None:
    """Freeze a drawn PDF; where another was faster, that one stays. Raises as draw_corrected."""
    invoice = _issued(session, actor, engagement, drawn.invoice_id).invoice
    document = CorrectedInvoiceDocument(
        invoice_id=invoice.id,
        kind=DocumentKind.INVOICE_PDF,
        sha256=digest(drawn.data),
        data=drawn.data,
        template_version=drawn.template_version,
    )
    try:
        with session.begin_nested():
            session.add(document)
    except IntegrityError:
        return
    record_pdf(session, actor, engagement, invoice, document.sha256, drawn.template_version)


def _issued(session: Session, actor: Actor, engagement: Engagement, invoice_id: int) -> Correction:
    require(session, actor, engagement, Permission.ISSUE_INVOICE)
    found = get_correction(session, actor, engagement, invoice_id)
    if found.invoice.state is not InvoiceState.ISSUED:
        raise Conflict("the invoice isn't issued yet")
    return found
