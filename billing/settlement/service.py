"""Settle a period: measure, credit, price, and keep all of it with what it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from billing.invoices.changes import changes_of
from billing.invoices.drafts import add_draft, invoice_of
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.invoices.models import FeeInvoice
from billing.invoices.steps import take_step
from billing.invoices.values import Act, InvoiceState
from billing.restatements.carrying import note_carried
from billing.settlement.billed_elsewhere import metering_of
from billing.settlement.calculation import settle
from billing.settlement.conditions import check_free
from billing.settlement.documents import credits_json, header_of, invoice_json, measurements_json
from billing.settlement.inputs import inputs_of, inputs_text
from billing.settlement.models import (
    DocumentKind,
    SettlementDocument,
    SettlementEvidence,
    SettlementRecord,
)
from billing.settlement.queries import current_settlement, document_of
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
from sla.reviews.queries import sealed_periods
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
class ComputedPeriod:
    """A period's settlement that isn't stored yet; another process can draw its documents."""

    version_id: int
    table_ids: tuple[int, ...]
    """The evidence that counted."""
    seal_ids: tuple[int, ...]
    """The measured periods that were sealed."""
    inputs_text: str = field(repr=False)
    settlement: Settlement = field(repr=False)
    header: InvoiceHeader
    """The draft's."""


@dataclass(frozen=True, slots=True)
class DrawnPeriod:
    """The same with its PDFs."""

    computed: ComputedPeriod
    pdfs: Mapping[DocumentKind, bytes] = field(repr=False)
    template_version: str


def settle_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> SettlementRecord:
    """Compute a period from the contract in force on its last day and the evidence that counts.

    A draft invoice comes out. An earlier settlement of the period stays, superseded.

    Where others wait for the database, `compute_period`, `draw_period` and `keep_period` are
    called one by one. Raises Conflict where the period isn't over, its invoice is issued or another
    settled period overlaps; BadInput where no contract is in force, evidence is missing or can't be
    computed with.
    """
    require(session, actor, engagement, Permission.SETTLE_PERIOD)
    lock_engagement(session, engagement)
    computed = compute_period(session, actor, engagement, period, workshop)
    drawn = draw_period(computed, workshop.render)
    return _keep(session, actor, engagement, drawn, workshop.catalogue)


def compute_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> ComputedPeriod:
    """Compute it and nothing else: nothing is locked or written. Raises as `settle_period`."""
    require(session, actor, engagement, Permission.SETTLE_PERIOD)
    check_free(session, engagement, period)
    version = contract_in_force(session, engagement, period.end)
    contract = contract_of(version)
    require_over(contract, period, actor.at)
    tables = counting_tables(session, engagement)
    if not tables:
        raise BadInput.one(
            Problem(f"{engagement.reference} has no evidence yet", allowed="hand some in first")
        )
    inputs = replace(
        inputs_of(session, engagement, period),
        metering=metering_of(session, engagement, version, tables, period, workshop.store),
    )
    today = local_day(contract.engagement.time_zone, actor.at)
    draft = header_of(contract, DRAFT_NUMBER, today, latest_state(session))
    return ComputedPeriod(
        version.id,
        tuple(one.id for one in tables),
        _seal_ids(session, engagement),
        inputs_text(session, engagement, inputs),
        compute(version, tables, period, workshop, inputs),
        replace(draft, estimate=True),
    )


def _seal_ids(session: Session, engagement: Engagement) -> tuple[int, ...]:
    return tuple(sorted(one.measured_period_id for one in sealed_periods(session, engagement)))


def draw_period(computed: ComputedPeriod, render: DocumentRenderer) -> DrawnPeriod:
    """The PDFs of a computed period; needs no database."""
    settlement, header = computed.settlement, computed.header
    pdfs = {
        DocumentKind.INVOICE_PDF: render.invoice(settlement, header),
        DocumentKind.PACK_PDF: render.pack(settlement, header.log),
    }
    return DrawnPeriod(computed, pdfs, render.template_version())


def keep_period(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    drawn: DrawnPeriod,
    catalogue: Mapping[str, KpiDefinition],
) -> SettlementRecord:
    """Store a computed and drawn period under the engagement's lock.

    Raises Conflict where what it was computed from has changed since, and as `settle_period`.
    """
    require(session, actor, engagement, Permission.SETTLE_PERIOD)
    lock_engagement(session, engagement)
    settlement = drawn.computed.settlement
    check_free(session, engagement, settlement.period)
    _check_current(session, engagement, drawn.computed)
    return _keep(session, actor, engagement, drawn, catalogue)


def _keep(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    drawn: DrawnPeriod,
    catalogue: Mapping[str, KpiDefinition],
) -> SettlementRecord:
    settlement = drawn.computed.settlement
    used = {one.definition_sha256 for one in settlement.measured.results}
    keep_used(session, catalogue, used)
    replaced = _supersede(session, actor, engagement, settlement.period)
    row = _store(session, actor, engagement, drawn)
    if replaced is not None:
        _note_changes(session, row, replaced)
    return row


def _check_current(session: Session, engagement: Engagement, computed: ComputedPeriod) -> None:
    """The same contract, evidence, seals and decisions hold as when it was computed."""
    settlement = computed.settlement
    now = inputs_of(session, engagement, settlement.period)
    # What is metered follows from contract, evidence and seals.
    now = replace(now, metering=settlement.inputs.metering)
    same = (
        contract_in_force(session, engagement, settlement.period.end).id == computed.version_id
        and tuple(one.id for one in counting_tables(session, engagement)) == computed.table_ids
        and _seal_ids(session, engagement) == computed.seal_ids
        and inputs_text(session, engagement, now) == computed.inputs_text
    )
    if not same:
        raise Conflict("evidence or decisions changed while the period was computed; settle again")


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
    session: Session, actor: Actor, engagement: Engagement, drawn: DrawnPeriod
) -> SettlementRecord:
    computed, settlement = drawn.computed, drawn.computed.settlement
    version = session.get_one(ContractVersion, computed.version_id)
    measured = store_measured_period(session, actor, version, settlement.measured)
    if settlement.credits is not None:
        store_service_credits(session, measured, settlement.credits)
    log = computed.header.log
    row = SettlementRecord(
        engagement_id=engagement.id,
        contract_version_id=version.id,
        measured_period_id=measured.id,
        period_start=settlement.period.start,
        period_end=settlement.period.end,
        settled_at=actor.at,
        settled_by_id=actor.signed_in_id,
        log_size=log.size if log else None,
        inputs_json=computed.inputs_text,
    )
    session.add(row)
    session.flush()
    note_carried(session, engagement, row, settlement.inputs.restated)
    session.add_all(
        [
            SettlementEvidence(settlement_id=row.id, evidence_table_id=table_id)
            for table_id in computed.table_ids
        ]
    )
    add_draft(session, actor, engagement, row, settlement)
    _add_documents(session, row, drawn)
    _record(session, actor, engagement, row, settlement)
    return row


def _add_documents(session: Session, row: SettlementRecord, drawn: DrawnPeriod) -> None:
    pdfs = drawn.pdfs
    session.add_all(
        [
            SettlementDocument(
                settlement_id=row.id,
                kind=kind,
                sha256=digest(data),
                data=data,
                template_version=drawn.template_version if kind in pdfs else None,
            )
            for kind, data in {**figures_of(drawn.computed.settlement), **pdfs}.items()
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
