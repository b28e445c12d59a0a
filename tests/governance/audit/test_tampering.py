"""Whoever writes past the application is found: any column of any table that is audited."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pysqlite3
import pytest
from sqlalchemy import Engine, Table, text

from app.audit_log import sequence
from app.database import METADATA, session_scope
from billing.invoices.service import issue_invoice
from billing.settlement.service import settle_period
from governance.access import Role
from governance.audit.keys import KeyFolder
from governance.audit.rows import is_audited
from governance.audit.verification import Claim
from governance.engagements.members import add_member
from sla.evidence.service import Upload, hand_in
from tests.factories import (
    JANUARY,
    actor_of,
    make_contract,
    make_user,
    make_workshop,
    write_evidence_folder,
)
from tests.governance.audit.logs import check, checkpoint, complaints, keys_in, make_log

SIZES = (1, 2, 3, 255, 256, 257)
LONG = os.environ.get("PLUMBLINE_LONG_TESTS") == "1"
MEANINGLESS = {"audit_entry.id", "audit_checkpoint.signed_at"}
"""A number that says nothing, and a time that the signed note doesn't state."""


class Intruder:
    """Has the database file: no trigger and no foreign key stops it."""

    def __init__(self, engine: Engine) -> None:
        engine.dispose()
        self._path = str(engine.url.database)
        triggers = self.run("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers:
            self.run(f"DROP TRIGGER {name}")

    def run(self, statement: str, *values: object) -> list[Any]:
        """Run one statement and commit it."""
        with closing(pysqlite3.connect(self._path)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            rows: list[Any] = connection.execute(statement, values).fetchall()
            connection.commit()
        return rows


@pytest.fixture
def business(sqlite_engine: Engine, tmp_path: Path) -> tuple[Engine, KeyFolder]:
    """A settled and invoiced period, all of it under a checkpoint."""
    workshop = make_workshop(tmp_path)
    with session_scope(sqlite_engine) as session:
        actor = actor_of(make_user(session))
        engagement = make_contract(session, actor).engagement
        add_member(session, actor, engagement, make_user(session), Role.CLIENT_FINANCE)
        ledgers = Upload(write_evidence_folder(tmp_path / "evidence"), "ledgers")
        hand_in(session, actor, engagement, ledgers, workshop.store)
        settle_period(session, actor, engagement, JANUARY, workshop)
        issue_invoice(session, actor, engagement, JANUARY, workshop)
    keys = keys_in(tmp_path)
    sequence(sqlite_engine, keys)
    return sqlite_engine, keys


def _changed(value: Any) -> Any:
    """The value with one byte changed; something where there was nothing."""
    if value is None:
        return 1
    if isinstance(value, int):
        return 1 - value if value in {0, 1} else value + 4096
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


def test_one_byte_in_any_column_is_found_and_named(business: tuple[Engine, KeyFolder]) -> None:
    engine, keys = business
    assert complaints(check(engine, keys)) == []
    intruder, missed, empty = Intruder(engine), [], []
    for table in _tables():
        rows = intruder.run(f"SELECT max(rowid) FROM {table.name}")  # noqa: S608 (our own names)
        if rows == [(None,)]:
            empty.append(table.name)
            continue
        for column in table.columns:
            where = f'UPDATE {table.name} SET "{column.name}" = ? WHERE rowid = ?'  # noqa: S608 (our own names)
            if not _is_found(engine, keys, intruder, table.name, column.name, rows[0][0], where):
                missed.append(f"{table.name}.{column.name}")
    assert set(missed) == MEANINGLESS
    assert empty == []


def _is_found(
    engine: Engine,
    keys: KeyFolder,
    intruder: Intruder,
    table: str,
    column: str,
    row: int,
    update: str,
) -> bool:
    read = f'SELECT "{column}" FROM {table} WHERE rowid = ?'  # noqa: S608 (our own names)
    ((before,),) = intruder.run(read, row)
    key_changes = column == "id"
    after = 10**6 if key_changes else _changed(before)
    intruder.run(update, after, row)
    found = complaints(check(engine, keys))
    engine.dispose()
    intruder.run(update, before, 10**6 if key_changes else row)
    return any(table in line or "can't be read" in line for line in found)


def test_a_row_added_or_removed_past_the_application_is_found(
    business: tuple[Engine, KeyFolder],
) -> None:
    engine, keys = business
    intruder = Intruder(engine)
    intruder.run(
        "INSERT INTO membership (user_id, engagement_id, role)"
        " SELECT user_id, engagement_id, 'auditor' FROM membership WHERE id = 1"
    )
    intruder.run("DELETE FROM fee_invoice_line WHERE id = 2")
    assert complaints(check(engine, keys)) == [
        "membership, row 3: no entry tells of this row",
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
        "INSERT INTO audit_entry (uid, at, action, subject_kind, subject_id, data, leaf_index)"
        " SELECT 'more', at, action, subject_kind, subject_id, data, ? FROM audit_entry LIMIT 1",
        size,
    )


def _change(intruder: Intruder, size: int) -> None:
    intruder.run(
        "UPDATE audit_entry SET data = CAST(replace(data, 'S', 'T') AS BLOB) WHERE leaf_index = ?",
        size // 2,
    )


ATTACKS = (_cut_tail, _cut_middle, _swap, _insert, _change)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("size", [*SIZES, *((65_536,) if LONG else ())])
def test_rearranged_entries_are_found(
    sqlite_engine: Engine, tmp_path: Path, size: int, attack: Callable[[Intruder, int], None]
) -> None:
    if attack is _swap and size == 1:
        return  # There is nothing to swap with.
    keys = make_log(sqlite_engine, tmp_path, size)
    attack(Intruder(sqlite_engine), size)
    found = complaints(check(sqlite_engine, keys))
    assert any(line.startswith(("audit_entry", "audit_node", "audit_checkpoint")) for line in found)


@pytest.mark.parametrize("size", SIZES)
def test_a_held_checkpoint_finds_what_the_real_key_has_signed_anew(
    sqlite_engine: Engine, tmp_path: Path, size: int
) -> None:
    keys = make_log(sqlite_engine, tmp_path, size)
    held = Claim("kept by the auditor", checkpoint(sqlite_engine, keys))
    assert complaints(check(sqlite_engine, keys, [held])) == []
    intruder = Intruder(sqlite_engine)
    _change(intruder, size)
    for statement in (
        "DELETE FROM audit_node",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_entry SET leaf_index = NULL",
    ):
        intruder.run(statement)
    with sqlite_engine.begin() as connection:
        empty = text("UPDATE audit_head SET size = 0, root = :root")
        connection.execute(empty, {"root": bytes.fromhex(_EMPTY)})
    (keys.folder / "last-checkpoint").unlink()
    sequence(sqlite_engine, keys)
    assert complaints(check(sqlite_engine, keys)) == []
    (found,) = complaints(check(sqlite_engine, keys, [held]))
    assert found.startswith("kept by the auditor: the first")


_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
