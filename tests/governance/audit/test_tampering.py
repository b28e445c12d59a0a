"""Whoever writes past the application is found: any column of any table that is audited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
from sqlalchemy import URL, Column, Engine, Table

from app.audit_log import sequence
from app.database import METADATA, session_scope
from billing.invoices.service import issue_invoice
from billing.settlement.service import settle_period
from governance.access import Role
from governance.audit.cosignatures import store_cosignature
from governance.audit.keys import KeyFolder
from governance.audit.merkle import EMPTY_ROOT
from governance.audit.notes import COSIGNATURE, SignerKey, parse_note
from governance.audit.rows import is_audited
from governance.audit.sequencing import checkpoint_of
from governance.audit.timestamps import check_token, request_for, store_timestamp
from governance.audit.verification import Claim
from governance.engagements.members import add_member
from governance.tenancy import EVERYTHING
from sla.evidence.service import Upload, hand_in
from tests.factories import (
    JANUARY,
    NOW,
    actor_of,
    approve,
    make_contract,
    make_user,
    make_workshop,
    write_evidence_folder,
)
from tests.governance.audit.authority import Authority
from tests.governance.audit.filling import fill_empty_tables, python_type
from tests.governance.audit.logs import check, checkpoint, complaints, keys_in, make_log
from tests.long import LONG

SIZES = (1, 2, 3, 255, 256, 257)
MEANINGLESS = {
    "audit_entry.id",
    "audit_checkpoint.signed_at",
    "audit_cosignature.id",
    "audit_timestamp.id",
    "audit_timestamp.authority",
    "audit_timestamp.token",
}
"""Numbers that say nothing, a time that the signed note doesn't state, an address that the token
doesn't, and the last byte of a token, its signature, which needs the authority's certificate."""


class Intruder:
    """Has the whole database: no trigger and no constraint stops it.

    On SQLite it opens the file, on PostgreSQL it is the superuser.
    """

    def __init__(self, engine: Engine) -> None:
        engine.dispose()
        self.on_sqlite = engine.dialect.name == "sqlite"
        self._connection: Any = (
            _open_file(engine.url) if self.on_sqlite else _open_as_superuser(engine.url)
        )
        drop = self._drop_triggers if self.on_sqlite else self._drop_checks
        drop()

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()

    def _drop_triggers(self) -> None:
        for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self.run(f"DROP TRIGGER {name}")

    def _drop_checks(self) -> None:
        for kind in ("c", "f"):
            found = self.run(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = ?"
                " AND connamespace = 'public'::regnamespace",
                kind,
            )
            for table, name in found:
                self.run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')

    def run(self, statement: str, *values: object) -> list[Any]:
        """Run one statement, with ? for values; it is committed at once."""
        if self.on_sqlite:
            rows: list[Any] = self._connection.execute(statement, values).fetchall()
            return rows
        answer = self._connection.execute(statement.replace("?", "%s"), values or None)
        return list(answer.fetchall()) if answer.description else []


def _open_file(url: URL) -> Any:
    connection = pysqlite3.connect(str(url.database), isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _open_as_superuser(url: URL) -> Any:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(address, autocommit=True)
    # No trigger fires for what a replica takes over.
    connection.execute("SET session_replication_role = replica")
    return connection


@pytest.fixture
def break_in() -> Iterator[Callable[[Engine], Intruder]]:
    """Lets an intruder into a database, for the time of the test."""
    with ExitStack() as intruders:
        yield lambda engine: intruders.enter_context(closing(Intruder(engine)))


@pytest.fixture
def business(fresh_engine: Engine, tmp_path: Path) -> tuple[Engine, KeyFolder]:
    """A settled and invoiced period, all of it under a checkpoint."""
    workshop = make_workshop(tmp_path)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        actor = actor_of(make_user(session))
        engagement = make_contract(session, actor).engagement
        add_member(session, actor, engagement, make_user(session), Role.PROVIDER_FINANCE)
        ledgers = Upload(write_evidence_folder(tmp_path / "evidence"), "ledgers")
        hand_in(session, actor, engagement, ledgers, workshop.store)
        settle_period(session, actor, engagement, JANUARY, workshop)
        issuer = approve(session, engagement, JANUARY)
        issue_invoice(session, issuer, engagement, JANUARY, workshop)
        fill_empty_tables(session)
    keys = keys_in(tmp_path)
    sequence(fresh_engine, keys)
    _vouch(fresh_engine, tmp_path)
    return fresh_engine, keys


def _vouch(engine: Engine, folder: Path) -> None:
    """A cosignature and a timestamp on the checkpoint."""
    witness = SignerKey("w.example.org", bytes(32), COSIGNATURE)
    authority = Authority(folder / "authority")
    with session_scope(engine, sees=EVERYTHING) as session:
        latest = checkpoint_of(session)
        line = witness.signature_line(parse_note(latest.note).text, 1_700_000_000)
        store_cosignature(session, latest, witness.verifier, line)
        token = authority.answer(request_for(latest.note).as_bytes())
        store_timestamp(session, latest, "a", token, check_token(latest.note, token))


def _changed(value: Any, kind: type[Any]) -> Any:
    """The value with one byte changed; something where there was nothing."""
    match value:
        case None:
            return {str: "x", bytes: b"x", datetime: NOW, date: NOW.date(), bool: True}.get(kind, 1)
        case bool():
            return not value
        case datetime() | date():
            return value + timedelta(days=1)
        case int():
            return 1 - value if value in {0, 1} else value + 4096
        case _:
            return _flipped(value)


def _flipped(value: str | bytes) -> str | bytes:
    data = bytearray(value.encode() if isinstance(value, str) else value)
    if not data:
        return "x"
    data[-1] ^= 1
    return bytes(data).decode() if isinstance(value, str) else bytes(data)


def _tables() -> list[Table]:
    return [
        table
        for table in METADATA.sorted_tables
        if is_audited(table) or table.name.startswith("audit_")
    ]


@dataclass(frozen=True)
class _Cell:
    """A column of one row."""

    column: Column[Any]
    key: dict[str, Any]
    """The row's primary key."""

    @property
    def table(self) -> str:
        return self.column.table.name

    def read(self, intruder: Intruder) -> Any:
        """What stands in it."""
        statement = f'SELECT "{self.column.name}" FROM {self.table} WHERE {_where(self.key)}'  # noqa: S608 (our own names)
        ((value,),) = intruder.run(statement, *self.key.values())
        return value

    def write(self, intruder: Intruder, value: Any, key: dict[str, Any]) -> None:
        """Replace it in the row that has this key now."""
        statement = f'UPDATE {self.table} SET "{self.column.name}" = ? WHERE {_where(key)}'  # noqa: S608 (our own names)
        intruder.run(statement, value, *key.values())

    def is_named(self, lines: Iterable[str]) -> bool:
        """Whether a complaint names the very row."""
        row = f"{self.table}, row {'/'.join(map(str, self.key.values()))}:"
        return any(line.startswith(row) for line in lines)


