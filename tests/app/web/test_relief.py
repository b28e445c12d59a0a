"""Relief events and restatements as people see them, from the claim to the line that makes good."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from app.database import session_scope
from governance.access import Role
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from sla.evidence.service import Upload, hand_in
from tests.app.web.support import World
from tests.factories import (
    INVOICES,
    JANUARY,
    actor_of,
    agree,
    make_member,
    seal,
    write_evidence_folder,
)

BASE = "/engagements/ENG-1"
PERIOD = f"{BASE}/periods/2026-01"
MORE = INVOICES + "I-9,C-1,2026-01-12,2026-01-28,EUR,50.00\n"
CLAIM = {
    "kind": "client_caused",
    "title": "Wrong <addresses>",
    "reason": "The client gave wrong addresses",
    "clause": "Schedule 2, 9",
    "period": "2026-01",
    "dataset": "invoices",
    "rows": "invoice_id\nI-2\nI-3\n",
}


def _get(world: World, user: User, path: str, status: int = 200) -> str:
    with world.signed_in(user) as (browser, _):
        answer = browser.get(path)
    assert answer.status_code == status, (path, answer.text[:2000])
    return " ".join(answer.text.split())


def _post(world: World, user: User, path: str, **form: str) -> int:
    with world.signed_in(user) as (browser, token):
        return browser.post(path, data={"csrf_token": token} | form).status_code


def _claim(world: World, user: User, **changes: str) -> int:
    files = {"document": ("proof.txt", b"a letter", "text/plain")}
    with world.signed_in(user) as (browser, token):
        data = CLAIM | changes | {"csrf_token": token}
        return browser.post(f"{BASE}/relief", data=data, files=files).status_code


def test_relief_is_claimed_decided_and_shown_beside_the_figures(own_world: World) -> None:
    world = own_world
    assert "No relief was claimed" in _get(world, world.manager, f"{BASE}/relief")
    assert "Claim relief" in _get(world, world.manager, f"{BASE}/relief/new?period=2026-01")
    assert _post(world, world.chair, f"{BASE}/relief", **CLAIM) == 403
    assert _post(world, world.stranger, f"{BASE}/relief", **CLAIM) == 404
    assert _claim(world, world.manager, rows="I-2\nI-404") == 422
    assert _claim(world, world.manager, rows="") == 422
    assert _claim(world, world.manager, spans="yesterday") == 422
    assert _claim(world, world.manager, spans="0001-01-01 00:00 to 9999-12-31 23:59") == 422
    assert _claim(world, world.manager, kind="weather") == 422
    assert _claim(world, world.manager) == 303
    page = _get(world, world.chair, f"{BASE}/relief/1")
    assert "Wrong &lt;addresses&gt;" in page
    assert "Grant what is claimed" in page
    assert "Grant what is claimed" not in _get(world, world.manager, f"{BASE}/relief/1")
    assert _post(world, world.manager, f"{BASE}/relief/1/decide", verdict="grant") == 403
    decide = f"{BASE}/relief/1/decide"
    assert _post(world, world.chair, decide, verdict="grant", reason="") == 422
    assert _post(world, world.chair, decide, verdict="maybe", reason="so") == 422
    part = {"verdict": "part", "reason": "only one of them"}
    assert _post(world, world.chair, decide, rows_invoices="I-2\nI-1", **part) == 422
    assert _post(world, world.chair, decide, rows_invoices="I-2", **part) == 303
    assert _post(world, world.chair, decide, verdict="refuse", reason="no") == 409
    assert _post(world, world.manager, f"{BASE}/relief/1/withdraw") == 409
    assert "Granted in part" in _get(world, world.auditor, f"{BASE}/relief")
    with world.signed_in(world.auditor) as (browser, _):
        proof = browser.get(f"{BASE}/relief/1/document")
    assert (proof.status_code, proof.content) == (200, b"a letter")
    assert _post(world, world.manager, f"{BASE}/periods", period="2026-01") == 303
    page = _get(world, world.chair, f"{PERIOD}/results/SL-01")
    assert "Without relief 33.3%" in page
    assert "with relief 50.0%" in page
    assert "1 row taken out" in page
    assert "Rows taken out by relief" in page
    assert "without relief 33.3%, with relief 50.0%" in _get(world, world.chair, PERIOD)


def test_a_claim_is_withdrawn_before_it_is_decided(own_world: World) -> None:
    assert _claim(own_world, own_world.manager) == 303
    assert _post(own_world, own_world.chair, f"{BASE}/relief/1/withdraw") == 403
    assert _post(own_world, own_world.manager, f"{BASE}/relief/1/withdraw") == 303
    decide = f"{BASE}/relief/1/decide"
    assert _post(own_world, own_world.chair, decide, verdict="grant", reason="yes") == 409
    assert "Withdrawn" in _get(own_world, own_world.manager, f"{BASE}/relief/1")
    for path in ("relief/2", "relief/1/document/x", "relief/9999999999999999999999"):
        _get(own_world, own_world.manager, f"{BASE}/{path}", 404)


def _seal_january(world: World) -> None:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement = _engagement(session)
        agree(session, engagement)
        seal(session, engagement, JANUARY, make_member(session, engagement, Role.CLIENT_COMMITTEE))


def _engagement(session: Session) -> Engagement:
    return session.scalars(select(Engagement).where(col(Engagement.reference) == "ENG-1")).one()


def _correct(world: World, folder: Path) -> None:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        source = write_evidence_folder(folder / "corrected", invoices=MORE)
        actor, store = actor_of(world.manager), world.app.state.workshop.store
        hand_in(session, actor, _engagement(session), Upload(source, "more"), store)


def test_a_sealed_period_is_restated_and_made_good(own_world: World, tmp_path: Path) -> None:
    world = own_world
    assert "Restate the period" not in _get(world, world.manager, PERIOD)
    _seal_january(world)
    assert "Restate the period" in _get(world, world.manager, PERIOD)
    assert "Restate the period" not in _get(world, world.chair, PERIOD)
    restatements = f"{PERIOD}/restatements"
    assert _post(world, world.manager, restatements, reason="nothing new") == 409
    _correct(world, tmp_path)
    assert _post(world, world.chair, restatements, reason="mine") == 403
    assert _post(world, world.manager, restatements, reason="") == 422
    assert _post(world, world.manager, restatements, reason="an invoice was missing") == 303
    page = _get(world, world.manager, f"{restatements}/1")
    assert "an invoice was missing" in page
    assert "Submit to the client" in page
    assert _post(world, world.manager, f"{restatements}/1/submit") == 303
    page = _get(world, world.chair, f"{restatements}/1")
    found = re.search(r'<option value="(\d+)">', page)
    assert found
    contest = f"{restatements}/1/contest"
    assert _post(world, world.chair, contest, item=found[1], reason="why?") == 303
    assert "contested: why?" in _get(world, world.manager, f"{restatements}/1")
    sealing, first = f"{restatements}/1/seal", _submission(world)
    assert _post(world, world.chair, sealing) == 422
    assert _post(world, world.chair, sealing, submission=first) == 409
    assert _post(world, world.manager, restatements, reason="an invoice was missing, see it") == 303
    assert _post(world, world.chair, sealing, submission=first) == 409
    assert _post(world, world.manager, f"{restatements}/1/submit") == 303
    assert _post(world, world.manager, sealing, submission=_submission(world)) == 403
    withdraw = f"{restatements}/1/withdraw"
    assert _post(world, world.manager, withdraw, item=found[1]) == 403
    assert "No longer contest" not in _get(world, world.manager, f"{restatements}/1")
    assert "No longer contest" in _get(world, world.chair, f"{restatements}/1")
    assert _post(world, world.chair, withdraw, item=found[1]) == 303
    assert _post(world, world.chair, sealing, submission=first) == 409
    assert _post(world, world.chair, sealing, submission=_submission(world)) == 303
    assert "Sealed" in _get(world, world.manager, f"{restatements}/1")


def _submission(world: World) -> str:
    page = _get(world, world.chair, f"{PERIOD}/restatements/1")
    found = re.search(r'name="submission" value="(\d+)"', page)
    assert found
    return found[1]
