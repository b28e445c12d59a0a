"""Tables of evidence: each hand-in, and the immutable tables that came out of it."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint
from sqlmodel import Field

from governance.audit.models import NOT_AUDITED
from governance.tables import Sha256, Table, UtcDateTime, maybe_row_of, row_key, row_of, text_of
from sla.evidence.values import Finding, ReasonCount, Rejection


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
    profile_sha256: str | None = Field(default=None, sa_type=Sha256)
    """Digest of that profile's text; None where there is none, or it wasn't kept then."""
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


class SourceKind(StrEnum):
    """What a kept file is."""

    FILE = "file"
    """Evidence as it was handed in."""
    FIXES = "fixes"
    """Corrected rows of another file, to be put in the place of those that were rejected."""


class EvidenceSource(Table, table=True):
    """One file as it was handed in, byte for byte, so that anyone can read it again."""

    __tablename__ = "evidence_source"
    __table_args__ = (Index(None, "engagement_id", "sha256"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    hand_in_id: int = row_of("evidence_hand_in.id")
    kind: SourceKind = Field(sa_type=text_of(SourceKind, "kind"))
    name: str = Field(sa_type=Text)
    corrects: str = Field(default="", sa_type=Text)
    """For fixes: the name of the file whose rows they correct."""
    sha256: str = Field(sa_type=Sha256)
    suffix: str = Field(sa_type=String(16))
    """With which the store keeps it."""
    size: int = Field(sa_type=BigInteger)


class EvidenceQuarantine(Table, table=True):
    """The rejected rows of one file of a hand-in, in full, as a CSV file of the store."""

    __tablename__ = "evidence_quarantine"
    __table_args__ = (Index(None, "engagement_id"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    hand_in_id: int = row_of("evidence_hand_in.id")
    file: str = Field(sa_type=Text)
    rows: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Sha256)
    reasons_json: str = Field(sa_type=Text)

    @property
    def reasons(self) -> tuple[ReasonCount, ...]:
        """Why rows were rejected, the most frequent reason first."""
        return tuple(ReasonCount(**one) for one in json.loads(self.reasons_json))


class EvidenceCorrection(Table, table=True):
    """Which hand-in corrects the rejected rows of which."""

    __tablename__ = "evidence_correction"
    __table_args__ = (Index(None, "engagement_id"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    hand_in_id: int = row_of("evidence_hand_in.id")
    corrects_id: int = row_of("evidence_hand_in.id")


class EvidenceComparison(Table, table=True):
    """What a hand-in changed in rows and in measured figures, as it was shown before it counted."""

    __tablename__ = "evidence_comparison"
    __table_args__ = (Index(None, "engagement_id"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    hand_in_id: int = row_of("evidence_hand_in.id")
    comparison_json: str = Field(sa_type=Text)


class ImportProfile(Table, table=True):
    """One version of an engagement's own import profile; its text never changes."""

    __tablename__ = "import_profile"
    __table_args__ = (UniqueConstraint("engagement_id", "name", "version"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    name: str = Field(sa_type=Text)
    version: int = Field(sa_type=Integer)
    title: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Sha256)
    text: str = Field(sa_type=Text)
    """YAML, exactly as it was saved; `sha256` is the digest of its UTF-8 bytes."""
    saved_at: datetime = Field(sa_type=UtcDateTime)
    saved_by_id: int = row_of("user_account.id")


class DraftKind(StrEnum):
    """What an upload waits for."""

    GUIDED = "guided"
    """Answers on how it is to be read."""
    COMPARED = "compared"
    """The decision whether it takes the place of what counts."""


class ImportDraft(Table, table=True):
    """An upload that waits for a decision; it counts for nothing and goes when it expires."""

    __tablename__ = "import_draft"
    __table_args__ = (
        Index(None, "engagement_id"),
        {"info": {NOT_AUDITED: "it waits for a decision, and the hand-in that follows is audited"}},
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    kind: DraftKind = Field(sa_type=text_of(DraftKind, "kind"))
    folder: str = Field(sa_type=String(64))
    """Where its files lie, below the folder of waiting uploads; drawn, never guessed."""
    source_name: str = Field(sa_type=Text)
    source_sha256: str = Field(sa_type=Sha256)
    answers_json: str = Field(default="{}", sa_type=Text)
    """What was answered so far, by the key of the choice."""
    profile_text: str = Field(default="", sa_type=Text)
    """The profile as a person edited it; empty while it follows from the answers."""
    prepared_json: str = Field(default="", sa_type=Text)
    """What was read, for the decision; empty while there are questions."""
    comparison_json: str = Field(default="", sa_type=Text)
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by_id: int = row_of("user_account.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def answers(self) -> dict[str, str]:
        """What was answered so far."""
        answers: dict[str, str] = json.loads(self.answers_json)
        return answers
