"""Hand in evidence, and find the tables that count."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, one_line, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement
from governance.engagements.service import agreed_contract, contract_of, require
from governance.errors import Conflict, NotFound
from sla.evidence.intake import (
    IN_PROCESS,
    Earlier,
    Kept,
    Plan,
    Prepared,
    Reader,
    Upload,
    digest_of,
    digest_of_upload,
    prepare,
    put_in_store,
)
from sla.evidence.models import (
    EvidenceComparison,
    EvidenceCorrection,
    EvidenceHandIn,
    EvidenceQuarantine,
    EvidenceSource,
    EvidenceTable,
    HandInState,
)
from sla.evidence.reading import Recognised
from sla.evidence.saved_profiles import saved_profiles
from sla.evidence.store import EvidenceStore
from sla.evidence.values import EvidenceFile, EvidenceSet

__all__ = [
    "Upload",
    "as_file",
    "counting_tables",
    "current_tables",
    "digest_of",
    "get_hand_in",
    "hand_in",
    "hand_ins",
    "keep",
    "plan_hand_in",
    "tables_of",
]


def hand_in(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    upload: Upload,
    store: EvidenceStore | Path,
    *,
    reader: Reader = IN_PROCESS,
) -> EvidenceHandIn:
    """Check every row and keep the tables; nothing counts while a row is rejected.

    A table takes the place of the engagement's earlier one of the same dataset. What was handed
    in already and still counts is recognised by its digest, and by how it would be read, and
    answered with the first hand-in.

    It is `plan_hand_in`, `prepare`, `put_in_store` and `keep` in one transaction: where others
    wait for the database, they are called one by one. Raises BadInput where a file can't be read
    at all; nothing is stored then.
    """
    place = EvidenceStore.at(store)
    plan = plan_hand_in(session, actor, engagement, upload, place)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        prepared = prepare(plan, Path(folder), reader)
        kept = put_in_store(prepared, place)
    return keep(session, actor, engagement, prepared, kept)


def plan_hand_in(
    session: Session, actor: Actor, engagement: Engagement, upload: Upload, store: EvidenceStore
) -> Plan:
    """What reading the upload needs to know; nothing is changed.

    Raises BadInput where the engagement has no agreed contract, and what the store raises.
    """
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    contract = contract_of(agreed_contract(session, engagement))
    tables = counting_tables(session, engagement)
    source_sha256 = digest_of_upload(upload)
    return Plan(
        upload,
        source_sha256,
        contract.engagement.time_zone,
        tuple(as_file(table, store) for table in tables),
        frozenset(table.id for table in tables),
        saved_profiles(session, engagement),
        _earlier(session, engagement, source_sha256),
    )


def _earlier(session: Session, engagement: Engagement, source_sha256: str) -> Earlier | None:
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
    if any(table.superseded_by_id for table in tables):
        return None
    datasets = frozenset(table.dataset for table in tables)
    return Earlier(earlier.id, Recognised(datasets, earlier.profile), earlier.profile_sha256)


def keep(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    prepared: Prepared,
    kept: Sequence[Kept],
    *,
    comparison: str = "",
) -> EvidenceHandIn:
    """Write down a hand-in whose files are in the store; from here on its tables count.

    `comparison` is what the submitter was shown before. Raises Conflict where other evidence was
    handed in since it was read, for it was checked against what counted then.
    """
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    lock_engagement(session, engagement)
    repeated = _repeated(session, actor, engagement, prepared)
    if repeated is not None:
        return repeated
    evidence = prepared.evidence
    row = _hand_in_row(actor, engagement, prepared)
    session.add(row)
    session.flush()
    session.add_all([_source_row(engagement, row, each) for each in kept])
    session.add_all(_quarantine_rows(engagement, row, evidence))
    corrects = prepared.upload.corrects
    _add_relations(session, actor, engagement, row, corrects=corrects, comparison=comparison)
    if row.state is HandInState.ACCEPTED:
        _add_tables(session, engagement, row, evidence.files)
    _record(session, actor, engagement, row, prepared)
    return row


def _repeated(
    session: Session, actor: Actor, engagement: Engagement, prepared: Prepared
) -> EvidenceHandIn | None:
    """The same hand-in, made before or at the same moment; None where this one is new."""
    if prepared.repeats is not None:
        return get_hand_in(session, actor, engagement, prepared.repeats)
    counting = {table.id for table in counting_tables(session, engagement)}
    if counting == prepared.known_ids:
        return None
    earlier = _earlier(session, engagement, prepared.source_sha256)
    datasets = frozenset(file.dataset for file in prepared.evidence.files)
    if earlier and earlier.recognised == Recognised(datasets, prepared.evidence.profile):
        return get_hand_in(session, actor, engagement, earlier.hand_in_id)
    raise Conflict(
        "other evidence was handed in while this one was read, so its references were checked"
        " against tables that don't count any more; hand it in again"
    )


def _hand_in_row(actor: Actor, engagement: Engagement, prepared: Prepared) -> EvidenceHandIn:
    evidence = prepared.evidence
    return EvidenceHandIn(
        engagement_id=engagement.id,
        source_name=one_line(prepared.upload.name)[:255],
        source_sha256=prepared.source_sha256,
        profile=evidence.profile,
        profile_sha256=prepared.profile_sha256,
        state=HandInState.REJECTED if prepared.is_rejected else HandInState.ACCEPTED,
        rejections_json=json.dumps([one.as_json() for one in evidence.rejections]),
        rejected_rows=sum((evidence.rejected_rows or {}).values()) or len(evidence.rejections),
        findings_json=json.dumps([asdict(one) for one in evidence.findings]),
        handed_in_at=actor.at,
        handed_in_by_id=actor.signed_in_id,
    )


def _source_row(engagement: Engagement, row: EvidenceHandIn, kept: Kept) -> EvidenceSource:
    return EvidenceSource(
        engagement_id=engagement.id,
        hand_in_id=row.id,
        kind=kept.kind,
        name=kept.name,
        corrects=kept.corrects,
        sha256=kept.sha256,
        suffix=kept.suffix,
        size=kept.size,
    )


def _quarantine_rows(
    engagement: Engagement, row: EvidenceHandIn, evidence: EvidenceSet
) -> list[EvidenceQuarantine]:
    return [
        EvidenceQuarantine(
            engagement_id=engagement.id,
            hand_in_id=row.id,
            file=each.file,
            rows=each.rows,
            sha256=each.sha256,
            reasons_json=json.dumps([asdict(r) for r in evidence.reasons if r.file == each.file]),
        )
        for each in evidence.quarantined
    ]


def _add_relations(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: EvidenceHandIn,
    *,
    corrects: int | None,
    comparison: str,
) -> None:
    """What it corrects, and what it was seen to change."""
    if corrects is not None:
        corrected = get_hand_in(session, actor, engagement, corrects)
        session.add(
            EvidenceCorrection(
                engagement_id=engagement.id, hand_in_id=row.id, corrects_id=corrected.id
            )
        )
    if comparison:
        session.add(
            EvidenceComparison(
                engagement_id=engagement.id, hand_in_id=row.id, comparison_json=comparison
            )
        )
    session.flush()


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
    session: Session, actor: Actor, engagement: Engagement, row: EvidenceHandIn, prepared: Prepared
) -> None:
    accepted = row.state is HandInState.ACCEPTED
    tables = [file.digest.as_json() for file in prepared.evidence.files] if accepted else []
    after = {
        "source_sha256": row.source_sha256,
        "rejected_rows": row.rejected_rows,
        "tables": tables,
        "profile_sha256": row.profile_sha256,
        "corrects": prepared.upload.corrects,
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


def as_file(table: EvidenceTable, store: EvidenceStore | Path) -> EvidenceFile:
    """A stored table as calculations take it; raises what `EvidenceStore.local` raises."""
    return EvidenceFile(
        dataset=table.dataset,
        sha256=table.sha256,
        path=EvidenceStore.at(store).local(table.sha256),
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
