"""Tables of evidence: each hand-in, and the immutable tables that came out of it."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field

from governance.tables import Sha256, Table, UtcDateTime, maybe_row_of, row_key, row_of, text_of
from sla.evidence.values import Finding, Rejection


class HandInState(StrEnum):
    """Whether a hand-in counts; a rejected one has no tables."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class EvidenceHandIn(Table, table=True):
    """One file or folder as it was handed in, with what was found while reading it."""

    __tablename__ = "evidence_hand_in"
    __table_args__ = (Index(None, "engagement_id", "source_sha256"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    source_name: str = Field(sa_type=Text)
    source_sha256: str = Field(sa_type=Sha256)
    profile: str | None = Field(default=None, sa_type=Text)
    """Name of the import profile; None for the product's own columns."""
    state: HandInState = Field(sa_type=text_of(HandInState, "state"))
    rejections_json: str = Field(default="[]", sa_type=Text)
    rejected_rows: int = Field(default=0, sa_type=BigInteger)
    """How many rows were rejected, also where not all are listed."""
    findings_json: str = Field(default="[]", sa_type=Text)
    handed_in_at: datetime = Field(sa_type=UtcDateTime)
    handed_in_by_id: int = row_of("user_account.id")

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """The rejected rows, as far as they are listed."""
        return tuple(Rejection(**one) for one in json.loads(self.rejections_json))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What people should look at; it never changes a figure."""
        return tuple(Finding(**one) for one in json.loads(self.findings_json))


class EvidenceTable(Table, table=True):
    """One dataset of a hand-in, stored as the Parquet file that its SHA-256 names."""

    __tablename__ = "evidence_table"
    __table_args__ = (Index(None, "engagement_id", "dataset"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    hand_in_id: int = row_of("evidence_hand_in.id")
    dataset: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Sha256)
    rows: int = Field(sa_type=BigInteger)
    source: str = Field(sa_type=Text)
    source_sha256: str = Field(sa_type=Sha256)
    superseded_by_id: int | None = maybe_row_of("evidence_table.id")
    """The table that corrects this one; None while it counts."""
