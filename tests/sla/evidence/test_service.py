"""Evidence handed in: all of it counts or nothing, corrections supersede, copies are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from governance.access import Role
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.models import Engagement
from governance.errors import BadInput, Forbidden, NotFound
from sla.evidence.models import EvidenceHandIn, EvidenceTable, HandInState
from sla.evidence.profiles import shipped_profiles
from sla.evidence.service import (
    Upload,
    as_file,
    current_tables,
    digest_of,
    get_hand_in,
    hand_in,
    hand_ins,
    tables_of,
)
from tests.factories import (
    INVOICES,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    write_evidence_folder,
)
from tests.paths import SHARED_DATA

BROKEN = INVOICES.replace("2026-01-10", "31/02/2026")


def _count(session: Session, table: type[EvidenceHandIn | EvidenceTable]) -> int:
    count: int = session.execute(select(func.count()).select_from(table)).scalar_one()
    return count


def _stored(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "store").glob("*.parquet"))


def test_tables_are_kept_under_their_digest(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    row = make_evidence(session, actor, engagement, tmp_path)
    tables = current_tables(session, actor, engagement)
    assert row.state is HandInState.ACCEPTED
    assert [(one.dataset, one.rows) for one in tables] == [
        ("allocations", 2),
        ("invoices", 4),
        ("receipts", 2),
    ]
    assert _stored(tmp_path) == sorted(one.sha256 for one in tables)
    assert tables == tables_of(session, row)
    path = as_file(tables[0], tmp_path / "store").path
    assert digest_of(path) == tables[0].sha256


def test_one_rejected_row_and_nothing_counts(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    source = write_evidence_folder(tmp_path / "bad", invoices=BROKEN)
    row = hand_in(session, actor, engagement, Upload(source, "bad"), tmp_path / "store")
    session.expire(row)
    assert (row.state, row.rejected_rows) == (HandInState.REJECTED, 1)
    assert [(one.row, one.column, one.value) for one in row.rejections] == [
        (2, "issue_date", "31/02/2026")
    ]
    assert current_tables(session, actor, engagement) == ()
    assert _stored(tmp_path) == []
    assert events_of(session, engagement.id)[0].action is Action.EVIDENCE_REJECTED


def test_rejected_rows_may_be_accepted_as_left_out(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    source = write_evidence_folder(tmp_path / "bad", invoices=BROKEN)
    upload = Upload(source, "bad", accept_rejections=True)
    row = hand_in(session, actor, engagement, upload, tmp_path / "store")
    assert (row.state, len(row.rejections)) == (HandInState.ACCEPTED, 1)
    invoices = [one for one in current_tables(session, actor, engagement) if one.rows == 3]
    assert [one.dataset for one in invoices] == ["invoices"]


def test_the_same_files_again_are_recognised(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    first = make_evidence(session, actor, engagement, tmp_path)
    again = make_evidence(session, actor, engagement, tmp_path)
    assert again is first
    assert _count(session, EvidenceHandIn) == 1
    assert len(events_of(session, engagement.id)) == 2


def test_a_correction_supersedes_and_its_reversal_too(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    first = make_evidence(session, actor, engagement, tmp_path)
    corrected = write_evidence_folder(
        tmp_path / "corrected", invoices=INVOICES.replace("400.00", "450.00")
    )
    second = hand_in(session, actor, engagement, Upload(corrected, "fix"), tmp_path / "store")
    (old,) = [one for one in tables_of(session, first) if one.dataset == "invoices"]
    (new,) = [one for one in tables_of(session, second) if one.dataset == "invoices"]
    assert old.superseded_by_id == new.id
    assert new in current_tables(session, actor, engagement)
    third = make_evidence(session, actor, engagement, tmp_path)
    assert third is not first
    assert [one.id for one in hand_ins(session, actor, engagement)] == [
        third.id,
        second.id,
        first.id,
    ]
    assert current_tables(session, actor, engagement) == tables_of(session, third)


def test_a_file_that_cannot_be_read_leaves_nothing(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    broken = tmp_path / "invoices.parquet"
    broken.touch()
    with pytest.raises(BadInput):
        hand_in(session, actor, engagement, Upload(broken, "x"), tmp_path / "store")
    assert _count(session, EvidenceHandIn) == 0
    assert _stored(tmp_path) == []


def test_evidence_is_for_members_with_the_permission(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    row = make_evidence(session, actor, engagement, tmp_path)
    stranger, auditor = make_actor(session), make_member(session, engagement, Role.AUDITOR)
    with pytest.raises(NotFound):
        make_evidence(session, stranger, engagement, tmp_path)
    with pytest.raises(Forbidden):
        make_evidence(session, auditor, engagement, tmp_path)
    with pytest.raises(NotFound):
        hand_ins(session, stranger, engagement)
    with pytest.raises(NotFound):
        current_tables(session, stranger, engagement)
    assert get_hand_in(session, auditor, engagement, row.id) is row


def test_a_hand_in_is_found_in_its_own_engagement_only(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    first = make_engagement(session, actor)
    second: Engagement = make_engagement(session, actor, "ENG-2")
    row = make_evidence(session, actor, first, tmp_path)
    with pytest.raises(NotFound):
        get_hand_in(session, actor, second, row.id)


def test_the_same_bytes_as_another_dataset_are_read_anew(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    heading = "invoice_id,customer_id,issue_date,due_date,currency,amount,receipt_id,received_at\n"
    row = "I1,C1,2026-01-02,2026-02-01,EUR,100.00,R1,2026-01-02\n"
    handed = []
    for name in ("invoices.csv", "receipts.csv", "receipts-1a2b3c4d.csv"):
        source = tmp_path / name
        source.write_text(heading + row)
        handed.append(hand_in(session, actor, engagement, Upload(source, name), tmp_path / "store"))
    assert handed[1] is not handed[0]
    assert handed[2] is handed[1]
    assert {one.dataset for one in current_tables(session, actor, engagement)} == {
        "invoices",
        "receipts",
    }


def test_the_same_bytes_with_another_profile_are_read_anew(
    session: Session, tmp_path: Path
) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    source = SHARED_DATA / "ibm_late_payments.csv"
    (shipped,) = [each for each in shipped_profiles() if "ibm" in each.name]
    first, again, chosen, edited = (
        hand_in(session, actor, engagement, Upload(source, "x", profile), tmp_path / "store")
        for profile in (None, None, shipped, shipped.model_copy(update={"title": "Edited"}))
    )
    assert again is first
    assert chosen is first
    assert edited is not first
