"""Settle a period: measure, credit, price, and keep all of it with what it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.changes import changes_of
from billing.invoices.drafts import add_draft, invoice_of
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.invoices.models import FeeInvoice
from billing.invoices.steps import take_step
from billing.invoices.values import Act, InvoiceState
from billing.restatements.carrying import note_carried
from billing.settlement.billed_elsewhere import metering_of
from billing.settlement.calculation import settle
from billing.settlement.documents import credits_json, header_of, invoice_json, measurements_json
from billing.settlement.inputs import inputs_of, inputs_text
from billing.settlement.models import (
    DocumentKind,
    SettlementDocument,
    SettlementEvidence,
    SettlementRecord,
)
from billing.settlement.queries import current_settlement, current_settlements, document_of
from billing.settlement.values import NO_INPUTS, Inputs, InvoiceHeader, Settlement
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.sequencing import latest_state
from governance.audit.service import Change, record
from governance.calendars import calendars_of
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement
from governance.engagements.service import contract_in_force, contract_of, require
from governance.errors import BadInput, Conflict, Problem
from governance.tables import canonical_json, digest
from governance.values import Period, money_text
from governance.zones import local_day
from sla.engines.engine import Engine
from sla.engines.in_process import IN_PROCESS
from sla.evidence.ledger import open_ledger
from sla.evidence.models import EvidenceTable
from sla.evidence.service import as_file, counting_tables
from sla.evidence.store import EvidenceStore
from sla.kpis.definitions import KpiDefinition
from sla.kpis.texts import keep_used
from sla.measurements.service import store_measured_period
from sla.reviews.queries import seal_of
from sla.reviews.service import replace_submission
from sla.service_credits.service import store_service_credits

DRAFT_NUMBER = "DRAFT"
"""What an invoice's PDF shows as its number before it is issued."""


class DocumentRenderer(Protocol):
    """Makes the PDFs; the application provides it, as only it knows templates."""

    def invoice(
        self, settlement: Settlement, header: InvoiceHeader, xml: bytes | None = None
    ) -> bytes:
        """The fee invoice as PDF; `xml` is its electronic form (CII of EN 16931) to embed."""
        ...

    def pack(self, settlement: Settlement, log: Checkpoint | None) -> bytes:
        """The steering-committee pack as PDF; it states the audit log's checkpoint, if any."""
        ...

    def template_version(self) -> str:
        """SHA-256 over everything that decides on how documents look."""
        ...

    def credit_note(self, document: FeeDocument, log: Checkpoint | None) -> bytes:
        """A credit note as PDF; it states the audit log's checkpoint, if any."""
        ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a settlement needs besides the database."""

    store: EvidenceStore
    """Where the immutable evidence tables lie."""
    catalogue: Mapping[str, KpiDefinition]
    render: DocumentRenderer
    engine: Engine = IN_PROCESS
    """What runs the SQL of KPIs and meters; it changes no figure."""


@dataclass(frozen=True, slots=True)
class _Computed:
    version: ContractVersion
    tables: tuple[EvidenceTable, ...]
    settlement: Settlement


def settle_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> SettlementRecord:
    """Compute a period from the contract in force on its last day and the evidence that counts.

    A draft invoice comes out. An earlier settlement of the period stays, superseded.

    Raises Conflict where the period isn't over, its invoice is issued or another settled period
    overlaps; BadInput where no contract is in force, evidence is missing or can't be computed with.
    """
    require(session, actor, engagement, Permission.SETTLE_PERIOD)
    lock_engagement(session, engagement)
    _check_overlap(session, engagement, period)
    _check_unsealed(session, engagement, period)
    version = contract_in_force(session, engagement, period.end)
    require_over(contract_of(version), period, actor.at)
    tables = counting_tables(session, engagement)
    if not tables:
        raise BadInput.one(
            Problem(f"{engagement.reference} has no evidence yet", allowed="hand some in first")
        )
    inputs = replace(
        inputs_of(session, engagement, period),
        metering=metering_of(session, engagement, version, tables, period, workshop.store),
    )
    computed = _Computed(version, tables, compute(version, tables, period, workshop, inputs))
    used = {one.definition_sha256 for one in computed.settlement.measured.results}
    keep_used(session, workshop.catalogue, used)
    replaced = _supersede(session, actor, engagement, period)
    row = _store(session, actor, engagement, computed, workshop.render)
    if replaced is not None:
        _note_changes(session, row, replaced)
    return row


def compute(
    version: ContractVersion,
    tables: tuple[EvidenceTable, ...],
    period: Period,
    workshop: Workshop,
    inputs: Inputs = NO_INPUTS,
) -> Settlement:
    """The settlement of a period under a contract version, from exactly these tables and inputs.

    Those of a stored settlement are `inputs_kept`, those of today `inputs_of`.
    """
    contract = contract_of(version)
    frame = contract.engagement
    files = [as_file(table, workshop.store) for table in tables]
    calendars = calendars_of(frame)
    opened = open_ledger(files, frame.currency, calendars=calendars, engine=workshop.engine)
    with opened as ledger:
        return settle(contract, version.sha256, ledger, period, workshop.catalogue, inputs)


def require_over(contract: Contract, period: Period, at: datetime) -> None:
    """Conflict while the period's last day lasts where the engagement is, or is yet to come."""
    today = local_day(contract.engagement.time_zone, at)
    if period.end >= today:
        raise Conflict(f"{period.label} isn't over yet; its last day is {period.end}")


