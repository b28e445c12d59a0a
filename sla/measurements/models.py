"""Tables of measured periods, frozen with the contract version and evidence they used."""

from __future__ import annotations

import json
from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from governance.contract.kpi_signature import Direction
from governance.tables import Currency, Sha256, Table, UtcDateTime, row_key, row_of, text_of
from governance.tenancy import through
from sla.evidence.values import EvidenceDigest
from sla.measurements.values import Status


class MeasuredPeriodRecord(Table, table=True):
    """All service levels of an engagement in one period, measured once."""

    __tablename__ = "measured_period"
    __table_args__ = (Index(None, "engagement_id", "period_start"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    contract_version_id: int = row_of("contract_version.id")
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    currency: str = Field(sa_type=Currency)
    warnings_json: str = Field(default="[]", sa_type=Text)
    restatement: int = Field(default=0, sa_type=Integer)
    """0 for the period itself, else the number of its restatement."""
    measured_at: datetime = Field(sa_type=UtcDateTime)
    measured_by_id: int = row_of("user_account.id")


class MeasurementRecord(Table, table=True):
    """One service level in one period. Decimals are text, so that no digit is lost."""

    __tablename__ = "measurement"
    __tenancy__ = through("measured_period_id", MeasuredPeriodRecord)
    __table_args__ = (UniqueConstraint("measured_period_id", "service_level"),)

    id: int = row_key()
    measured_period_id: int = row_of("measured_period.id", index=False)
    service_level: str = Field(sa_type=Text)
    kpi: str = Field(sa_type=Text)
    parameters_json: str = Field(sa_type=Text)
    window_start: date = Field(sa_type=Date)
    window_end: date = Field(sa_type=Date)
    unit: str = Field(sa_type=Text)
    direction: Direction = Field(sa_type=text_of(Direction, "direction"))
    unrounded: str | None = Field(default=None, sa_type=Text)
    value: str | None = Field(default=None, sa_type=Text)
    expected: str = Field(sa_type=Text)
    minimum: str | None = Field(default=None, sa_type=Text)
    status: Status = Field(sa_type=text_of(Status, "status"))
    consequential: bool = Field(sa_type=Boolean)
    numerator: str | None = Field(default=None, sa_type=Text)
    denominator: str | None = Field(default=None, sa_type=Text)
    rows: int = Field(sa_type=BigInteger)
    evidence_json: str = Field(sa_type=Text)
    definition_sha256: str = Field(sa_type=Sha256)
    version_number: int | None = Field(default=None, sa_type=Integer)
    """Number of the contract version that governs it."""
    version_sha256: str | None = Field(default=None, sa_type=Sha256)
    round_to: int | None = Field(default=None, sa_type=Integer)
    no_consequence: str | None = Field(default=None, sa_type=Text)
    without_relief_json: str | None = Field(default=None, sa_type=Text)
    computed_json: str | None = Field(default=None, sa_type=Text)
    earlier_terms_json: str | None = Field(default=None, sa_type=Text)
    promise_json: str | None = Field(default=None, sa_type=Text)
    """How a ratchet came to `expected`, and with which values."""

    @property
    def parameters(self) -> dict[str, str]:
        """The KPI's parameters as they were used."""
        return dict(json.loads(self.parameters_json))

    @property
    def risen(self) -> str:
        """How a ratchet moved `expected`, in half a sentence; empty where none has."""
        return str(json.loads(self.promise_json)["why"]) if self.promise_json else ""

    @property
    def evidence(self) -> tuple[EvidenceDigest, ...]:
        """The tables that the value was computed from."""
        return tuple(EvidenceDigest(**one) for one in json.loads(self.evidence_json))
