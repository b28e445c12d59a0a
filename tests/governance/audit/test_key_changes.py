"""A log that changes its key can be followed from the old key; a swapped key can't."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.audit_log import rotate_key, sequence
from app.database import make_engine, session_scope
from governance.audit.checkpoints import Checkpoint, open_checkpoint
from governance.audit.entries import decode_entry
from governance.audit.export import export_log, export_proofs
from governance.audit.folder_check import Held, HeldNote, Policy, check_folder
from governance.audit.key_changes import check_hand_over, hand_overs_of, keys_from
from governance.audit.keys import KeyFolder
from governance.audit.notes import VerifierKey
from governance.audit.sequencing import entry_of
from governance.errors import Conflict, InvalidNote
from governance.tenancy import EVERYTHING
from tests.governance.audit.logs import (
    ACTOR,
    add_entries,
    check,
    complaints,
    make_log,
    stored_checkpoint,
)


def _rotated(engine: Engine, folder: Path) -> tuple[KeyFolder, list[VerifierKey]]:
    """A log with keys changed at 4 and 7 entries, and its keys, oldest first."""
    keys = make_log(engine, folder, 3)
    known = [keys.signer().verifier, rotate_key(engine, keys, ACTOR)]
    add_entries(engine, 2, 4)
    known.append(rotate_key(engine, keys, ACTOR))
    add_entries(engine, 2, 7)
    sequence(engine, keys)
    return keys, known


def _export(engine: Engine, keys: KeyFolder, folder: Path) -> Path:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        export_log(session, keys.signer().verifier, folder)
    return folder


def test_both_databases_change_the_key(fresh_engine: Engine, tmp_path: Path) -> None:
    keys, known = _rotated(fresh_engine, tmp_path)
    assert keys.signer().verifier == known[2]
    assert complaints(verdict := check(fresh_engine, keys)) == []
    assert (verdict.size, verdict.keys) == (9, 3)
    folder = _export(fresh_engine, keys, tmp_path / "out")
    for key in known:
        found = check_folder(folder, Policy(key))
        assert (complaints(found), found.keys) == ([], 3)


def test_a_proofs_folder_is_followed_from_the_old_key(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    keys, known = _rotated(sqlite_engine, tmp_path)
    folder = tmp_path / "out"
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        uids = [proof.extra for proof in hand_overs_of(session).values()]
        assert len(uids) == 2
        export_proofs(session, keys.signer().verifier, folder, [])
    assert complaints(check_folder(folder, Policy(known[0]))) == []
    held = HeldNote("kept", stored_checkpoint(sqlite_engine, 3).note)
    assert complaints(check_folder(folder, Policy(known[0]), Held((held,)))) == []


def test_a_swapped_key_without_hand_over_is_named(
    sqlite_engine: Engine, sqlite_template: Path, tmp_path: Path
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 5)
    other = tmp_path / "other.db"
    other.write_bytes(sqlite_template.read_bytes())
    forged = make_engine(f"sqlite:///{other}")
    forger = make_log(forged, tmp_path / "forger", 5)
    folder = _export(forged, forger, tmp_path / "out")
    forged.dispose()
    old, new = keys.signer().verifier, forger.signer().verifier
    with pytest.raises(InvalidNote) as caught:
        check_folder(folder, Policy(old))
    assert f"another key of {old.name}, key id {new.key_id.hex()}" in str(caught.value)
    assert f"that is trusted, key id {old.key_id.hex()}" in str(caught.value)


def test_without_its_hand_over_the_new_key_is_not_believed(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    keys, known = _rotated(sqlite_engine, tmp_path)
    folder = _export(sqlite_engine, keys, tmp_path / "out")
    (folder / "handovers" / "4.tlog-proof").unlink()
    with pytest.raises(InvalidNote, match="no hand-over leads to it"):
        check_folder(folder, Policy(known[0]))
    found = complaints(check_folder(folder, Policy(known[2])))
    assert found
    assert all(line.startswith("checkpoints/") for line in found)


def test_a_tampered_hand_over_is_named(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys, known = _rotated(sqlite_engine, tmp_path)
    folder = _export(sqlite_engine, keys, tmp_path / "out")
    file = folder / "handovers" / "7.tlog-proof"
    whole = file.read_text(encoding="utf-8")
    file.write_text("".join(whole.splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(InvalidNote, match="signed by the old and the new key"):
        check_hand_over(file.read_text(encoding="utf-8"))
    assert any("handovers/7" in one for one in complaints(check_folder(folder, Policy(known[2]))))


def test_an_old_key_signs_nothing_after_its_term(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    old = keys.signer()
    rotate_key(sqlite_engine, keys, ACTOR)
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        proofs = [check_hand_over(one.text) for one in hand_overs_of(session).values()]
    trusted = keys_from(old.verifier, proofs)
    later = old.sign(Checkpoint(old.name, 9, bytes(32)).text)
    with pytest.raises(InvalidNote, match="wasn't the log's at that size"):
        open_checkpoint(later, trusted)
    assert open_checkpoint(stored_checkpoint(sqlite_engine, 3).note, trusted).size == 3


def test_a_sequencer_with_the_old_key_signs_nothing(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    stale = (keys.folder / "log.key").read_bytes()
    rotate_key(sqlite_engine, keys, ACTOR)
    (keys.folder / "log.key").write_bytes(stale)
    add_entries(sqlite_engine, 1, 4)
    with pytest.raises(Conflict, match="key was changed"):
        sequence(sqlite_engine, keys)


def test_a_change_cut_off_after_its_commit_is_carried_through(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)

    def killed(_: KeyFolder, note: str) -> None:
        raise KeyboardInterrupt(note)

    with monkeypatch.context() as patched:
        patched.setattr(KeyFolder, "adopt_successor", killed)
        patched.setattr("app.audit_log._finish_key_change", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            rotate_key(sqlite_engine, keys, ACTOR)
    new = keys.successor().verifier
    add_entries(sqlite_engine, 1, 4)
    sequence(sqlite_engine, keys)
    assert keys.signer().verifier == new
    assert complaints(check(sqlite_engine, keys)) == []


def test_a_change_cut_off_before_its_commit_leaves_the_old_key(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    old, waiting = keys.signer(), keys.successor()
    add_entries(sqlite_engine, 1, 3)
    sequence(sqlite_engine, keys)
    assert keys.signer() == old
    assert rotate_key(sqlite_engine, keys, ACTOR) == waiting.verifier
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        (proof,) = hand_overs_of(session).values()
        assert entry_of(session, decode_entry(proof.extra)["id"]).leaf_index == 4
