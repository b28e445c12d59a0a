"""An exported folder proves itself; whatever is changed in it is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlmodel import col

from app.audit_log import sequence
from app.database import make_engine, session_scope
from governance.audit.erasure import erase_values
from governance.audit.export import export_log, export_proofs
from governance.audit.folder_check import Held, HeldNote, Policy, check_folder, read_policy
from governance.audit.keys import KeyFolder
from governance.audit.models import AuditEntry
from governance.audit.tiles import decode_bundle, encode_bundle
from governance.audit.verification import Verdict
from governance.audit.witness import WitnessState, cosign_folder
from governance.errors import InvalidNote
from governance.tenancy import EVERYTHING
from tests.governance.audit.logs import add_entries, complaints, keys_in, make_log

SIZES = (1, 2, 3, 255, 256, 257)


def _export(engine: Engine, keys: KeyFolder, folder: Path) -> Path:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        export_log(session, keys.signer().verifier, folder)
    return folder


def _verify(folder: Path, keys: KeyFolder, *held: str) -> Verdict:
    notes = [HeldNote("held", note) for note in held]
    return check_folder(folder, Policy(keys.signer().verifier), Held(tuple(notes)))


@pytest.mark.parametrize("size", SIZES)
def test_a_whole_export_holds(sqlite_engine: Engine, tmp_path: Path, size: int) -> None:
    keys = make_log(sqlite_engine, tmp_path, *{(size + 1) // 2, size})
    folder = _export(sqlite_engine, keys, tmp_path / "out")
    verdict = _verify(folder, keys)
    assert complaints(verdict) == []
    assert (verdict.size, verdict.erased) == (size, 0)
    assert read_policy(folder).log == keys.signer().verifier


def test_both_databases_export_alike(fresh_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(fresh_engine, tmp_path, 4, 300)
    assert complaints(_verify(_export(fresh_engine, keys, tmp_path / "out"), keys)) == []


@pytest.fixture(scope="module")
def exported(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, KeyFolder]:
    """A log of 257 entries with checkpoints of 3 and 257."""
    folder = tmp_path_factory.mktemp("exported")
    shutil.copyfile(sqlite_template, folder / "log.db")
    engine = make_engine(f"sqlite:///{folder / 'log.db'}")
    keys = make_log(engine, folder, 3, 257)
    _export(engine, keys, folder / "out")
    engine.dispose()
    return folder / "out", keys


@pytest.fixture
def copy(exported: tuple[Path, KeyFolder], tmp_path: Path) -> Path:
    """A copy of the export, to be tampered with."""
    return Path(shutil.copytree(exported[0], tmp_path / "copy"))


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_one_byte_in_any_file_is_found_and_named(
    exported: tuple[Path, KeyFolder], tmp_path: Path
) -> None:
    source, keys = exported
    for name in _files(source):
        if name == "policy":
            continue
        size = (source / name).stat().st_size
        for at in {0, 1, size // 2, size - 1}:
            folder = Path(shutil.copytree(source, tmp_path / "one"))
            _flip(folder / name, at)
            found = _complaints(folder, keys)
            assert found, f"{name} byte {at}"
            assert any(name in line or "hash of entry" in line for line in found), found
            shutil.rmtree(folder)


def _complaints(folder: Path, keys: KeyFolder, *held: str) -> list[str]:
    try:
        return complaints(_verify(folder, keys, *held))
    except InvalidNote as error:
        return [f"checkpoint: {error}"]


def test_another_key_in_the_policy_is_found(copy: Path) -> None:
    other = keys_in(copy.parent / "other").signer().verifier
    with pytest.raises(InvalidNote, match="signed with another key"):
        check_folder(copy, Policy(other))


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/001.p/1", "tile/1/000.p/1"])
def test_a_missing_file_is_named(exported: tuple[Path, KeyFolder], copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert any(name in line for line in _complaints(copy, exported[1]))


def test_an_additional_file_is_named(exported: tuple[Path, KeyFolder], copy: Path) -> None:
    (copy / "tile" / "0" / "002").write_bytes(b"x")
    assert "tile/0/002: no such file belongs" in _complaints(copy, exported[1])[0]


def _first_bundle(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = folder / "tile" / "entries" / "000"
    path.write_bytes(encode_bundle(change(decode_bundle(path.read_bytes()))))


@pytest.mark.parametrize(
    "change",
    [
        lambda all_: all_[:-1],
        lambda all_: all_[:100] + all_[101:],
        lambda all_: [all_[1], all_[0], *all_[2:]],
        lambda all_: [*all_[:50], all_[50], *all_[50:-1]],
        lambda all_: [*all_, all_[-1]],
    ],
    ids=["tail cut", "middle cut", "swap", "insert", "append"],
)
def test_rearranged_entries_are_found(
    exported: tuple[Path, KeyFolder],
    copy: Path,
    change: Callable[[list[bytes]], list[bytes]],
) -> None:
    _first_bundle(copy, change)
    found = _complaints(copy, exported[1])
    assert any("tile/0/000" in line or "tile/entries/000" in line for line in found)
    assert any("were signed" in line for line in found)


def test_a_held_checkpoint_finds_what_the_real_key_has_signed_anew(
    sqlite_template: Path, sqlite_engine: Engine, tmp_path: Path
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 3)
    held = (keys.folder / "last-checkpoint").read_text(encoding="utf-8")
    (keys.folder / "last-checkpoint").unlink()
    shutil.copyfile(sqlite_template, tmp_path / "other.db")
    forged = make_engine(f"sqlite:///{tmp_path / 'other.db'}")
    add_entries(forged, 5)
    sequence(forged, keys)
    folder = _export(forged, keys, tmp_path / "forged")
    forged.dispose()
    assert complaints(_verify(folder, keys)) == []
    (found,) = complaints(_verify(folder, keys, held))
    assert found == "held: the first 3 entries are not those that were signed"


def test_a_held_checkpoint_finds_that_the_log_was_cut(
    exported: tuple[Path, KeyFolder], sqlite_engine: Engine, tmp_path: Path
) -> None:
    source, keys = exported
    held = (source / "checkpoint").read_text(encoding="utf-8")
    short = KeyFolder(tmp_path / "keys", keys.origin)
    shutil.copytree(keys.folder, short.folder)
    (short.folder / "last-checkpoint").unlink()
    add_entries(sqlite_engine, 2)
    sequence(sqlite_engine, short)
    folder = _export(sqlite_engine, short, tmp_path / "cut")
    (found,) = complaints(_verify(folder, short, held))
    assert "257 entries were signed, but the log has only 2" in found


def test_erased_values_are_counted_and_break_nothing(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(sqlite_engine, tmp_path, 7)
    with session_scope(sqlite_engine, sees=EVERYTHING) as session:
        assert erase_values(session, 3, {"p0@EXAMPLE.org"}) == 2
    folder = _export(sqlite_engine, keys, tmp_path / "out")
    verdict = _verify(folder, keys)
    assert complaints(verdict) == []
    assert verdict.erased == 2
    kept = (folder / "personal.jsonl").read_text(encoding="utf-8")
    assert "p3@example.org" not in kept
    assert "p6@example.org" in kept


def test_a_foreign_personal_value_is_named(exported: tuple[Path, KeyFolder], copy: Path) -> None:
    path = copy / "personal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    other = json.loads(lines[0]) | {"ref": "f" * 32}
    path.write_text("\n".join([*lines, json.dumps(other), ""]), encoding="utf-8")
    assert "no entry commits to this" in _complaints(copy, exported[1])[0]


def test_proofs_alone_can_be_handed_out(sqlite_engine: Engine, tmp_path: Path) -> None:
    keys = make_log(sqlite_engine, tmp_path, 9)
    add_entries(sqlite_engine, 1, 9)
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        some = session.scalars(select(AuditEntry).where(col(AuditEntry.id) > 6)).all()
        folder = tmp_path / "proofs"
        assert export_proofs(session, keys.signer().verifier, folder, some) == 3
    verdict = _verify(folder, keys)
    assert complaints(verdict) == []
    assert verdict.proofs == 3
    assert "tile" not in {path.name for path in folder.iterdir()}
    path = next((folder / "proofs").iterdir())
    path.write_text(path.read_text(encoding="utf-8").replace("index ", "index 1"), encoding="utf-8")
    assert path.name in complaints(_verify(folder, keys))[0]


def test_a_witness_follows_the_log_and_refuses_a_rewritten_one(
    sqlite_engine: Engine, sqlite_template: Path, tmp_path: Path
) -> None:
    keys = make_log(sqlite_engine, tmp_path, 300)
    state = WitnessState(tmp_path / "witness", "w.example.org")
    log = keys.signer().verifier
    folder = _export(sqlite_engine, keys, tmp_path / "first")
    cosign_folder(folder, log, state, 1_700_000_000)
    add_entries(sqlite_engine, 230, 300)
    sequence(sqlite_engine, keys)
    folder = _export(sqlite_engine, keys, tmp_path / "second")
    assert cosign_folder(folder, log, state, 1_700_000_100).size == 530
    policy = Policy(log, (state.key.verifier,))
    assert check_folder(folder, policy).cosigned == {"w.example.org": 530}
    (keys.folder / "last-checkpoint").unlink()
    shutil.copyfile(sqlite_template, tmp_path / "other.db")
    forged = make_engine(f"sqlite:///{tmp_path / 'other.db'}")
    add_entries(forged, 600)
    sequence(forged, keys)
    folder = _export(forged, keys, tmp_path / "third")
    forged.dispose()
    with pytest.raises(InvalidNote, match="no longer those seen before"):
        cosign_folder(folder, log, state, 1_700_000_200)
