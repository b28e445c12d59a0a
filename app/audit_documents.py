"""The documents of an engagement, to go out with an export of the log."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.settlement.models import SettlementDocument, SettlementRecord
from governance.audit.documents import ExportedDocument
from governance.engagements.models import ContractVersion
from governance.values import Period
from sla.evidence.models import EvidenceTable
from sla.evidence.store import EvidenceStore


def documents_of(
    session: Session, engagement_id: int, store: EvidenceStore
) -> Iterator[ExportedDocument]:
    """Contract versions, evidence tables, and the documents of issued periods.

    Raises NotFound where an evidence table is missing from the store.
    """
    yield from _contracts(session, engagement_id)
    yield from _evidence(session, engagement_id, store)
    yield from _issued(session, engagement_id)


def _contracts(session: Session, engagement_id: int) -> Iterator[ExportedDocument]:
    versions = select(ContractVersion).where(col(ContractVersion.engagement_id) == engagement_id)
    for row in session.scalars(versions.order_by(col(ContractVersion.number))):
        path = f"contracts/{row.number}.yaml"
        yield ExportedDocument(path, row.document, row, "document")


def _evidence(
    session: Session, engagement_id: int, store: EvidenceStore
) -> Iterator[ExportedDocument]:
    tables = select(EvidenceTable).where(col(EvidenceTable.engagement_id) == engagement_id)
    for row in session.scalars(tables.order_by(col(EvidenceTable.id))):
        file = store.local(row.sha256)
        yield ExportedDocument(f"evidence/{row.id}-{row.dataset}.parquet", file, row, "sha256")


def _issued(session: Session, engagement_id: int) -> Iterator[ExportedDocument]:
    found = session.execute(
        select(SettlementRecord, SettlementDocument)
        .join(SettlementDocument, col(SettlementDocument.settlement_id) == col(SettlementRecord.id))
        .where(col(SettlementRecord.engagement_id) == engagement_id, col(SettlementDocument.frozen))
        .order_by(col(SettlementDocument.id))
    )
    for row in found:
        settled: SettlementRecord = row.SettlementRecord
        label = Period(settled.period_start, settled.period_end).label.replace("/", "_")
        document: SettlementDocument = row.SettlementDocument
        path = f"periods/{label}/{document.kind.value}"
        yield ExportedDocument(path, document.data, document, "data")
