"""The application's own role on PostgreSQL: enough to work, too little to rewrite the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.database import METADATA, make_engine
from app.operation.privileges import grants
from app.settings import Settings
from governance.errors import BadInput
from tests.app.operation.installations import install, run

LOG_TABLES = sorted(name for name in METADATA.tables if name.startswith("audit_"))
STOPPED_BY_TRIGGERS = (
    "UPDATE audit_entry SET data = ''",
    "UPDATE audit_entry SET at = now()",
    "UPDATE audit_entry SET leaf_index = leaf_index + 1",
    "DELETE FROM audit_entry",
    "UPDATE audit_node SET hash = ''",
    "DELETE FROM audit_node",
    "UPDATE audit_checkpoint SET note = ''",
    "DELETE FROM audit_checkpoint",
    "UPDATE audit_head SET size = 0",
    "DELETE FROM audit_head",
    "UPDATE audit_personal_value SET value = 'other'",
    *(
        f"TRUNCATE audit_{name} CASCADE"
        for name in ("entry", "node", "checkpoint", "head", "timestamp")
    ),
)
"""What not even the tables' owner can do."""
_BY_TRIGGER_ALONE = {
    "UPDATE audit_entry SET leaf_index = leaf_index + 1",
    "UPDATE audit_head SET size = 0",
}
"""The sequencer gives places and moves the head forward, so the role may set these columns."""
FORBIDDEN = (
    *(one for one in STOPPED_BY_TRIGGERS if one not in _BY_TRIGGER_ALONE),
    *(f"TRUNCATE {name} CASCADE" for name in LOG_TABLES),
    "INSERT INTO audit_head (id, size, root) VALUES (2, 0, '')",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_entry_no_delete ON audit_entry",
    "DROP TABLE audit_entry CASCADE",
    "UPDATE alembic_version SET version_num = '0000'",
    "SET session_replication_role = replica",
)


@pytest.fixture
def application(postgresql_engine: Engine) -> Iterator[Engine]:
    """An engine that signs in with a role which has just the printed grants."""
    role = f"application_{uuid4().hex[:12]}"
    result = run("migrate", "--print-grants", role)
    assert result.exit_code == 0
    with postgresql_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        for _ in range(2):
            connection.exec_driver_sql(result.stdout)
    engine = make_engine(
        postgresql_engine.url.set(username=role).render_as_string(hide_password=False)
    )
    yield engine
    engine.dispose()
    with postgresql_engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


def test_the_application_works_under_its_role_and_cannot_rewrite_the_log(
    application: Engine, postgresql_engine: Engine, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    made = install(application, settings, tmp_path)
    assert made.tree_size() > 0
    for statement in FORBIDDEN:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            _execute(application, statement)
    for statement in STOPPED_BY_TRIGGERS:
        with pytest.raises(DBAPIError, match="is refused"):
            _execute(postgresql_engine, statement)
    for statement in _BY_TRIGGER_ALONE:
        with pytest.raises(DBAPIError, match="is refused"):
            _execute(application, statement)


def _execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_every_table_is_granted_and_none_of_the_log_freely() -> None:
    statements = grants("plumbline").splitlines()
    for name in METADATA.tables:
        (line,) = [one for one in statements if one.endswith(f" ON {name} TO plumbline;")]
        if name.startswith("audit_"):
            assert "INSERT, UPDATE, DELETE" not in line
            assert "UPDATE," not in line


@pytest.mark.parametrize("role", ["", "a; DROP TABLE x", 'a"b', "Röle", "PUBLIC", "1a"])
def test_a_role_name_that_needs_quoting_is_refused(role: str) -> None:
    with pytest.raises(BadInput, match="no plain role name"):
        grants(role)
    assert run("migrate", "--print-grants", role).exit_code == 2
