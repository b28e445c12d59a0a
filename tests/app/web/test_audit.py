"""The auditor's pages: search, one entry with its proof, an object's history, what left."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlmodel import col

from app.audit_log import key_folder, sequence
from app.cli import main
from app.database import session_scope
from governance.access import Actor
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, record
from governance.tables import digest
from governance.tenancy import EVERYTHING
from tests.app.web.support import HOSTILE, World
from tests.factories import NOW

AUDIT = "/engagements/ENG-1/audit"


@pytest.fixture
def audited(own_world: World) -> World:
    """A world whose log is under a checkpoint, with a hostile entry in it."""
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        entry = session.scalars(
            select(AuditEntry).where(col(AuditEntry.action) == Action.PERIOD_SETTLED)
        ).one()
        change = Change(
            Action.CONTRACT_ADDED,
            "contract_version",
            77,
            HOSTILE,
            entry.engagement_id,
            {"name": HOSTILE, "same": "x"},
            {"name": "=1+1", "same": "x"},
            f"because {HOSTILE}",
        )
        record(session, Actor(own_world.manager.id, HOSTILE, NOW, "request-9"), change)
    sequence(own_world.engine, key_folder(own_world.settings))
    return own_world


def _page(world: World, address: str, status: int = 200) -> str:
    with world.signed_in(world.auditor) as (browser, _):
        answer = browser.get(address)
    assert answer.status_code == status, answer.text
    return answer.text


def _uid(world: World, action: Action) -> str:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        newest = select(col(AuditEntry.uid)).where(col(AuditEntry.action) == action)
        found = session.scalars(newest.order_by(col(AuditEntry.id).desc())).first()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("action=period%3Asettled", "1 entry"),
        ("request=request-9", "1 entry"),
        ("label=ENG-1+2026", "1 entry"),
        ("label=eng-1", "0 entries"),
        ("kind=contract_version&id=77", "1 entry"),
        ("from=2026-03-02&to=2026-03-02&action=period%3Asettled", "1 entry"),
        ("from=2026-03-02T10:30&to=2026-03-02T10:30&action=period%3Asettled", "1 entry"),
        ("from=2026-03-02T10:31&action=period%3Asettled", "0 entries"),
        ("to=2026-03-02T10:29&action=period%3Asettled", "0 entries"),
        ("label=%27+OR+1%3D1--", "0 entries"),
        ("kind=x%27+OR+1%3D1--", "0 entries"),
    ],
)
def test_the_address_says_what_is_looked_for(audited: World, query: str, count: str) -> None:
    page = _page(audited, f"{AUDIT}?{query}")
    assert f'<h2 id="found">{count}</h2>' in page


def test_a_person_is_found_as_actor_and_as_concerned(audited: World) -> None:
    acted = _page(audited, f"{AUDIT}?person={audited.manager.id}")
    assert "settled" in acted
    assert f'value="{audited.manager.id}" selected' in acted
    assert "0 entries" in _page(audited, f"{AUDIT}?person={audited.stranger.id}")


@pytest.mark.parametrize(
    "query", ["person=x", "person=-1", "action=nothing", "from=yesterday", "to=0001-13-01"]
)
def test_what_can_not_be_meant_is_said(audited: World, query: str) -> None:
    assert (
        "no person" in (page := _page(audited, f"{AUDIT}?{query}", 422))
        or "none of" in page
        or ("no day" in page)
    )


def test_hostile_texts_are_shown_as_they_are(audited: World) -> None:
    for page in (
        _page(audited, f"{AUDIT}?request=request-9"),
        _page(audited, f"{AUDIT}/{_uid(audited, Action.CONTRACT_ADDED)}"),
        _page(audited, f"{AUDIT}/objects/contract_version/77"),
        _page(audited, f"{AUDIT}?label=%22%3E%3Cimg"),
    ):
        assert "<img" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_an_entry_shows_both_sides_and_its_place(audited: World) -> None:
    page = _page(audited, f"{AUDIT}/{_uid(audited, Action.CONTRACT_ADDED)}")
    assert "<del>" in page
    assert "<ins>=1+1</ins>" in page
    assert "<td>x</td>" in page
    assert "Place in the log" in page
    assert "plumbline audit verify" in page


def test_a_pending_entry_says_so(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        change = Change(Action.CONTRACT_ADDED, "contract_version", 9, "new", 1)
        uid = record(session, Actor(own_world.manager.id, "Ada", NOW), change).uid
    assert "Pending" in _page(own_world, f"{AUDIT}/{uid}")
    assert "not under a checkpoint yet" in _page(own_world, f"{AUDIT}/{uid}/proof", 409)


def test_what_is_downloaded_proves_the_entry_offline(audited: World, tmp_path: Path) -> None:
    uid = _uid(audited, Action.PERIOD_SETTLED)
    with audited.signed_in(audited.auditor) as (browser, _):
        entry = browser.get(f"{AUDIT}/{uid}/entry.json").content
        proof = browser.get(f"{AUDIT}/{uid}/proof")
        checkpoint = browser.get(f"{AUDIT}/{uid}/checkpoint").text
    assert json.loads(entry)["id"] == uid
    assert f"{uid}.tlog-proof" in proof.headers["Content-Disposition"]
    assert checkpoint in proof.text
    file = tmp_path / f"{uid}.tlog-proof"
    file.write_bytes(proof.content)
    key = str(key_folder(audited.settings).signer().verifier)
    ran = CliRunner().invoke(main, ["audit", "verify", str(file), "--key", key])
    assert ran.exit_code == 0, ran.output
    assert f"It is {uid}: period:settled" in ran.output
    file.write_bytes(proof.content.replace(b"index ", b"index 1"))
    assert CliRunner().invoke(main, ["audit", "verify", str(file), "--key", key]).exit_code == 2


def test_entries_leave_as_a_table_without_formulas(audited: World) -> None:
    with audited.signed_in(audited.auditor) as (browser, _):
        answer = browser.get(f"{AUDIT}/entries.csv?request=request-9")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row["label"] == HOSTILE
    assert row["reason"] == f"because {HOSTILE}"
    assert not any(cell.startswith(("=", "+", "@")) for cell in row.values())


def test_pages_follow_one_another_without_gaps(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        for number in range(120):
            change = Change(Action.CONTRACT_ADDED, "x", number, f"N{number}", 1)
            record(session, Actor(own_world.manager.id, "A", NOW, ""), change)
    seen: list[str] = []
    with own_world.signed_in(own_world.auditor) as (browser, _):
        address = f"{AUDIT}?kind=&label=N&person={own_world.manager.id}"
        while address:
            page = browser.get(address).text
            assert "120 entries" in page
            seen += re.findall(r">(N\d+)</a>", page)
            older = re.search(r'href="([^"]+)">Older', page)
            address = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"N{number}" for number in reversed(range(120))]


def test_every_download_is_recorded(own_world: World) -> None:
    files = [
        "/engagements/ENG-1/contracts/1",
        f"/engagements/ENG-1/evidence/{own_world.evidence_sha256}",
        "/engagements/ENG-1/periods/2026-01/documents/pack.pdf",
        "/engagements/ENG-1/periods/2026-01/documents/pack.pdf",
        "/engagements/ENG-1/duties.csv",
    ]
    with own_world.signed_in(own_world.auditor) as (browser, _):
        answers = [browser.get(file) for file in files]
        page = browser.get(f"{AUDIT}?action=document%3Aexported").text
    assert [answer.status_code for answer in answers] == [200] * len(files)
    with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
        entries = session.scalars(
            select(AuditEntry)
            .where(col(AuditEntry.action) == Action.DOCUMENT_EXPORTED)
            .order_by(col(AuditEntry.id))
        ).all()
    after = [json.loads(entry.data)["after"] for entry in entries]
    assert [one["sha256"] for one in after] == [digest(answer.content) for answer in answers]
    assert [one["bytes"] for one in after] == [len(answer.content) for answer in answers]
    assert {entry.actor_id for entry in entries} == {own_world.auditor.id}
    assert '<td data-label="Downloads" class="num">5</td>' in page
    assert '<td data-label="Different files" class="num">4</td>' in page


def test_entries_of_others_are_not_there(audited: World) -> None:
    with session_scope(audited.engine, sees=EVERYTHING, read_only=True) as session:
        theirs = session.scalars(
            select(col(AuditEntry.uid)).where(col(AuditEntry.engagement_id) == 2)
        ).first()
        nobodys = session.scalars(
            select(col(AuditEntry.uid)).where(col(AuditEntry.engagement_id).is_(None))
        ).first()
    for uid in (theirs, nobodys, "nothing", "%00"):
        _page(audited, f"{AUDIT}/{uid}", 404)
        _page(audited, f"{AUDIT}/{uid}/proof", 404)
        _page(audited, f"{AUDIT}?before={uid}", 404) if uid != "%00" else None
    _page(audited, f"{AUDIT}/objects/engagement/2", 404)


def test_only_who_may_audit_comes_in(audited: World) -> None:
    for user, status in ((audited.manager, 403), (audited.stranger, 404)):
        with audited.signed_in(user) as (browser, _):
            assert browser.get(AUDIT).status_code == status


def test_the_old_address_leads_on(audited: World) -> None:
    with audited.signed_in(audited.auditor) as (browser, _):
        answer = browser.get("/engagements/ENG-1/events")
    assert (answer.status_code, answer.headers["Location"]) == (301, AUDIT)
