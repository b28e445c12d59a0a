"""Copies of files and of databases, checked while they are made."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import URL, Connection, Engine, text

from app.database import make_engine
from governance.errors import BadInput, Conflict, Problem

DATABASE_FILES = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Copied:
    """A file of a backup."""

    path: str
    """Inside the backup."""
    size: int
    sha256: str


def copy_checked(source: Path, target: Path, path: str) -> Copied:
    """Copy a file, for its owner alone, and digest the very bytes that were written."""
    digest, size = hashlib.sha256(), 0
    opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as reader, os.fdopen(opened, "wb") as writer:
        while piece := reader.read(_PIECE):
            digest.update(piece)
            size += writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
    return Copied(path, size, digest.hexdigest())


def digest_file(file: Path, path: str) -> Copied:
    """Size and digest of a file that is there already."""
    with file.open("rb") as stream:
        return Copied(path, file.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest())


@contextmanager
def snapshot(engine: Engine, target: Path, programs: Path | None) -> Iterator[Connection]:
    """Copy the database as it is at one moment, and give a connection that sees that moment.

    SQLite copies itself while others read and write; PostgreSQL's pg_dump, looked for in
    `programs` or PATH, shares the connection's snapshot. Raises BadInput where pg_dump is
    missing, Conflict where it fails or the copy isn't sound.
    """
    if engine.dialect.name == "postgresql":
        yield from _postgresql_snapshot(engine, target, programs)
    else:
        yield from _sqlite_snapshot(engine, target)


def _sqlite_snapshot(engine: Engine, target: Path) -> Iterator[Connection]:
    target.touch(mode=0o600)
    with closing(engine.raw_connection()) as source, closing(pysqlite3.connect(target)) as copy:
        driver: Any = source.driver_connection
        driver.backup(copy)
        # One file, with no log beside it that a backup could forget.
        copy.execute("PRAGMA journal_mode = DELETE")
        found = copy.execute("PRAGMA integrity_check").fetchone()
        if found != ("ok",):
            raise Conflict(f"the database is damaged: {found[0]}")
    reading = make_engine(f"sqlite:///{target}")
    try:
        with reading.connect() as connection:
            yield connection
    finally:
        reading.dispose()
        with closing(pysqlite3.connect(target)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")


def _postgresql_snapshot(
    engine: Engine, target: Path, programs: Path | None
) -> Iterator[Connection]:
    dump = find_program("pg_dump", programs)
    alone = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with alone.connect() as connection:
        name = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        target.touch(mode=0o600)
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}"]
        run_program(dump, [*options, f"--file={target}"], engine.url)
        yield connection


def find_program(name: str, folder: Path | None) -> Path:
    """A client program of PostgreSQL; BadInput that says where to get it where it is missing."""
    found = shutil.which(name, path=folder)
    if found is None:
        what = f"{name} is not there"
        where = "the PostgreSQL client programs of the server's version, in PATH or in the folder"
        raise BadInput.one(Problem(what, allowed=f"{where} PLUMBLINE_POSTGRESQL_BIN"))
    return Path(found)


def run_program(program: Path, options: Sequence[str], url: URL) -> None:
    """Run a client program on a database; Conflict with its own words where it fails.

    The password goes by the environment: other users of the machine can read arguments.
    """
    bare = url.set(drivername="postgresql")._replace(password=None)
    address = bare.render_as_string(hide_password=False)
    secret = {"PGPASSWORD": url.password} if url.password else {}
    done = subprocess.run(  # noqa: S603 (a fixed program, its arguments never pass a shell)
        [program, f"--dbname={address}", "--no-password", *options],
        env=os.environ | secret,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = " ".join(done.stderr.split())
        raise Conflict(f"{program.name} failed: {words}")
