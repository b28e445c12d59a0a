"""Tables of restatements: a sealed period's figures anew, beside those that were sealed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Date,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from billing.settlement.models import DocumentKind
from governance.tables import (
    BigKey,
    Currency,
    Sha256,
    Table,
    UtcDateTime,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import through
from governance.values import Period


class RestatementRecord(Table, table=True):
    """One calculation of a sealed period from corrected evidence or late relief.

    Until both sides agree a later calculation supersedes it; once sealed it never changes.
    """

    __tablename__ = "period_restatement"
    __table_args__ = (
        Index(
            "uq_period_restatement_current",
            "engagement_id",
            "period_start",
            "period_end",
            "number",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    contract_version_id: int = row_of("contract_version.id")
    measured_period_id: int = Field(
        foreign_key="measured_period.id", sa_type=BigKey, unique=True, ondelete="RESTRICT"
    )
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the period."""
    reason: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by_id: int = row_of("user_account.id")
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """None while this is the restatement's current calculation."""
    currency: str = Field(sa_type=Currency)
    subtotal_minor: int = Field(sa_type=BigInteger)
    """Sum of the period's own lines, restated."""
    difference_json: str = Field(sa_type=Text)
    """What differs from the figures that counted before, per service level and charge."""
    inputs_json: str = Field(sa_type=Text)
    """What it was computed from besides contract and evidence."""

    @property
    def period(self) -> Period:
        """The days that are restated."""
        return Period(self.period_start, self.period_end)

    @property
    def reference(self) -> str:
        """How it is cited: the period and the number."""
        return f"{self.period.label}/{self.number}"


class RestatementDocument(Table, table=True):
    """One document of a restatement, byte for byte."""

    __tablename__ = "restatement_document"
    __tenancy__ = through("restatement_id", RestatementRecord)
    __table_args__ = (UniqueConstraint("restatement_id", "kind"),)

    id: int = row_key()
    restatement_id: int = row_of("period_restatement.id", index=False)
    kind: DocumentKind = Field(sa_type=text_of(DocumentKind, "kind"))
    sha256: str = Field(sa_type=Sha256)
    data: bytes = Field(sa_type=LargeBinary)


class RestatementEvidence(Table, table=True):
    """An evidence table that a restatement was computed from."""

    __tablename__ = "restatement_evidence"
    __tenancy__ = through("restatement_id", RestatementRecord)
    __table_args__ = (UniqueConstraint("restatement_id", "evidence_table_id"),)

    id: int = row_key()
    restatement_id: int = row_of("period_restatement.id", index=False)
    evidence_table_id: int = row_of("evidence_table.id")


class RestatementCarried(Table, table=True):
    """The one settlement whose invoice carries a restatement's difference."""

    __tablename__ = "restatement_carried"
    __tenancy__ = through("restatement_id", RestatementRecord)

    id: int = row_key()
    restatement_id: int = Field(
        foreign_key="period_restatement.id", sa_type=BigKey, unique=True, ondelete="RESTRICT"
    )
    settlement_id: int = row_of("settlement.id")
