"""Alive and ready: what is asked, and how little a stranger learns."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.audit_log import key_folder, sequence
from app.database import make_engine, session_scope
from app.mail.models import OutboxMail
from app.operation.readiness import SEQUENCED_WITHIN, unready_part
from app.settings import Settings
from governance.audit.checkpoints import Checkpoint
from governance.tenancy import EVERYTHING
from tests.app.operation.support import PRODUCTION, lines, logged
from tests.app.web.support import make_world
from tests.factories import NOW, make_actor, make_engagement


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A development installation that sends mail."""
    return Settings(data_dir=tmp_path / "data", smtp_host="mail.example")


def _add_mail(engine: Engine, due: datetime) -> None:
    with session_scope(engine, sees=EVERYTHING) as session:
        session.add(
            OutboxMail(
                idempotency_key="one",
                recipient="person@example.org",
                subject="Hello",
                created_at=due,
                next_attempt_at=due,
            )
        )


def _add_entry(engine: Engine) -> None:
    with session_scope(engine, sees=EVERYTHING) as session:
        make_engagement(session, make_actor(session), "ENG-9")


def test_a_new_installation_is_ready(fresh_engine: Engine, settings: Settings) -> None:
    assert unready_part(fresh_engine, settings, NOW) == ""
    assert list(settings.evidence_dir.iterdir()) == []


def test_an_unmigrated_database_is_not(tmp_path: Path, settings: Settings) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}")
    assert unready_part(engine, settings, NOW) == "schema"
    engine.dispose()


def test_a_database_that_does_not_answer_is_not(settings: Settings) -> None:
    engine = make_engine("postgresql+psycopg://nobody:hunter2@127.0.0.1:1/none?connect_timeout=1")
    with logged(PRODUCTION) as stream:
        assert unready_part(engine, settings, NOW) == "database"
    assert "hunter2" not in stream.getvalue()
    assert "refused" in lines(stream)[-1]["errors"][0]["says"]


def test_storage_that_takes_no_file_is_not(fresh_engine: Engine, settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.evidence_dir.write_text("a file in the folder's place", encoding="utf-8")
    assert unready_part(fresh_engine, settings, NOW) == "storage"


def test_a_sequencer_that_stands_still_is_found(fresh_engine: Engine, settings: Settings) -> None:
    _add_entry(fresh_engine)
    assert unready_part(fresh_engine, settings, NOW + SEQUENCED_WITHIN) == ""
    late = NOW + SEQUENCED_WITHIN + timedelta(seconds=1)
    assert unready_part(fresh_engine, settings, late) == "audit log"
    sequence(fresh_engine, key_folder(settings))
    assert unready_part(fresh_engine, settings, late) == ""


def test_a_database_older_than_the_held_checkpoint_is_found(
    fresh_engine: Engine, settings: Settings
) -> None:
    keys = key_folder(settings)
    newer = Checkpoint(keys.origin, 7, b"x" * 32)
    keys.hold(keys.signer().sign(newer.text), newer)
    assert unready_part(fresh_engine, settings, NOW) == "audit log"


def test_mail_that_waits_stops_no_pages(fresh_engine: Engine, settings: Settings) -> None:
    _add_mail(fresh_engine, NOW)
    assert unready_part(fresh_engine, settings, NOW + timedelta(days=1)) == ""


def test_pages_tell_a_word_and_no_more(sqlite_template: Path, tmp_path: Path) -> None:
    world = make_world(sqlite_template, tmp_path)
    with world.browser() as browser:
        assert (browser.get("/health").status_code, browser.get("/health").text) == (200, "ok")
        _add_entry(world.engine)
        behind = browser.get("/ready")
        assert (behind.status_code, behind.text) == (503, "audit log")
        sequence(world.engine, key_folder(world.settings))
        assert (browser.get("/ready").status_code, browser.get("/ready").text) == (200, "ok")
        with world.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        assert (browser.get("/ready").status_code, browser.get("/ready").text) == (503, "schema")
        assert browser.get("/health").status_code == 200
