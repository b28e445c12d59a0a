"""What was recorded before the log began becomes its first entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Engine, select
from sqlmodel import col

from app.audit_log import sequence
from app.database import alembic_config, make_engine, migrate, session_scope
from governance.audit.entries import decode_entry
from governance.audit.models import Action, AuditEntry
from governance.audit.service import read_entries
from governance.tenancy import EVERYTHING
from tests.database import _address, _administer
from tests.governance.audit.logs import check, complaints, keys_in

_SCRIPT = """
INSERT INTO organisation (kind, name, name_key, country, created_at)
VALUES ('client', 'Nord', 'nord', 'DE', '2026-01-01 00:00:00');
INSERT INTO user_account
(email, email_key, name, password_hash, organisation_id, active, created_at)
VALUES ('a@example.org', 'a@example.org', 'Ada', 'x', 1, TRUE, '2026-01-01 00:00:00');
INSERT INTO audit_event
(at, actor_id, actor_name, action, subject_kind, subject_id, subject_label, after, reason,
 request_id)
VALUES ('2026-01-02 03:04:05.000006', 1, 'Ada', 'user:created', 'user_account', '1',
 'a@example.org', '{"email":"a@example.org","organisation":"Nord"}', 'new', 'r-1');
INSERT INTO audit_event
(at, actor_name, action, subject_kind, subject_id, subject_label, reason, request_id)
VALUES ('2026-01-03 00:00:00', 'not signed in', 'user:sign_in_refused', 'user_account', '',
 'x@example.org', '', '')
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def old_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database at the schema before the log, with two events."""
    if request.param == "sqlite":
        address, name, server = f"sqlite:///{tmp_path / 'old.db'}", "", ""
    else:
        server, name = request.getfixturevalue("postgresql_server"), f"old_{uuid4().hex}"
        _administer(server, f"CREATE DATABASE {name}")
        address = _address(server, name)
    engine = make_engine(address)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for statement in _SCRIPT.split(";"):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()
    if server:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def test_events_become_entries_with_the_same_words(old_engine: Engine, tmp_path: Path) -> None:
    migrate(old_engine)
    with session_scope(old_engine, sees=EVERYTHING, read_only=True) as session:
        entries = session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        created, refused, rows = read_entries(session, entries)
    fields = [decode_entry(entry.data) for entry in entries]
    assert (created.action, created.actor_name) == (Action.USER_CREATED, "Ada")
    assert created.after == '{"email":"a@example.org","organisation":"Nord"}'
    assert fields[0]["time"] == "2026-01-02T03:04:05.000006Z"
    assert [one.get("moved_from") for one in fields] == ["audit_event/1", "audit_event/2", None]
    assert refused.subject_label == "x@example.org"
    assert all(b"example.org" not in entry.data for entry in entries)
    assert rows.action is Action.SCHEMA_MIGRATED
    assert [(table, key) for table, key, _ in fields[2]["rows"]] == [
        ("organisation", "1"),
        ("user_account", "1"),
    ]
    keys = keys_in(tmp_path)
    sequence(old_engine, keys)
    assert complaints(check(old_engine, keys)) == []
