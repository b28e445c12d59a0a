"""The overview of the installation: right figures, nothing of any engagement, operators only."""

from __future__ import annotations

from datetime import UTC, datetime

from app.audit_log import key_folder, sequence
from app.database import session_scope
from governance.access import Actor
from governance.audit.models import AuditCosignature, AuditTimestamp
from governance.parties.models import OperatorTerm, User
from governance.parties.service import deactivate
from governance.tenancy import EVERYTHING
from tests.app.web.support import World

_PATH = "/operation"


def _operator(world: World) -> User:
    """A stranger to ENG-1 who runs the installation, where somebody's account is closed."""
    at = datetime.now(UTC)
    with session_scope(world.engine, sees=EVERYTHING) as session:
        session.add(OperatorTerm(user_id=world.stranger.id, granted_at=at))
        closed = session.get_one(User, world.auditor.id)
        deactivate(session, Actor(None, "command line", at), closed)
    return world.stranger


def test_the_overview_of_a_log_that_nobody_else_confirmed(own_world: World) -> None:
    operator = _operator(own_world)
    with own_world.signed_in(operator) as (browser, _):
        page = browser.get(_PATH).text
    assert "none; set PLUMBLINE_TIMESTAMP_AUTHORITY" in page
    assert "none has cosigned" in page
    assert "1 closed" in page
    assert "SQLite" in page
    assert "development" in page
    assert "No mail server is set up" in page
    assert "ENG-1" not in page


def test_what_others_confirmed_of_the_log_is_named(own_world: World) -> None:
    operator = _operator(own_world)
    signed = sequence(own_world.engine, key_folder(own_world.settings))
    assert signed is not None
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    stamp = AuditTimestamp(
        size=signed.size, authority="https://tsa.example", token=b"", stamped_at=at
    )
    seen = AuditCosignature(
        size=signed.size, witness_key="w.example/1+00000000+AA==", line="", cosigned_at=at
    )
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        session.add_all([stamp, seen])
    with own_world.signed_in(operator) as (browser, _):
        page = browser.get(_PATH).text.replace("\N{NO-BREAK SPACE}", " ")
    assert f"2 Mar 2026, 09:30 UTC by https://tsa.example, {signed.size} entries" in page
    assert f"2 Mar 2026, 09:30 UTC by w.example/1, {signed.size} entries" in page


def test_the_pages_of_operation_lead_to_each_other(own_world: World) -> None:
    operator = _operator(own_world)
    paths = (_PATH, "/operation/users", "/operation/log")
    with own_world.signed_in(operator) as (browser, _):
        for here in paths:
            page = browser.get(here).text
            assert all(f'href="{there}"' in page for there in paths if there != here), here


def test_what_keeps_it_from_its_work_is_said(own_world: World) -> None:
    operator = _operator(own_world)
    sequence(own_world.engine, keys := key_folder(own_world.settings))
    held = keys.held()
    assert held is not None
    own_world.settings.evidence_dir.rename(own_world.settings.data_dir / "moved")
    own_world.settings.evidence_dir.write_text("no folder", encoding="utf-8")
    with own_world.signed_in(operator) as (browser, _):
        assert "Not ready: storage" in browser.get(_PATH).text


def test_others_are_neither_led_there_nor_let_in(own_world: World) -> None:
    for user in (own_world.manager, own_world.auditor, own_world.chair):
        with own_world.signed_in(user) as (browser, _):
            assert f'href="{_PATH}"' not in browser.get("/engagements").text
            assert browser.get(_PATH).status_code == 403
