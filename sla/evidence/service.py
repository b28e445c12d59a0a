"""Hand in evidence, and find the tables that count."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, one_line, record
from governance.engagements.models import Engagement
from governance.engagements.service import agreed_contract, contract_of, require
from governance.errors import NotFound
from sla.evidence.discovery import find_sources
from sla.evidence.models import EvidenceHandIn, EvidenceTable, HandInState
from sla.evidence.profiles import Profile, shipped_profiles
from sla.evidence.reading import profile_of, read_evidence
from sla.evidence.values import EvidenceFile, EvidenceSet

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """Evidence as it comes in."""

    source: Path
    """A file, or a folder with one file a dataset."""
    name: str
    """What the submitter calls it."""
    profile: Profile | None = None
    """The import profile to read it with; None looks for one by itself."""
    accept_rejections: bool = False
    """Whether the submitter accepts that rejected rows are left out."""


def hand_in(
    session: Session, actor: Actor, engagement: Engagement, upload: Upload, store: Path
) -> EvidenceHandIn:
    """Check every row and keep the tables; nothing counts while a row is rejected.

    A table takes the place of the engagement's earlier one of the same dataset. What was handed
    in already and still counts is recognised by its digest, and by how it would be read, and
    answered with the first hand-in.

    Raises BadInput where a file can't be read at all; nothing is stored then.
    """
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    _lock(session, engagement)
    source_sha256 = digest_of(upload.source)
    repeated = _still_counting(session, engagement, upload, source_sha256)
    if repeated is not None:
        return repeated
    contract = contract_of(agreed_contract(session, engagement))
    evidence = read_evidence(
        upload.source,
        store,
        upload.profile,
        time_zone=contract.engagement.time_zone,
        accept_rejections=upload.accept_rejections,
        known=[as_file(table, store) for table in counting_tables(session, engagement)],
    )
    row = _hand_in_row(actor, engagement, upload, evidence, source_sha256)
    session.add(row)
    session.flush()
    if row.state is HandInState.ACCEPTED:
        _add_tables(session, engagement, row, evidence.files)
    _record(session, actor, engagement, row, evidence)
    return row


def digest_of(source: Path) -> str:
    """SHA-256 of a file, or of the names and digests of a folder's files."""
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.is_file())
        listing = "".join(f"{digest_of(path)}  {path.name}\n" for path in files)
        return sha256(listing.encode()).hexdigest()
    total = sha256()
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def _lock(session: Session, engagement: Engagement) -> None:
    """Hand-ins of one engagement follow one another: each may supersede the one before."""
    session.execute(
        select(col(Engagement.id))
        .where(col(Engagement.id) == engagement.id)
        .with_for_update(key_share=True)
    )


def _still_counting(
    session: Session, engagement: Engagement, upload: Upload, source_sha256: str
) -> EvidenceHandIn | None:
    """The accepted hand-in of the same source, if none of its tables was corrected since.

    The same bytes may be read in another way, by another file name or profile: then they are new.
    """
    earlier = session.scalars(
        select(EvidenceHandIn)
        .where(
            col(EvidenceHandIn.engagement_id) == engagement.id,
            col(EvidenceHandIn.source_sha256) == source_sha256,
            col(EvidenceHandIn.state) == HandInState.ACCEPTED,
        )
        .order_by(col(EvidenceHandIn.id).desc())
    ).first()
    if earlier is None:
        return None
    tables = tables_of(session, earlier)
    corrected = any(table.superseded_by_id for table in tables)
    return None if corrected or not _read_alike(upload, earlier, tables) else earlier


def _read_alike(upload: Upload, earlier: EvidenceHandIn, tables: Sequence[EvidenceTable]) -> bool:
    """Whether the upload would yield the same datasets through the same profile as before."""
    if upload.profile is not None and upload.profile not in shipped_profiles():
        # Its name is all that was kept of it; under the same name it may have been edited.
        return False
    found = find_sources(upload.source, upload.profile)
    datasets = {name for handed in found.files for name in handed.datasets}
    return datasets == {table.dataset for table in tables} and profile_of(found) == earlier.profile


