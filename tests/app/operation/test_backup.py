"""The drill: back up, lose everything, restore; and every way in which that must fail loudly."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.audit_log import key_folder, sequence
from app.database import make_engine
from app.operation import restore
from app.operation.backup import make_backup
from app.settings import Settings
from governance.errors import BadInput, Conflict
from tests.app.operation.installations import Installation, run
from tests.factories import FEBRUARY, NOW


@pytest.fixture
def backup(installation: Installation, tmp_path: Path) -> Path:  # noqa: ARG001 (what is backed up)
    """A backup of the installation, made by the command."""
    out = tmp_path / "backups" / "today"
    result = run("backup", "--out", out)
    assert result.exit_code == 0, result.output
    assert "audit log of" in result.output
    assert "key and the secret are not in it" in result.output
    return out


@pytest.fixture
def with_keys(installation: Installation, tmp_path: Path) -> Path:  # noqa: ARG001 (what is backed up)
    """The same, with the log's key and the secret."""
    out = tmp_path / "with-keys"
    result = run("backup", "--out", out, "--with-keys")
    assert result.exit_code == 0, result.output
    assert "can rewrite the log unnoticed" in result.output
    return out


def test_what_was_lost_comes_back_whole(installation: Installation, backup: Path) -> None:
    figures, evidence = installation.figures(), installation.evidence()
    assert figures
    assert evidence
    installation.destroy()
    result = run("restore", backup)
    assert result.exit_code == 0, result.output
    assert "The audit log holds" in result.output
    assert installation.figures() == figures
    assert installation.evidence() == evidence
    installation.sequence()
    assert installation.complaints() == []
    installation.settle(FEBRUARY)
    assert len(installation.figures()) > len(figures)
    assert installation.complaints() == []


def test_an_old_backup_is_found_and_the_log_refuses_to_sign(
    installation: Installation, backup: Path
) -> None:
    installation.settle(FEBRUARY)
    known = installation.tree_size()
    installation.destroy()
    result = run("restore", backup)
    assert result.exit_code == 2
    assert "Restored:" in result.output
    assert "the last checkpoint beside the key" in result.output
    assert str(known) in result.output
    with pytest.raises(Conflict, match=f"a checkpoint of {known} was signed"):
        sequence(installation.engine, key_folder(installation.settings))
    assert any("beside the key" in one for one in installation.complaints())


