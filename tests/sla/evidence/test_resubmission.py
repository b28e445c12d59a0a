"""Rejected rows: taken out as a file, corrected, merged with the rest, and checked again."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from governance.access import Actor
from governance.engagements.models import Engagement
from governance.errors import BadInput, NotFound
from sla.evidence.fixes import Fixes
from sla.evidence.models import EvidenceHandIn, HandInState, SourceKind
from sla.evidence.quarantine import harmless, original
from sla.evidence.resubmission import (
    Again,
    corrections_of,
    get_quarantine,
    get_source,
    quarantines_of,
    sources_of,
    upload_again,
)
from sla.evidence.service import Upload, current_tables, hand_in
from sla.evidence.store import EvidenceStore
from tests.factories import make_actor, make_engagement

HEADING = "invoice_id,customer_id,issue_date,due_date,currency,amount,channel\n"
GOOD = "I-1,C-1,2026-01-05,2026-01-20,EUR,100.00,mail\n"
WRONG_DAY = "I-2,C-1,05.01.2026,2026-01-20,EUR,200.00,=1+1\n"
WRONG_AMOUNT = "I-3,C-1,2026-01-05,2026-01-20,EUR,much,'x\n"
WRONG_WIDTH = "I-4,C-1,2026-01-05\n"


def _hand_in(
    session: Session, actor: Actor, engagement: Engagement, folder: Path, data: str | bytes
) -> EvidenceHandIn:
    source = folder / "invoices.csv"
    source.write_bytes(data.encode() if isinstance(data, str) else data)
    return hand_in(session, actor, engagement, Upload(source, "January"), folder / "store")


def _rejected(session: Session, row: EvidenceHandIn, folder: Path) -> list[dict[str, str]]:
    (found,) = quarantines_of(session, row)
    path = EvidenceStore.at(folder / "store").local(found.sha256, ".csv")
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


def _fixed(rows: list[dict[str, str]], **changes: str) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0])
    writer.writeheader()
    writer.writerows(row | changes for row in rows)
    return stream.getvalue()


def _again(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: EvidenceHandIn,
    folder: Path,
    again: Again,
) -> EvidenceHandIn:
    place = folder / f"again {row.id}"
    store = EvidenceStore.at(folder / "store")
    upload = upload_again(session, actor, engagement, row, again, store=store, folder=place)
    return hand_in(session, actor, engagement, upload, store)


def _fixes(folder: Path, text: str) -> Again:
    path = folder / "corrected.csv"
    path.write_text(text, encoding="utf-8")
    return Again(fixes=Fixes("invoices.csv", path, "corrected.csv"))


def test_the_download_holds_the_rejected_rows_alone(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    data = HEADING + GOOD + WRONG_DAY + WRONG_AMOUNT + WRONG_WIDTH
    row = _hand_in(session, actor, engagement, tmp_path, data)
    first, second, third = _rejected(session, row, tmp_path)
    assert [first["invoice_id"], first["channel"]] == ["I-2", "'=1+1"]
    assert [second["invoice_id"], second["channel"]] == ["I-3", "''x"]
    assert [one["plumbline_row"] for one in (first, second, third)] == ["2", "3", "4"]
    assert [one["plumbline_line"] for one in (first, second, third)] == ["3", "4", "5"]
    assert "issue_date: not a date" in first["plumbline_reason"]
    assert third["plumbline_text"].startswith("I-4,C-1")
    (quarantine,) = quarantines_of(session, row)
    assert {(one.column, one.rows) for one in quarantine.reasons} == {
        ("issue_date", 1),
        ("amount", 1),
        ("", 1),
    }


def test_corrected_rows_join_the_rest_step_by_step(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    data = HEADING + GOOD + WRONG_DAY + WRONG_AMOUNT
    row = _hand_in(session, actor, engagement, tmp_path, data)
    rows = _rejected(session, row, tmp_path)
    fixed = _fixes(tmp_path, _fixed(rows[:1], issue_date="2026-01-05"))
    second = _again(session, actor, engagement, row, tmp_path, fixed)
    assert (second.state, second.rejected_rows) == (HandInState.REJECTED, 1)
    assert current_tables(session, actor, engagement) == ()
    left = _rejected(session, second, tmp_path)
    assert [one["invoice_id"] for one in left] == ["I-3"]
    fixed = _fixes(tmp_path, _fixed(left, amount="300.00"))
    third = _again(session, actor, engagement, second, tmp_path, fixed)
    assert third.state is HandInState.ACCEPTED
    (table,) = current_tables(session, actor, engagement)
    assert table.rows == 3
    assert [one.kind for one in sources_of(session, third)] == [
        SourceKind.FILE,
        SourceKind.FIXES,
        SourceKind.FIXES,
    ]
    corrections = corrections_of(session, second)
    assert corrections.corrects is row
    assert corrections.corrected_by == (third,)


def test_what_nobody_corrected_is_read_exactly_as_before(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    row = _hand_in(session, actor, engagement, tmp_path, HEADING + GOOD + WRONG_DAY + WRONG_AMOUNT)
    rows = _rejected(session, row, tmp_path)
    whole = _fixed(rows, issue_date="2026-01-05", amount="7.00")
    corrected = _again(session, actor, engagement, row, tmp_path, _fixes(tmp_path, whole))
    (table,) = current_tables(session, actor, engagement)
    plain = HEADING + GOOD + WRONG_DAY + WRONG_AMOUNT
    plain = plain.replace("05.01.2026", "2026-01-05").replace("200.00", "7.00")
    other = make_engagement(session, actor, "ENG-2")
    _hand_in(session, actor, other, tmp_path, plain.replace("much", "7.00"))
    assert corrected.state is HandInState.ACCEPTED
    assert table.sha256 == current_tables(session, actor, other)[0].sha256


def test_rejected_rows_are_left_out_afterwards(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    row = _hand_in(session, actor, engagement, tmp_path, HEADING + GOOD + WRONG_DAY)
    again = _again(session, actor, engagement, row, tmp_path, Again(accept_rejections=True))
    assert (again.state, again.rejected_rows) == (HandInState.ACCEPTED, 1)
    assert [one.rows for one in current_tables(session, actor, engagement)] == [1]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("plumbline_row", "row", "the column 'plumbline_row' is missing"),
        (",2,3,", ",77,3,", "this isn't a row of invoices.csv"),
        (",2,3,", ",,3,", "this isn't a row of invoices.csv"),
    ],
)
def test_corrections_that_fit_nowhere(
    session: Session, tmp_path: Path, old: str, new: str, what: str
) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    row = _hand_in(session, actor, engagement, tmp_path, HEADING + GOOD + WRONG_DAY)
    text = _fixed(_rejected(session, row, tmp_path), issue_date="2026-01-05").replace(old, new)
    with pytest.raises(BadInput, match=what):
        _again(session, actor, engagement, row, tmp_path, _fixes(tmp_path, text))


def test_a_row_is_corrected_once(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    row = _hand_in(session, actor, engagement, tmp_path, HEADING + GOOD + WRONG_DAY)
    rows = _rejected(session, row, tmp_path)
    with pytest.raises(BadInput, match="corrected twice"):
        _again(session, actor, engagement, row, tmp_path, _fixes(tmp_path, _fixed(rows * 2)))


def test_rows_of_a_workbook_are_corrected_too(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    book = openpyxl.Workbook()
    for line in (HEADING + GOOD + WRONG_DAY).splitlines():
        book.active.append(
            [f"'{text}" if text.startswith("=") else text for text in line.split(",")]
        )
    book.save(tmp_path / "invoices.xlsx")
    upload = Upload(tmp_path / "invoices.xlsx", "book")
    row = hand_in(session, actor, engagement, upload, tmp_path / "store")
    assert row.rejections[0].place == "invoices.xlsx, sheet Sheet"
    (one,) = _rejected(session, row, tmp_path)
    path = tmp_path / "corrected.csv"
    path.write_text(_fixed([one], issue_date="2026-01-05"), encoding="utf-8")
    again = Again(fixes=Fixes("invoices.xlsx", path, "corrected.csv"))
    assert _again(session, actor, engagement, row, tmp_path, again).state is HandInState.ACCEPTED


def test_files_of_a_hand_in_are_its_own(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    row = _hand_in(session, actor, engagement, tmp_path, HEADING + GOOD + WRONG_DAY)
    other = make_engagement(session, actor, "ENG-2")
    (source,), (quarantine,) = sources_of(session, row), quarantines_of(session, row)
    assert get_source(session, actor, engagement, row.id, source.id) is source
    assert get_quarantine(session, actor, engagement, row.id, quarantine.id) is quarantine
    with pytest.raises(NotFound):
        get_source(session, actor, other, row.id, source.id)
    with pytest.raises(NotFound):
        get_quarantine(session, actor, engagement, row.id, quarantine.id + 1)
    with pytest.raises(NotFound):
        get_source(session, make_actor(session), engagement, row.id, source.id)


@given(st.text())
def test_harmless_cells_give_back_what_stood_there(text: str) -> None:
    assert original(harmless(text)) == text
    shown = harmless(text)
    number = shown.lstrip("+-").replace(",", "").replace(".", "").replace(" ", "").replace("'", "")
    assert not shown.startswith(("=", "@", "\t", "\r", "\0"))
    assert not shown.startswith(("+", "-")) or number.isdigit()
