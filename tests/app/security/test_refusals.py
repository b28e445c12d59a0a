"""What a signed-in person was refused stands in the log, once, and nobody floods it."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app.database import session_scope
from app.security.refusals import NOTED_A_MINUTE, Refused, store_refusal
from governance.audit.models import Action, AuditEntry
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import NOW, actor_of


def _refusals(world: World) -> list[AuditEntry]:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        found = select(AuditEntry).where(col(AuditEntry.action) == Action.ACCESS_REFUSED)
        return list(session.scalars(found.order_by(col(AuditEntry.id))))


def _engagement_id(world: World, reference: str) -> int:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        named = select(col(Engagement.id)).where(col(Engagement.reference) == reference)
        return session.scalars(named).one()


def test_what_a_member_may_not_do_is_noted_with_the_engagement(own_world: World) -> None:
    with own_world.signed_in(own_world.finance) as (browser, token):
        headers = {"X-CSRF-Token": token}
        assert browser.post("/engagements/ENG-1/evidence", headers=headers).status_code == 403
    (entry,) = _refusals(own_world)
    assert entry.engagement_id == _engagement_id(own_world, "ENG-1")
    assert entry.actor_id == own_world.finance.id
    stated = json.loads(entry.data)
    assert stated["subject"]["id"] == "/engagements/{reference}/evidence"
    assert stated["after"] == {"asked_for": "ENG-1", "method": "POST", "status": 403}


def test_others_engagements_and_none_are_noted_alike_and_belong_to_nobody(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        for reference in ("ENG-2", "no-such"):
            assert browser.get(f"/engagements/{reference}").status_code == 404
    entries = _refusals(own_world)
    assert [entry.engagement_id for entry in entries] == [None, None]
    asked = [json.loads(entry.data)["after"]["asked_for"] for entry in entries]
    assert asked == ["ENG-2", "no-such"]


def test_what_is_missing_in_ones_own_engagement_is_no_refusal(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        assert browser.get("/engagements/ENG-1/hand-ins/999").status_code == 404
        assert browser.get("/nothing/here").status_code == 404
    assert _refusals(own_world) == []


def test_a_visitor_is_sent_to_sign_in_and_not_noted(own_world: World) -> None:
    with own_world.browser() as browser:
        assert browser.get("/engagements/ENG-1").status_code == 303
    assert _refusals(own_world) == []


def test_a_form_without_its_token_is_noted(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        assert browser.post("/sign-out").status_code == 403
    (entry,) = _refusals(own_world)
    assert entry.engagement_id is None
    assert entry.subject_id == "/sign-out"


def test_a_text_that_is_no_reference_is_not_kept(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, _):
        for typed in ("x%0D%0Auser:created", "ada%40example.org", "x" * 65, "%00"):
            assert browser.get(f"/engagements/{typed}").status_code == 404
    stated = [json.loads(entry.data)["after"] for entry in _refusals(own_world)]
    assert stated == [{"method": "GET", "status": 404}] * 4


def test_nobody_floods_the_log(own_world: World, caplog: pytest.LogCaptureFixture) -> None:
    times = NOTED_A_MINUTE + 5
    with own_world.signed_in(own_world.finance) as (browser, _), caplog.at_level(logging.WARNING):
        for _ in range(times):
            assert browser.get("/engagements/ENG-1/evidence/new").status_code == 403
    entries = _refusals(own_world)
    assert len(entries) == NOTED_A_MINUTE
    notes = [json.loads(entry.data)["after"].get("note", "") for entry in entries]
    assert notes[:-1] == [""] * (NOTED_A_MINUTE - 1)
    assert "more refusals" in notes[-1]
    assert sum(line.startswith("refused:") for line in caplog.messages) == times


def test_a_minute_later_refusals_are_noted_again(own_world: World) -> None:
    def refused(minutes: int) -> Refused:
        actor = actor_of(own_world.finance, NOW + timedelta(minutes=minutes))
        return Refused(actor, "GET", "/engagements/{reference}", "ENG-2", 404)

    for _ in range(NOTED_A_MINUTE + 1):
        store_refusal(own_world.engine, refused(0))
    assert len(_refusals(own_world)) == NOTED_A_MINUTE
    store_refusal(own_world.engine, refused(1))
    assert len(_refusals(own_world)) == NOTED_A_MINUTE + 1


def test_a_busy_database_keeps_no_answer_waiting_for_the_note(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.security.refusals._PATIENCE", 20)
    with (
        own_world.signed_in(own_world.manager) as (browser, _),
        session_scope(own_world.engine) as holder,
    ):
        holder.execute(text("SELECT 1"))
        assert browser.get("/engagements/ENG-2").status_code == 404
    assert _refusals(own_world) == []