def _where(key: Iterable[str]) -> str:
    return " AND ".join(f"{name} = ?" for name in key)


@contextmanager
def _one_byte_changed(intruder: Intruder, cell: _Cell) -> Iterator[None]:
    """The cell is another, until it is changed back."""
    name, before = cell.column.name, cell.read(intruder)
    after = 10**6 if name == "id" else _changed(before, python_type(cell.column))
    cell.write(intruder, after, cell.key)
    yield
    cell.write(intruder, before, cell.key | ({name: after} if name in cell.key else {}))


def _last_rows(intruder: Intruder) -> list[list[_Cell]]:
    """The last row of each table, cell by cell."""
    rows = []
    for table in _tables():
        names = [column.name for column in table.primary_key]
        order = ", ".join(f"{name} DESC" for name in names)
        statement = f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {order} LIMIT 1"  # noqa: S608 (our own names)
        found = intruder.run(statement)
        assert found, f"{table.name} is empty"
        key = dict(zip(names, found[0], strict=True))
        rows.append([_Cell(column, key) for column in table.columns])
    return rows


def test_one_byte_in_any_column_is_found_and_named(
    business: tuple[Engine, KeyFolder], break_in: Callable[[Engine], Intruder]
) -> None:
    """The log's own columns one by one, those of other tables one of each table together.

    A cell that isn't named with its row among others is changed once more alone.
    """
    engine, keys = business
    assert complaints(check(engine, keys)) == []
    intruder = break_in(engine)
    rows = _last_rows(intruder)
    missed = []
    for together in zip_longest(*(row for row in rows if not row[0].table.startswith("audit_"))):
        cells = [cell for cell in together if cell is not None]
        with ExitStack() as changes:
            for cell in cells:
                changes.enter_context(_one_byte_changed(intruder, cell))
            found = complaints(check(engine, keys))
        unreadable = any("can't be read" in line for line in found)  # All after it look missing.
        missed += [cell for cell in cells if unreadable or not cell.is_named(found)]
    missed += [cell for row in rows for cell in row if cell.table.startswith("audit_")]
    still = {str(cell.column) for cell in missed if not _is_found(engine, keys, intruder, cell)}
    assert still == MEANINGLESS
    assert complaints(check(engine, keys)) == []


