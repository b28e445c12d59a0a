"""Entries get their places once, and only a tree that extends the last is ever signed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlmodel import Session, col

from app.audit_log import sequence
from app.database import session_scope
from governance.audit.checkpoints import Checkpoint
from governance.audit.entries import KEY_BYTES
from governance.audit.keys import KeyFolder
from governance.audit.log_proofs import growth_of, proof_of
from governance.audit.merkle import verify_consistency
from governance.audit.models import Action, AuditEntry
from governance.audit.proofs import check_proof
from governance.audit.sequencing import checkpoint_of, sequence_pending
from governance.audit.service import Change, record
from governance.errors import Conflict, NotFound
from governance.tenancy import EVERYTHING
from tests.factories import NOW
from tests.governance.audit.logs import (
    ACTOR,
    add_entries,
    check,
    checkpoint,
    complaints,
    keys_in,
    make_log,
    stored_checkpoint,
)


def test_pending_entries_come_under_a_signed_checkpoint(
    fresh_engine: Engine, tmp_path: Path
) -> None:
    keys = keys_in(tmp_path)
    assert sequence(fresh_engine, keys) is None
    add_entries(fresh_engine, 5)
    signed = sequence(fresh_engine, keys)
    assert signed is not None
    assert signed.size == 5
    assert sequence(fresh_engine, keys) is None
    assert checkpoint(fresh_engine, keys) == signed == keys.held()
    verdict = check(fresh_engine, keys)
    assert complaints(verdict) == []
    assert (verdict.size, verdict.root, verdict.erased) == (5, signed.root, 0)


def test_an_entry_that_commits_late_is_not_forgotten(
    postgresql_engine: Engine, tmp_path: Path
) -> None:
    keys = keys_in(tmp_path)
    with session_scope(postgresql_engine, sees=EVERYTHING) as slow:
        slow.execute(text("SELECT nextval(pg_get_serial_sequence('audit_entry', 'id'))"))
        make_log(postgresql_engine, tmp_path, 3)
        slow.execute(
            text(
                "INSERT INTO audit_entry (id, uid, at, action, subject_kind, subject_id, data)"
                " SELECT 1, 'late', at, action, subject_kind, subject_id, data FROM audit_entry"
                " WHERE leaf_index = 1"
            )
        )
    signed = sequence(postgresql_engine, keys)
    assert signed is not None
    assert signed.size == 4


def test_proofs_come_from_the_stored_hashes(fresh_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(fresh_engine, tmp_path, 3, 7, 12)
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        for entry in session.scalars(select(AuditEntry)):
            proof = proof_of(session, entry.uid)
            assert check_proof(proof, entry.data, keys.signer().verifier).size == 12
        growth = growth_of(session, 7, 12)
        with pytest.raises(Conflict, match="not under this checkpoint"):
            proof_of(session, _uid(session, 9), 7)
        with pytest.raises(NotFound):
            proof_of(session, "unknown")
        with pytest.raises(NotFound):
            proof_of(session, _uid(session, 9), 8)
    old, new = (checkpoint(fresh_engine, keys, size) for size in (7, 12))
    assert verify_consistency(7, 12, growth, old.root, new.root)


def _uid(session: Session, index: int) -> str:
    return session.scalars(
        select(col(AuditEntry.uid)).where(col(AuditEntry.leaf_index) == index)
    ).one()


def test_there_is_no_checkpoint_before_the_first(session: Session) -> None:
    with pytest.raises(NotFound, match="no checkpoint yet"):
        checkpoint_of(session)


def test_an_old_copy_of_the_database_is_never_signed_again(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    database = Path(str(sqlite_engine.url.database))
    with sqlite_engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(database, tmp_path / "backup.db")
    add_entries(sqlite_engine, 2, 3)
    sequence(sqlite_engine, keys)
    sqlite_engine.dispose()
    for ending in ("-wal", "-shm"):
        Path(f"{database}{ending}").unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "backup.db", database)
    add_entries(sqlite_engine, 9, 3)
    with pytest.raises(Conflict, match="an old copy of the database was restored"):
        sequence(sqlite_engine, keys)


def test_another_beginning_is_never_signed(session: Session, tmp_path: Path) -> None:
    signer = keys_in(tmp_path).signer()
    _record_one(session)
    first = sequence_pending(session, signer, NOW)
    assert first is not None
    _record_one(session)
    other = Checkpoint(first.origin, 1, bytes(KEY_BYTES))
    with pytest.raises(Conflict, match="not those that were signed"):
        sequence_pending(session, signer, NOW, other)
    assert sequence_pending(session, signer, NOW, first)


def _record_one(session: Session) -> None:
    record(session, ACTOR, Change(Action.CONTRACT_ADDED, "engagement", 1, "E"))


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE audit_node SET hash = x'00' WHERE level = 1", "no longer give the root"),
        ("DELETE FROM audit_node WHERE level = 1", "is missing"),
        ("DELETE FROM audit_checkpoint", "not at its last checkpoint"),
        ("UPDATE audit_checkpoint SET note = 'x'", "isn't signed with this key"),
    ],
)
def test_a_damaged_log_is_not_signed(
    sqlite_engine: Engine, tmp_path: Path, statement: str, what: str
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    with sqlite_engine.begin() as connection:
        for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'")):
            connection.execute(text(f"DROP TRIGGER {name[0]}"))
        connection.execute(text(statement))
    add_entries(sqlite_engine, 1, 3)
    with pytest.raises(Conflict, match=what):
        sequence(sqlite_engine, keys)


def test_another_key_does_not_sign_on(sqlite_engine: Engine, tmp_path: Path) -> None:
    make_log(sqlite_engine, tmp_path, 3)
    add_entries(sqlite_engine, 1, 3)
    with pytest.raises(Conflict, match="isn't signed with this key"):
        sequence(sqlite_engine, keys_in(tmp_path / "other"))


def test_key_files_are_their_owners_alone(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(sqlite_engine, tmp_path, 1)
    files = sorted(keys.folder.iterdir())
    assert [file.name for file in files] == ["last-checkpoint", "log.key", "log.origin"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert files[0].read_text(encoding="utf-8") == stored_checkpoint(sqlite_engine).note
    assert KeyFolder(keys.folder, "renamed.example.org").signer() == keys.signer()
    (keys.folder / "log.key").write_text("short")
    with pytest.raises(Conflict, match="no key"):
        keys.signer()


def test_a_damaged_held_checkpoint_stops_the_log(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(sqlite_engine, tmp_path, 1)
    (keys.folder / "last-checkpoint").write_text("anything\n\nelse\n")
    with pytest.raises(Conflict, match="not signed with the log's key"):
        sequence(sqlite_engine, keys)