def test_a_backup_says_what_it_holds(installation: Installation, backup: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["database"] == installation.engine.dialect.name
    assert manifest["audit"]["size"] == installation.tree_size()
    names = {one["path"] for one in manifest["files"]}
    assert {f"evidence/{name}" for name in installation.evidence()} < names
    assert not any(name.startswith("keys/") for name in names)
    assert (backup.stat().st_mode & 0o777, backup.parent.joinpath("x").exists()) == (0o700, False)
    assert list(backup.parent.iterdir()) == [backup]
    assert run("backup", "--verify", backup).exit_code == 0
    installation.sequence()
    assert installation.tree_size() == manifest["audit"]["size"] + 1


def _flip_a_bit(backup: Path) -> str:
    evidence = next((backup / "evidence").iterdir())
    data = bytearray(evidence.read_bytes())
    data[len(data) // 2] ^= 1
    evidence.write_bytes(data)
    return evidence.name


def _cut_the_database(backup: Path) -> str:
    database = next(backup.glob("database.*"))
    os.truncate(database, database.stat().st_size - 1)
    return database.name


def _lose_a_file(backup: Path) -> str:
    evidence = next((backup / "evidence").iterdir())
    evidence.unlink()
    return evidence.name


def _add_a_file(backup: Path) -> str:
    (backup / "evidence" / "more.parquet").write_bytes(b"x")
    return "more.parquet"


def _put_a_link(backup: Path) -> str:
    evidence = next((backup / "evidence").iterdir())
    target = evidence.rename(backup.with_name(f"{backup.name}-elsewhere"))
    evidence.symlink_to(target)
    return evidence.name


def _cut_the_manifest(backup: Path) -> str:
    manifest = backup / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    return manifest.name


def _lead_outside(backup: Path) -> str:
    manifest = backup / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["files"][0]["path"] = "evidence/../../outside"
    manifest.write_text(json.dumps(told), encoding="utf-8")
    return manifest.name


def _lose_the_manifest(backup: Path) -> str:
    (backup / "manifest.json").unlink()
    return "manifest.json"


DAMAGES = (
    _flip_a_bit,
    _cut_the_database,
    _lose_a_file,
    _add_a_file,
    _put_a_link,
    _cut_the_manifest,
    _lead_outside,
    _lose_the_manifest,
)


def test_a_damaged_backup_is_refused_and_nothing_is_restored(
    installation: Installation, backup: Path
) -> None:
    installation.destroy()
    for damage in DAMAGES:
        copy = backup.with_name(damage.__name__)
        shutil.copytree(backup, copy)
        named = damage(copy)
        for command in (("restore", copy), ("backup", "--verify", copy)):
            result = run(*command)
            assert result.exit_code == 2, damage
            assert named in result.output, damage
        assert installation.is_empty(), damage
    assert run("restore", backup).exit_code == 0


def test_a_manifest_that_tells_another_log_is_found(
    installation: Installation, backup: Path
) -> None:
    installation.destroy()
    manifest = backup / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["audit"]["root"] = "0" * 64
    manifest.write_text(json.dumps(told), encoding="utf-8")
    result = run("restore", backup)
    assert result.exit_code == 2
    assert "not those of the backup's manifest" in result.output


def test_only_an_empty_installation_takes_a_backup(
    installation: Installation, backup: Path
) -> None:
    before = installation.figures()
    result = run("restore", backup)
    assert result.exit_code == 5
    assert "is not empty" in result.output
    shutil.rmtree(installation.settings.evidence_dir)
    result = run("restore", backup)
    assert result.exit_code == 5
    assert "the database is not empty" in result.output
    assert installation.figures() == before


def test_without_the_logs_key_nothing_is_restored(installation: Installation, backup: Path) -> None:
    installation.destroy()
    shutil.rmtree(installation.settings.key_dir)
    result = run("restore", backup)
    assert result.exit_code == 5
    assert "bring the key folder back first" in result.output
    assert installation.is_empty()
    assert not installation.settings.key_dir.exists()


def test_keys_come_along_only_when_asked(installation: Installation, with_keys: Path) -> None:
    installation.destroy()
    shutil.rmtree(installation.settings.key_dir)
    result = run("restore", with_keys)
    assert result.exit_code == 0, result.output
    key = installation.settings.key_dir / "log.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert installation.complaints() == []


def test_another_logs_key_is_not_replaced(installation: Installation, with_keys: Path) -> None:
    installation.destroy()
    key = installation.settings.key_dir / "log.key"
    key.write_text("0" * 64, encoding="ascii")
    result = run("restore", with_keys)
    assert result.exit_code == 5
    assert "another log's key" in result.output
    assert installation.is_empty()


def test_a_newer_held_checkpoint_stays_beside_the_key(
    installation: Installation, with_keys: Path
) -> None:
    installation.settle(FEBRUARY)
    installation.destroy()
    result = run("restore", with_keys)
    assert result.exit_code == 2
    assert "the last checkpoint beside the key" in result.output


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_backup_without_all_its_evidence_is_not_made(
    installation: Installation, tmp_path: Path, how: str
) -> None:
    stored = next(installation.settings.evidence_dir.iterdir())
    if how == "gone":
        stored.unlink()
    else:
        stored.chmod(0o644)
        stored.write_bytes(b"other")
    result = run("backup", "--out", tmp_path / "out" / "today")
    assert result.exit_code == 2
    assert stored.name in result.output
    assert list((tmp_path / "out").iterdir()) == []


def test_a_backup_replaces_nothing(installation: Installation, backup: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in backup.rglob("*")}
    with pytest.raises(BadInput, match="exists already"):
        make_backup(installation.engine, installation.settings, backup, NOW)
    assert {path: path.stat().st_mtime_ns for path in backup.rglob("*")} == before
    assert run("backup").exit_code == 2


def test_another_release_is_named(installation: Installation, tmp_path: Path) -> None:
    with installation.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    out = tmp_path / "old"
    make_backup(installation.engine, installation.settings, out, NOW + timedelta(days=1))
    installation.destroy()
    result = run("restore", out)
    assert result.exit_code == 5
    assert "restore it with release" in result.output
    assert installation.is_empty()


def test_another_kind_of_database_is_named(
    installation: Installation, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.destroy()
    other = (
        "postgresql+psycopg://nobody@127.0.0.1:1/none"
        if installation.engine.dialect.name == "sqlite"
        else f"sqlite:///{tmp_path / 'other.db'}"
    )
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", other)
    result = run("restore", backup)
    assert result.exit_code == 5
    assert "the backup is of" in result.output


def test_missing_client_programs_are_named(
    postgresql_installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    backup = tmp_path / "backup"
    assert run("backup", "--out", backup).exit_code == 0
    monkeypatch.setenv("PLUMBLINE_POSTGRESQL_BIN", str(tmp_path))
    result = run("backup", "--out", out)
    assert result.exit_code == 2
    assert "pg_dump is not there" in result.output
    assert not out.exists()
    postgresql_installation.destroy()
    result = run("restore", backup)
    assert result.exit_code == 2
    assert "pg_restore is not there" in result.output
    assert postgresql_installation.is_empty()


def test_a_failing_client_program_is_quoted_without_the_password(
    postgresql_installation: Installation, tmp_path: Path
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "version mismatch: $*" >&2\nexit 1\n', encoding="ascii")
    program.chmod(0o755)
    url = postgresql_installation.engine.url.set(password="hunter2")
    engine = make_engine(url.render_as_string(hide_password=False))
    settings = Settings(postgresql_bin=tmp_path, data_dir=postgresql_installation.settings.data_dir)
    with pytest.raises(Conflict, match="pg_dump failed: version mismatch") as failed:
        make_backup(engine, settings, tmp_path / "out", NOW)
    assert "hunter2" not in str(failed.value)
    assert not (tmp_path / "out").exists()
    engine.dispose()


def test_a_remainder_of_a_lost_sqlite_database_is_not_mixed_in(
    installation: Installation, backup: Path, tmp_path: Path
) -> None:
    if installation.engine.dialect.name != "sqlite":
        return
    installation.destroy()
    remainder = tmp_path / "plumbline.db-wal"
    remainder.write_bytes(b"frames of another database")
    result = run("restore", backup)
    assert result.exit_code == 5
    assert "the database is not empty" in result.output
    remainder.unlink()
    assert run("restore", backup).exit_code == 0


def test_a_restore_that_fails_on_the_way_leaves_nothing(
    installation: Installation, with_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.destroy()
    shutil.rmtree(installation.settings.key_dir)
    monkeypatch.setattr(restore, "_place_database", _fail)
    with pytest.raises(Conflict, match="the disk is full"):
        restore.restore_backup(installation.settings, with_keys)
    assert installation.is_empty()
    assert list(installation.settings.key_dir.iterdir()) == []


def _fail(*_: object) -> None:
    raise Conflict("the disk is full")