def _is_found(engine: Engine, keys: KeyFolder, intruder: Intruder, cell: _Cell) -> bool:
    """Change one cell, check, and change it back."""
    with _one_byte_changed(intruder, cell):
        found = complaints(check(engine, keys))
    return any(cell.table in line or "can't be read" in line for line in found)


def test_a_row_added_or_removed_past_the_application_is_found(
    business: tuple[Engine, KeyFolder], break_in: Callable[[Engine], Intruder]
) -> None:
    engine, keys = business
    intruder = break_in(engine)
    intruder.run(
        "INSERT INTO membership (id, user_id, engagement_id, role)"
        " SELECT 99, user_id, engagement_id, 'auditor' FROM membership WHERE id = 1"
    )
    intruder.run("DELETE FROM fee_invoice_line WHERE id = 2")
    assert complaints(check(engine, keys)) == [
        "membership, row 99: no entry tells of this row",
        "fee_invoice_line, row 2: the row is missing",
    ]


def _cut_tail(intruder: Intruder, size: int) -> None:
    intruder.run("DELETE FROM audit_entry WHERE leaf_index = ?", size - 1)


def _cut_middle(intruder: Intruder, size: int) -> None:
    intruder.run("DELETE FROM audit_entry WHERE leaf_index = ?", size // 2)


def _swap(intruder: Intruder, size: int) -> None:
    last, first = size - 1, max(size - 2, 0)
    intruder.run("UPDATE audit_entry SET leaf_index = -1 WHERE leaf_index = ?", last)
    intruder.run("UPDATE audit_entry SET leaf_index = ? WHERE leaf_index = ?", last, first)
    intruder.run("UPDATE audit_entry SET leaf_index = ? WHERE leaf_index = -1", first)


def _insert(intruder: Intruder, size: int) -> None:
    intruder.run(
        "INSERT INTO audit_entry (id, uid, at, action, subject_kind, subject_id, data, leaf_index)"
        " SELECT 999999, 'more', at, action, subject_kind, subject_id, data, ? FROM audit_entry"
        " LIMIT 1",
        size,
    )


def _change(intruder: Intruder, size: int) -> None:
    replaced = (
        "CAST(replace(data, 'S', 'T') AS BLOB)"
        if intruder.on_sqlite
        else "convert_to(replace(convert_from(data, 'UTF8'), 'S', 'T'), 'UTF8')"
    )
    intruder.run(
        f"UPDATE audit_entry SET data = {replaced},"  # noqa: S608 (our own text)
        " subject_label = replace(subject_label, 'S', 'T') WHERE leaf_index = ?",
        size // 2,
    )


ATTACKS = (_cut_tail, _cut_middle, _swap, _insert, _change)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("size", [*SIZES, *((65_536,) if LONG else ())])
def test_rearranged_entries_are_found(
    fresh_engine: Engine,
    tmp_path: Path,
    break_in: Callable[[Engine], Intruder],
    size: int,
    attack: Callable[[Intruder, int], None],
) -> None:
    if attack is _swap and size == 1:
        return  # There is nothing to swap with.
    keys = make_log(fresh_engine, tmp_path, size)
    attack(break_in(fresh_engine), size)
    found = complaints(check(fresh_engine, keys))
    assert any(line.startswith(("audit_entry", "audit_node", "audit_checkpoint")) for line in found)


@pytest.mark.parametrize("size", SIZES)
def test_a_held_checkpoint_finds_what_the_real_key_has_signed_anew(
    fresh_engine: Engine, tmp_path: Path, break_in: Callable[[Engine], Intruder], size: int
) -> None:
    keys = make_log(fresh_engine, tmp_path, size)
    held = Claim("kept by the auditor", checkpoint(fresh_engine, keys))
    assert complaints(check(fresh_engine, keys, [held])) == []
    intruder = break_in(fresh_engine)
    _change(intruder, size)
    for statement in (
        "DELETE FROM audit_node",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_entry SET leaf_index = NULL",
    ):
        intruder.run(statement)
    intruder.run("UPDATE audit_head SET size = 0, root = ?", EMPTY_ROOT)
    (keys.folder / "last-checkpoint").unlink()
    sequence(fresh_engine, keys)
    assert complaints(check(fresh_engine, keys)) == []
    (found,) = complaints(check(fresh_engine, keys, [held]))
    assert found.startswith("kept by the auditor: the first")
