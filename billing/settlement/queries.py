"""Find settled periods again; every query is bound to an engagement that the actor may view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.drafts import invoice_of, lines_of
from billing.invoices.models import FeeInvoice, FeeInvoiceLine
from billing.settlement.models import (
    DocumentKind,
    SettlementDocument,
    SettlementEvidence,
    SettlementRecord,
)
from governance.access import Actor, Permission
from governance.contract.document import Contract
from governance.contract.service_levels import ServiceLevel
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import require
from governance.engagements.versions import contract_of, versions_of
from governance.errors import Conflict, NotFound
from governance.tables import digest
from governance.values import Period
from sla.evidence.models import EvidenceTable
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.measurements.service import measurements_of
from sla.measurements.values import Status
from sla.service_credits.models import ServiceCreditRecord, ServiceCreditTotal
from sla.service_credits.service import credits_of, total_of


@dataclass(frozen=True, slots=True)
class PeriodSummary:
    """A settled period as a list shows it."""

    settlement: SettlementRecord
    invoice: FeeInvoice
    statuses: Mapping[Status, int]
    """How many service levels stand where."""
    credit_total: ServiceCreditTotal | None

    @property
    def period(self) -> Period:
        """The days that were settled."""
        return Period(self.settlement.period_start, self.settlement.period_end)


@dataclass(frozen=True, slots=True)
class SettledPeriod:
    """Everything that is stored of one settled period."""

    settlement: SettlementRecord
    contract_version: ContractVersion
    measured: MeasuredPeriodRecord
    measurements: tuple[MeasurementRecord, ...]
    credit_total: ServiceCreditTotal | None
    """None where the contract agrees no service credits."""
    credits: tuple[ServiceCreditRecord, ...]
    invoice: FeeInvoice
    lines: tuple[FeeInvoiceLine, ...]
    documents: Mapping[DocumentKind, str]
    """The SHA-256 of each document."""
    evidence: tuple[EvidenceTable, ...]
    ended: Mapping[str, ServiceLevel] = field(default_factory=dict)
    """Service levels that were measured and that the version in force no longer has."""

    @property
    def pending(self) -> frozenset[DocumentKind]:
        """Documents that are still to be made: nothing is kept of them yet."""
        return frozenset(kind for kind, sha256 in self.documents.items() if sha256 == digest(b""))

    def terms_of(self, contract: Contract, service_level: str) -> ServiceLevel:
        """What the contract says of a measured service level, or said of one that has ended."""
        return self.ended.get(service_level) or contract.service_level(service_level)

    @property
    def period(self) -> Period:
        """The days that were settled."""
        return Period(self.settlement.period_start, self.settlement.period_end)


def current_settlements(engagement: Engagement) -> Select[SettlementRecord]:
    """The settlements of an engagement that no newer one superseded."""
    return select(SettlementRecord).where(
        col(SettlementRecord.engagement_id) == engagement.id,
        col(SettlementRecord.superseded_at).is_(None),
    )


def current_settlement(
    session: Session, engagement: Engagement, period: Period
) -> SettlementRecord | None:
    """The period's current settlement; None where it was never settled."""
    return session.execute(
        current_settlements(engagement).where(
            col(SettlementRecord.period_start) == period.start,
            col(SettlementRecord.period_end) == period.end,
        )
    ).scalar_one_or_none()


