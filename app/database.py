"""The database: engine, transactions at the edge, and migrations.

SQLite runs through `pysqlite3`, which bundles a library without the write-ahead log
bug of 3.7.0 to 3.51.2. The driver's own handling of transactions is switched off and
SQLAlchemy's `begin` event opens them, so that BEGIN covers reads, DDL and savepoints too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysqlite3
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

import app.models
import migrations
from app.settings import Settings
from governance.access import Actor
from governance.audit.schema_changes import record_migration
from governance.engagements.queries import bind_to_actor
from governance.errors import Busy, Conflict
from governance.tenancy import EVERYTHING, Sees, bind, seeing

_LOG = logging.getLogger("plumbline.database")
_SAFE_SQLITE = (3, 51, 3)
_BUSY_MILLISECONDS = 30_000
_LOCKED_STATES = frozenset({"55P03", "40P01"})
"""PostgreSQL's states for a lock not got in time and for a deadlock."""
_TAKEN_STATE = "23505"
"""Its state for a value that there can be only one of."""
_READ_ONLY = {"plumbline_read_only": True, "postgresql_readonly": True}


def make_engine(settings: Settings | str) -> Engine:
    """An engine for SQLite or PostgreSQL, from settings or an address.

    Creates the folder of an SQLite file.
    """
    url = make_url(settings.database_address if isinstance(settings, Settings) else settings)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, module=pysqlite3)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    _report_sqlite_version()
    return engine


def _report_sqlite_version() -> None:
    version = pysqlite3.sqlite_version
    _LOG.info("SQLite %s", version)
    if tuple(int(part) for part in version.split(".")) < _SAFE_SQLITE:
        _LOG.warning("SQLite %s can lose commits in WAL mode; 3.51.3 or newer doesn't", version)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Writers lock at once: a read that turns into a write would fail, not wait."""
    options = connection.get_execution_options()
    read_only = bool(options.get("plumbline_read_only"))
    patience = int(options.get("plumbline_patience", _BUSY_MILLISECONDS))
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")
    connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def session_scope(
    engine: Engine,
    *,
    sees: Sees | None = None,
    read_only: bool = False,
    patience: int | None = None,
) -> Iterator[Session]:
    """One request or job as one transaction: committed at the end, rolled back on any error.

    `sees` are the engagements whose rows it may touch: EVERYTHING for the system's own work; by
    default none at all, so that touching a tenant's table is an error of the program. What a
    person does belongs into `actor_scope`.

    A read-only scope lets SQLite's readers run beside a writer, and the database itself
    refuses every change. Rows stay readable after the scope.

    `patience` is how many milliseconds to wait for others' locks; by default 30 000 in SQLite
    and what the server is set to in PostgreSQL. Raises Busy when they pass, and Conflict where
    somebody else has stored at the same moment what there can be only one of.
    """
    bound = engine.execution_options(**_READ_ONLY) if read_only else engine
    if patience is not None:
        bound = bound.execution_options(plumbline_patience=patience)
    try:
        with Session(bound, expire_on_commit=False) as session, session.begin():
            if sees is not None:
                bind(session, sees)
            if patience is not None and engine.dialect.name == "postgresql":
                session.execute(text(f"SET LOCAL lock_timeout = {int(patience)}"))
            yield session
    except OperationalError as error:
        if not is_locked(error):
            raise
        raise Busy(
            "The database is busy with another change. Nothing was changed; try again in a moment."
        ) from error
    except IntegrityError as error:
        if not _is_taken(error):
            raise
        raise Conflict(
            "Somebody else did the same at the same moment. Nothing was changed; load the page"
            " again to see what there is now."
        ) from error


@contextmanager
def actor_scope(
    engine: Engine,
    actor: Actor,
    *,
    installation: bool = False,
    read_only: bool = False,
    patience: int | None = None,
) -> Iterator[Session]:
    """The same for what a person does: it sees the engagements that the person is a member of.

    Memberships are read when it opens, so one that was taken away opens nothing from then on.
    `installation` also shows rows that belong to no engagement, such as log entries on user
    accounts; the caller has checked that the person may see them.
    """
    with session_scope(engine, read_only=read_only, patience=patience) as session:
        bind_to_actor(session, actor, installation=installation)
        yield session


def is_locked(error: OperationalError) -> bool:
    """Whether a lock wasn't got in time, or two waited for each other."""
    state = getattr(error.orig, "sqlstate", None)
    return state in _LOCKED_STATES or "database is locked" in str(error.orig)


def _is_taken(error: IntegrityError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state == _TAKEN_STATE or "UNIQUE constraint failed" in str(error.orig)


def alembic_config() -> Config:
    """Alembic's configuration; it needs no file."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    return config


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision, from nothing or from any older one."""
    config = alembic_config()
    with engine.begin() as connection:
        before = MigrationContext.configure(connection).get_current_heads()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        after = MigrationContext.configure(connection).get_current_heads()
        if after != before:
            _record_migration(connection, " ".join(after))


def _record_migration(connection: Connection, revision: str) -> None:
    actor = Actor(None, "migration", datetime.now(UTC))
    with Session(
        connection, join_transaction_mode="rollback_only", info=seeing(EVERYTHING)
    ) as session:
        record_migration(session, actor, METADATA, revision)
        session.flush()


def schema_is_current(engine: Engine) -> bool:
    """Whether the schema is at the newest revision."""
    heads = ScriptDirectory.from_config(alembic_config()).get_heads()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    return set(current) == set(heads)


METADATA = app.models.METADATA
