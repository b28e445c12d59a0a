"""Tables of settled periods and the documents that each of them produced."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Date, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from governance.tables import Sha256, Table, UtcDateTime, row_key, row_of, text_of
from governance.tenancy import through


class SettlementRecord(Table, table=True):
    """One calculation of one period; a later one supersedes it and never overwrites it."""

    __tablename__ = "settlement"
    __table_args__ = (
        Index(
            "uq_settlement_current",
            "engagement_id",
            "period_start",
            "period_end",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    contract_version_id: int = row_of("contract_version.id")
    measured_period_id: int = row_of("measured_period.id")
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    settled_at: datetime = Field(sa_type=UtcDateTime)
    settled_by_id: int = row_of("user_account.id")
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """None while this is the period's current settlement."""
    log_size: int | None = Field(default=None, sa_type=BigInteger)
    """Entries under the audit log's checkpoint that the documents state; None before the first."""
    inputs_json: str | None = Field(default=None, sa_type=Text)
    """What it was computed from besides contract and evidence: relief, decisions, seals."""


class DocumentKind(StrEnum):
    """The documents of a settled period; values are the file names that a run writes."""

    MEASUREMENTS = "measurements.json"
    CREDITS = "credits.json"
    INVOICE = "invoice.json"
    INVOICE_PDF = "invoice.pdf"
    PACK_PDF = "pack.pdf"
    INVOICE_CII = "invoice.cii.xml"
    INVOICE_UBL = "invoice.ubl.xml"

    @property
    def media_type(self) -> str:
        """What the document is served as."""
        return f"application/{self.value.rpartition('.')[2]}"


class SettlementDocument(Table, table=True):
    """One document, byte for byte; frozen once the invoice is issued."""

    __tablename__ = "settlement_document"
    __tenancy__ = through("settlement_id", SettlementRecord)
    __table_args__ = (UniqueConstraint("settlement_id", "kind"),)

    id: int = row_key()
    settlement_id: int = row_of("settlement.id", index=False)
    kind: DocumentKind = Field(sa_type=text_of(DocumentKind, "kind"))
    sha256: str = Field(sa_type=Sha256)
    data: bytes = Field(sa_type=LargeBinary)
    frozen: bool = Field(default=False, sa_type=Boolean)
    template_version: str | None = Field(default=None, sa_type=Sha256)
    """Of a PDF: the digest of the templates that it was made with."""


class SettlementEvidence(Table, table=True):
    """An evidence table that a settlement was computed from."""

    __tablename__ = "settlement_evidence"
    __tenancy__ = through("settlement_id", SettlementRecord)
    __table_args__ = (UniqueConstraint("settlement_id", "evidence_table_id"),)

    id: int = row_key()
    settlement_id: int = row_of("settlement.id", index=False)
    evidence_table_id: int = row_of("evidence_table.id")
