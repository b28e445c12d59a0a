"""Whoever writes past the application is found: any column of any table that is audited."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
from sqlalchemy import Column, Engine, Table

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

SIZES = (1, 2, 3, 255, 256, 257)
LONG = os.environ.get("PLUMBLINE_LONG_TESTS") == "1"
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
        self._url = engine.url
        if self.on_sqlite:
            for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                self.run(f"DROP TRIGGER {name}")
        else:
            self._drop_checks()

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
        """Run one statement, with ? for values, and commit it."""
        return (
            self._on_sqlite(statement, values)
            if self.on_sqlite
            else self._on_server(statement, values)
        )

    def _on_sqlite(self, statement: str, values: Sequence[object]) -> list[Any]:
        with closing(pysqlite3.connect(str(self._url.database))) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            rows: list[Any] = connection.execute(statement, values).fetchall()
            connection.commit()
        return rows

    def _on_server(self, statement: str, values: Sequence[object]) -> list[Any]:
        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            # No trigger fires for what a replica takes over.
            connection.execute("SET session_replication_role = replica")
            answer = connection.execute(statement.replace("?", "%s"), values or None)
            return answer.fetchall() if answer.description else []


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


def test_one_byte_in_any_column_is_found_and_named(business: tuple[Engine, KeyFolder]) -> None:
    engine, keys = business
    assert complaints(check(engine, keys)) == []
    intruder, missed, empty = Intruder(engine), [], []
    for table in _tables():
        names = [column.name for column in table.primary_key]
        order = ", ".join(f"{name} DESC" for name in names)
        rows = intruder.run(f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {order} LIMIT 1")  # noqa: S608 (our own names)
        if not rows:
            empty.append(table.name)
            continue
        key = dict(zip(names, rows[0], strict=True))
        missed += [
            f"{table.name}.{column.name}"
            for column in table.columns
            if not _is_found(engine, keys, intruder, column, key)
        ]
    assert set(missed) == MEANINGLESS
    assert empty == []


def _is_found(
    engine: Engine, keys: KeyFolder, intruder: Intruder, column: Column[Any], key: dict[str, Any]
) -> bool:
    """Change one column of one row, check, and change it back."""
    name, table = column.name, column.table.name
    where = " AND ".join(f"{one} = ?" for one in key)
    read = f'SELECT "{name}" FROM {table} WHERE {where}'  # noqa: S608 (our own names)
    update = f'UPDATE {table} SET "{name}" = ? WHERE {where}'  # noqa: S608 (our own names)
    ((before,),) = intruder.run(read, *key.values())
    after = 10**6 if name == "id" else _changed(before, python_type(column))
    intruder.run(update, after, *key.values())
    found = complaints(check(engine, keys))
    engine.dispose()
    intruder.run(update, before, *(key | ({name: after} if name in key else {})).values())
    return any(table in line or "can't be read" in line for line in found)


def test_a_row_added_or_removed_past_the_application_is_found(
    business: tuple[Engine, KeyFolder],
) -> None:
    engine, keys = business
    intruder = Intruder(engine)
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
    fresh_engine: Engine, tmp_path: Path, size: int, attack: Callable[[Intruder, int], None]
) -> None:
    if attack is _swap and size == 1:
        return  # There is nothing to swap with.
    keys = make_log(fresh_engine, tmp_path, size)
    attack(Intruder(fresh_engine), size)
    found = complaints(check(fresh_engine, keys))
    assert any(line.startswith(("audit_entry", "audit_node", "audit_checkpoint")) for line in found)


@pytest.mark.parametrize("size", SIZES)
def test_a_held_checkpoint_finds_what_the_real_key_has_signed_anew(
    fresh_engine: Engine, tmp_path: Path, size: int
) -> None:
    keys = make_log(fresh_engine, tmp_path, size)
    held = Claim("kept by the auditor", checkpoint(fresh_engine, keys))
    assert complaints(check(fresh_engine, keys, [held])) == []
    intruder = Intruder(fresh_engine)
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
