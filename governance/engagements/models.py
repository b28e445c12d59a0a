"""Tables of engagements and the versions of their contracts."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from governance.contract.engagement import Model
from governance.tables import Currency, Sha256, Table, UtcDateTime, row_key, row_of, text_of


class Engagement(Table, table=True):
    """A client and a provider bound by one contract, through all its versions."""

    __tablename__ = "engagement"

    id: int = row_key()
    reference: str = Field(sa_type=Text, unique=True)
    title: str = Field(sa_type=Text)
    model: Model = Field(sa_type=text_of(Model, "model"))
    client_id: int = row_of("organisation.id")
    provider_id: int = row_of("organisation.id")
    currency: str = Field(sa_type=Currency)
    created_at: datetime = Field(sa_type=UtcDateTime)


class ContractVersion(Table, table=True):
    """A contract document exactly as it was handed in; rows are only ever added."""

    __tablename__ = "contract_version"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        UniqueConstraint("engagement_id", "sha256"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 in the engagement."""
    file_name: str = Field(sa_type=Text)
    document: bytes = Field(sa_type=LargeBinary)
    sha256: str = Field(sa_type=Sha256)
    effective_from: date = Field(sa_type=Date)
    """First day on which this version governs; the highest number of a day wins."""
    added_at: datetime = Field(sa_type=UtcDateTime)
    added_by_id: int = row_of("user_account.id")
