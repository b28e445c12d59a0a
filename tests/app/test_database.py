"""The schema comes from the migrations alone, transactions hold, frozen rows can't change."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Engine, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, col

from app.database import make_engine, migrate, schema_is_current, session_scope
from app.models import METADATA
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, read_entries, record
from governance.parties.models import Organisation, OrganisationKind
from governance.parties.service import find_or_create_organisation
from governance.tenancy import EVERYTHING
from tests.factories import NOW, make_actor, make_engagement


def test_migrations_start_from_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'deep' / 'new.db'}")
    assert not schema_is_current(engine)
    migrate(engine)
    migrate(engine)
    assert schema_is_current(engine)
    engine.dispose()


@pytest.mark.usefixtures("real_sqlite")
def test_an_sqlite_commit_is_on_the_disk(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    assert found == ["wal", 2, 1]
    engine.dispose()


def test_models_and_migrations_do_not_drift(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert _checks_in_database(connection) == _checks_in_models()


def _checks_in_database(connection: Connection) -> set[tuple[str, str]]:
    inspector = inspect(connection)
    return {
        (table, str(check["name"]))
        for table in METADATA.tables
        for check in inspector.get_check_constraints(table)
    }


def _checks_in_models() -> set[tuple[str, str]]:
    found = set()
    for name, table in METADATA.tables.items():
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint) and constraint.name:
                plain = str(constraint.name).removeprefix(f"ck_{name}_")
                found.add((name, f"ck_{name}_{plain}"))
    return found


def test_every_check_lists_the_values_of_its_enum(session: Session) -> None:
    with pytest.raises(IntegrityError):
        session.execute(
            text(
                "INSERT INTO organisation (kind, name, name_key, country, created_at)"
                " VALUES ('customer', 'A', 'a', 'DE', '2026-01-01')"
            )
        )


def test_an_error_rolls_everything_back(fresh_engine: Engine) -> None:
    with pytest.raises(RuntimeError):
        _write_and_fail(fresh_engine)
    assert _organisations(fresh_engine) == []


def _write_and_fail(engine: Engine) -> None:
    with session_scope(engine, sees=EVERYTHING) as session:
        find_or_create_organisation(session, OrganisationKind.CLIENT, "A", "DE", NOW)
        raise RuntimeError


def test_a_scope_commits_at_its_end_and_rows_stay_readable(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        made = find_or_create_organisation(session, OrganisationKind.CLIENT, "A", "DE", NOW)
    assert (made.name, made.created_at) == ("A", NOW)
    assert _organisations(fresh_engine) == ["A"]


def _organisations(engine: Engine) -> list[str]:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return list(session.scalars(select(col(Organisation.name))))


def test_a_reading_scope_cannot_write(fresh_engine: Engine) -> None:
    reading = session_scope(fresh_engine, sees=EVERYTHING, read_only=True)
    with pytest.raises(DBAPIError), reading as session:
        find_or_create_organisation(session, OrganisationKind.CLIENT, "A", "DE", NOW)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        find_or_create_organisation(session, OrganisationKind.CLIENT, "B", "DE", NOW)
    assert _organisations(fresh_engine) == ["B"]


def test_a_reader_sees_the_past_while_a_writer_works(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as writer:
        find_or_create_organisation(writer, OrganisationKind.CLIENT, "A", "DE", NOW)
        assert _organisations(fresh_engine) == []
    assert _organisations(fresh_engine) == ["A"]


def test_moments_come_back_aware_and_in_utc(session: Session) -> None:
    organisation = find_or_create_organisation(session, OrganisationKind.CLIENT, "A", "DE", NOW)
    session.expire(organisation)
    assert organisation.created_at == NOW
    assert organisation.created_at.tzinfo is not None
    with pytest.raises(Exception, match="without a time zone"):
        find_or_create_organisation(
            session, OrganisationKind.CLIENT, "B", "DE", NOW.replace(tzinfo=None)
        )


def test_foreign_keys_hold(session: Session) -> None:
    actor = make_actor(session)
    with pytest.raises(IntegrityError):
        session.execute(
            text("UPDATE user_account SET organisation_id = 999999 WHERE id = :id"),
            {"id": actor.user_id},
        )


def test_recorded_rows_are_never_changed(session: Session) -> None:
    make_engagement(session, make_actor(session))
    for statement in (
        "UPDATE audit_entry SET data = 'other'",
        "DELETE FROM audit_entry",
        "UPDATE contract_version SET sha256 = ''",
        "DELETE FROM contract_version",
    ):
        with pytest.raises(DBAPIError, match="is refused"), session.begin_nested():
            session.execute(text(statement))


def test_postgresql_refuses_truncation_too(session: Session, engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        return
    with pytest.raises(DBAPIError, match="is refused"):
        session.execute(text("TRUNCATE audit_entry CASCADE"))


def test_an_event_is_one_line_with_canonical_fields(session: Session) -> None:
    actor = make_actor(session)
    forged = Change(Action.USER_CREATED, "user_account", 1, "x\r\n2026 admin", after={"b": "1"})
    entry = record(session, actor, forged)
    session.expire(entry)
    (event,) = read_entries(session, [entry])
    assert event.subject_label == "x  2026 admin"
    assert event.after == '{"b":"1"}'
    assert session.get_one(AuditEntry, entry.id).at == event.at == NOW
