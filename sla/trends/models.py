"""Table of computed trends: what one look at the evidence of a day said."""

from __future__ import annotations

import json
from datetime import date, datetime

from sqlalchemy import Date, Index, Text
from sqlmodel import Field

from governance.tables import Sha256, Table, UtcDateTime, row_key, row_of
from sla.trends.serialise import trends_of
from sla.trends.values import Trends


class TrendReport(Table, table=True):
    """The trends and forecasts of all service levels, kept as they were computed."""

    __tablename__ = "trend_report"
    __table_args__ = (Index(None, "engagement_id", "id"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    contract_version_id: int = row_of("contract_version.id")
    inputs_sha256: str = Field(sa_type=Sha256)
    """Digest of what it was computed from: contract, evidence tables, settled periods."""
    as_of: date = Field(sa_type=Date)
    document: str = Field(sa_type=Text)
    """Canonical JSON."""
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by_id: int = row_of("user_account.id")

    @property
    def trends(self) -> Trends:
        """The document as values."""
        return trends_of(json.loads(self.document))