def find_settlement(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> SettlementRecord:
    """The period's current settlement, for a member; NotFound where it was never settled."""
    require(session, actor, engagement, Permission.VIEW)
    record = current_settlement(session, engagement, period)
    if record is None:
        raise NotFound(f"{period.label} of {engagement.reference} is not settled yet")
    return record


def settled_periods(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[PeriodSummary, ...]:
    """The settled periods of an engagement, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    rows = session.execute(
        current_settlements(engagement)
        .add_columns(FeeInvoice, ServiceCreditTotal)
        .join(FeeInvoice, col(FeeInvoice.settlement_id) == col(SettlementRecord.id))
        .where(col(FeeInvoice.corrects_id).is_(None))
        .outerjoin(
            ServiceCreditTotal,
            col(ServiceCreditTotal.measured_period_id) == col(SettlementRecord.measured_period_id),
        )
        .order_by(col(SettlementRecord.period_start).desc())
    )
    statuses = _statuses(session, engagement)
    return tuple(
        PeriodSummary(record, invoice, statuses.get(record.measured_period_id, Counter()), total)
        for record, invoice, total in rows
    )


def _statuses(session: Session, engagement: Engagement) -> dict[int, Counter[Status]]:
    rows = session.execute(
        select(col(MeasurementRecord.measured_period_id), col(MeasurementRecord.status))
        .join(
            MeasuredPeriodRecord,
            col(MeasuredPeriodRecord.id) == col(MeasurementRecord.measured_period_id),
        )
        .where(col(MeasuredPeriodRecord.engagement_id) == engagement.id)
    )
    counts: dict[int, Counter[Status]] = {}
    for row in rows:
        counts.setdefault(row.measured_period_id, Counter())[row.status] += 1
    return counts


def get_settled_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> SettledPeriod:
    """Everything stored of a settled period; NotFound where it was never settled."""
    record = find_settlement(session, actor, engagement, period)
    measured = session.get_one(MeasuredPeriodRecord, record.measured_period_id)
    total, invoice = total_of(session, measured), invoice_of(session, record)
    return SettledPeriod(
        settlement=record,
        contract_version=session.get_one(ContractVersion, record.contract_version_id),
        measured=measured,
        measurements=measurements_of(session, measured),
        credit_total=total,
        credits=credits_of(session, total) if total else (),
        invoice=invoice,
        lines=lines_of(session, invoice),
        documents=_digests(session, record),
        evidence=evidence_of(session, record),
        ended=_ended(session, engagement, record),
    )


def _ended(
    session: Session, engagement: Engagement, record: SettlementRecord
) -> dict[str, ServiceLevel]:
    measured = session.get_one(MeasuredPeriodRecord, record.measured_period_id)
    current = session.get_one(ContractVersion, record.contract_version_id)
    versions = {one.number: one for one in versions_of(session, engagement)}
    return {
        row.service_level: contract_of(versions[row.version_number]).service_level(
            row.service_level
        )
        for row in measurements_of(session, measured)
        if row.version_number is not None and row.version_number != current.number
    }


def _digests(session: Session, record: SettlementRecord) -> dict[DocumentKind, str]:
    rows = session.execute(
        select(col(SettlementDocument.kind), col(SettlementDocument.sha256)).where(
            col(SettlementDocument.settlement_id) == record.id
        )
    )
    return {row.kind: row.sha256 for row in rows}


def evidence_of(session: Session, record: SettlementRecord) -> tuple[EvidenceTable, ...]:
    """The evidence tables that a settlement was computed from, by dataset."""
    found = session.scalars(
        select(EvidenceTable)
        .join(
            SettlementEvidence, col(SettlementEvidence.evidence_table_id) == col(EvidenceTable.id)
        )
        .where(col(SettlementEvidence.settlement_id) == record.id)
        .order_by(col(EvidenceTable.dataset))
    )
    return tuple(found)


def documents_of(
    session: Session, record: SettlementRecord
) -> dict[DocumentKind, SettlementDocument]:
    """The documents of a settlement with their bytes, by kind."""
    found = session.scalars(
        select(SettlementDocument).where(col(SettlementDocument.settlement_id) == record.id)
    )
    return {one.kind: one for one in found}


def get_document(
    session: Session, actor: Actor, engagement: Engagement, period: Period, kind: DocumentKind
) -> SettlementDocument:
    """One document of a settled period, byte for byte; NotFound where it was never settled.

    Raises Conflict for the PDF of an issued invoice that isn't made yet.
    """
    document = document_of(session, find_settlement(session, actor, engagement, period), kind)
    if not document.data:
        raise Conflict(f"{kind.value} isn't made yet; make it on the invoice's page")
    return document


def document_of(
    session: Session, record: SettlementRecord, kind: DocumentKind
) -> SettlementDocument:
    """One document of a settlement, with its bytes."""
    return session.execute(
        select(SettlementDocument).where(
            col(SettlementDocument.settlement_id) == record.id,
            col(SettlementDocument.kind) == kind,
        )
    ).scalar_one()


def get_measurement(
    session: Session, actor: Actor, engagement: Engagement, period: Period, service_level: str
) -> MeasurementRecord:
    """One service level's measurement; NotFound where the period has none of that id."""
    record = find_settlement(session, actor, engagement, period)
    measured = session.get_one(MeasuredPeriodRecord, record.measured_period_id)
    measurements = {one.service_level: one for one in measurements_of(session, measured)}
    found = measurements.get(service_level)
    if found is None:
        raise NotFound(f"{period.label} has no service level {service_level}")
    return found