def _check_overlap(session: Session, engagement: Engagement, period: Period) -> None:
    """No day may be charged twice."""
    others = session.scalars(
        current_settlements(engagement).where(
            col(SettlementRecord.period_start) <= period.end,
            col(SettlementRecord.period_end) >= period.start,
        )
    )
    for other in others:
        settled = Period(other.period_start, other.period_end)
        if settled != period:
            raise Conflict(f"{settled.label} is settled and overlaps {period.label}")


def _check_unsealed(session: Session, engagement: Engagement, period: Period) -> None:
    earlier = current_settlement(session, engagement, period)
    if earlier is None or seal_of(session, earlier.measured_period_id) is None:
        return
    number = invoice_of(session, earlier).number
    what = (
        f"invoice {number} of {period.label} is issued and can't change"
        if number
        else (f"the figures of {period.label} are sealed")
    )
    raise Conflict(f"{what}; corrected evidence makes a restatement")


def _supersede(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> FeeInvoice | None:
    """The draft that no longer counts, with its check and all; None for the first."""
    earlier = current_settlement(session, engagement, period)
    if earlier is None:
        return None
    invoice = invoice_of(session, earlier)
    if invoice.state is InvoiceState.ISSUED:
        raise Conflict(f"invoice {invoice.number} of {period.label} is issued and can't change")
    replace_submission(session, actor, earlier.measured_period_id)
    take_step(session, actor, invoice, Act.SUPERSEDE)
    earlier.superseded_at = actor.at
    session.flush()
    return invoice


def _note_changes(session: Session, row: SettlementRecord, replaced: FeeInvoice) -> None:
    """Keep with the new draft what is different from the one that it replaces."""
    earlier = session.get_one(SettlementRecord, replaced.settlement_id)
    before, after = (
        read_fee_document(document_of(session, one, DocumentKind.INVOICE).data)
        for one in (earlier, row)
    )
    draft = invoice_of(session, row)
    draft.replaces_id = replaced.id
    found = [change.as_json() for change in changes_of(before, after)]
    draft.changes_json = canonical_json(found).decode()
    session.flush()


def _store(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    computed: _Computed,
    render: DocumentRenderer,
) -> SettlementRecord:
    settlement = computed.settlement
    measured = store_measured_period(session, actor, computed.version, settlement.measured)
    if settlement.credits is not None:
        store_service_credits(session, measured, settlement.credits)
    log = latest_state(session)
    row = SettlementRecord(
        engagement_id=engagement.id,
        contract_version_id=computed.version.id,
        measured_period_id=measured.id,
        period_start=settlement.period.start,
        period_end=settlement.period.end,
        settled_at=actor.at,
        settled_by_id=actor.signed_in_id,
        log_size=log.size if log else None,
        inputs_json=inputs_text(session, engagement, settlement.inputs),
    )
    session.add(row)
    session.flush()
    note_carried(session, engagement, row, settlement.inputs.restated)
    session.add_all(
        [
            SettlementEvidence(settlement_id=row.id, evidence_table_id=table.id)
            for table in computed.tables
        ]
    )
    add_draft(session, actor, engagement, row, settlement)
    today = local_day(settlement.contract.engagement.time_zone, actor.at)
    draft = header_of(settlement.contract, DRAFT_NUMBER, today, log)
    header = replace(draft, estimate=True)
    _add_documents(session, row, settlement, header, render)
    _record(session, actor, engagement, row, settlement)
    return row


def _add_documents(
    session: Session,
    row: SettlementRecord,
    settlement: Settlement,
    header: InvoiceHeader,
    render: DocumentRenderer,
) -> None:
    pdfs = {
        DocumentKind.INVOICE_PDF: render.invoice(settlement, header),
        DocumentKind.PACK_PDF: render.pack(settlement, header.log),
    }
    version = render.template_version()
    session.add_all(
        [
            SettlementDocument(
                settlement_id=row.id,
                kind=kind,
                sha256=digest(data),
                data=data,
                template_version=version if kind in pdfs else None,
            )
            for kind, data in (figures_of(settlement) | pdfs).items()
        ]
    )
    session.flush()


def figures_of(settlement: Settlement) -> dict[DocumentKind, bytes]:
    """The documents that state the settlement's figures, as canonical JSON without header."""
    return {
        DocumentKind.MEASUREMENTS: canonical_json(measurements_json(settlement)),
        DocumentKind.CREDITS: canonical_json(credits_json(settlement)),
        DocumentKind.INVOICE: canonical_json(invoice_json(settlement)),
    }


def _record(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: SettlementRecord,
    settlement: Settlement,
) -> None:
    priced = settlement.priced
    after = {
        "contract_sha256": settlement.contract_sha256,
        "currency": priced.currency,
        "service_credit": money_text(priced.service_credit, priced.currency),
        "payable": money_text(priced.payable, priced.currency),
    }
    label = f"{engagement.reference} {settlement.period.label}"
    record(
        session,
        actor,
        Change(Action.PERIOD_SETTLED, "settlement", row.id, label, engagement.id, None, after),
    )