def _hand_in_row(
    actor: Actor,
    engagement: Engagement,
    upload: Upload,
    evidence: EvidenceSet,
    source_sha256: str,
) -> EvidenceHandIn:
    rejected = bool(evidence.rejections) and not upload.accept_rejections
    return EvidenceHandIn(
        engagement_id=engagement.id,
        source_name=one_line(upload.name)[:255],
        source_sha256=source_sha256,
        profile=evidence.profile,
        state=HandInState.REJECTED if rejected else HandInState.ACCEPTED,
        rejections_json=json.dumps([one.as_json() for one in evidence.rejections]),
        rejected_rows=sum((evidence.rejected_rows or {}).values()) or len(evidence.rejections),
        findings_json=json.dumps([asdict(one) for one in evidence.findings]),
        handed_in_at=actor.at,
        handed_in_by_id=actor.signed_in_id,
    )


def _add_tables(
    session: Session, engagement: Engagement, row: EvidenceHandIn, files: Sequence[EvidenceFile]
) -> None:
    for file in files:
        table = EvidenceTable(
            engagement_id=engagement.id,
            hand_in_id=row.id,
            dataset=file.dataset,
            sha256=file.sha256,
            rows=file.rows,
            source=file.source,
            source_sha256=file.source_sha256,
        )
        before = session.scalars(
            _counting(engagement).where(col(EvidenceTable.dataset) == file.dataset)
        ).all()
        session.add(table)
        session.flush()
        for one in before:
            one.superseded_by_id = table.id
    session.flush()


def _record(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: EvidenceHandIn,
    evidence: EvidenceSet,
) -> None:
    accepted = row.state is HandInState.ACCEPTED
    after = {
        "source_sha256": row.source_sha256,
        "rejected_rows": row.rejected_rows,
        "tables": [file.digest.as_json() for file in evidence.files] if accepted else [],
    }
    action = Action.EVIDENCE_ACCEPTED if accepted else Action.EVIDENCE_REJECTED
    record(
        session,
        actor,
        Change(action, "evidence_hand_in", row.id, row.source_name, engagement.id, None, after),
    )


def _counting(engagement: Engagement) -> Select[EvidenceTable]:
    return (
        select(EvidenceTable)
        .where(
            col(EvidenceTable.engagement_id) == engagement.id,
            col(EvidenceTable.superseded_by_id).is_(None),
        )
        .order_by(col(EvidenceTable.dataset), col(EvidenceTable.id))
    )


def counting_tables(session: Session, engagement: Engagement) -> tuple[EvidenceTable, ...]:
    """The tables that count now, by dataset; the caller has checked the permission."""
    return tuple(session.scalars(_counting(engagement)))


def current_tables(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[EvidenceTable, ...]:
    """The tables that count now, by dataset."""
    require(session, actor, engagement, Permission.VIEW)
    return counting_tables(session, engagement)


def as_file(table: EvidenceTable, store: Path) -> EvidenceFile:
    """A stored table as calculations take it."""
    return EvidenceFile(
        dataset=table.dataset,
        sha256=table.sha256,
        path=store / f"{table.sha256}.parquet",
        rows=table.rows,
        source=table.source,
        source_sha256=table.source_sha256,
    )


def hand_ins(session: Session, actor: Actor, engagement: Engagement) -> tuple[EvidenceHandIn, ...]:
    """All hand-ins of an engagement, rejected ones too, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(EvidenceHandIn)
        .where(col(EvidenceHandIn.engagement_id) == engagement.id)
        .order_by(col(EvidenceHandIn.id).desc())
    )
    return tuple(found)


def get_hand_in(
    session: Session, actor: Actor, engagement: Engagement, hand_in_id: int
) -> EvidenceHandIn:
    """One hand-in of the engagement; NotFound where it has none of that id."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.execute(
        select(EvidenceHandIn).where(
            col(EvidenceHandIn.id) == hand_in_id,
            col(EvidenceHandIn.engagement_id) == engagement.id,
        )
    ).scalar_one_or_none()
    if row is None:
        raise NotFound("there is no such hand-in")
    return row


def tables_of(session: Session, row: EvidenceHandIn) -> tuple[EvidenceTable, ...]:
    """The tables that came out of a hand-in, by dataset."""
    found = session.scalars(
        select(EvidenceTable)
        .where(col(EvidenceTable.hand_in_id) == row.id)
        .order_by(col(EvidenceTable.dataset))
    )
    return tuple(found)
