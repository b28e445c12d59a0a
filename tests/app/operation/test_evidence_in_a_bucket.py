"""An installation whose evidence moves to a bucket, is backed up there, and moves back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.evidence_store import store_at, store_of
from app.operation.readiness import unready_part
from app.settings import load_settings
from governance.errors import BadInput, Unreachable
from sla.evidence.store import EvidenceStore
from tests.app.operation.installations import Installation, run
from tests.factories import NOW
from tests.sla.evidence.buckets import KEY, SECRET, Storage, object_storage


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with object_storage() as found:
        yield found


@pytest.fixture
def bucket(storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address of its own in the bucket, which the settings know the way to."""
    monkeypatch.setenv("PLUMBLINE_S3_ENDPOINT_URL", storage.endpoint)
    monkeypatch.setenv("PLUMBLINE_S3_REGION", "eu-central-1")
    monkeypatch.setenv("PLUMBLINE_S3_ACCESS_KEY", KEY)
    monkeypatch.setenv("PLUMBLINE_S3_SECRET_KEY", SECRET)
    return f"s3://{storage.bucket}/{tmp_path.name}"


@pytest.fixture
def moved(installation: Installation, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The installation's evidence, moved there; the folder that it was in is gone."""
    result = run("evidence", "move", "--to", bucket)
    assert result.exit_code == 0, result.output
    assert f"PLUMBLINE_EVIDENCE_STORE={bucket}" in result.output
    shutil.rmtree(installation.settings.evidence_dir)
    monkeypatch.setenv("PLUMBLINE_EVIDENCE_STORE", bucket)
    return bucket


def test_a_move_goes_on_where_it_was_broken_off(
    installation: Installation, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = installation.evidence()
    target = store_at(bucket, load_settings())
    put, left = type(target).put_file, [1]

    def stumbling(self: EvidenceStore, path: Path, suffix: str) -> str:
        if not left:
            raise Unreachable("the bucket can't be reached")
        left.pop()
        return put(self, path, suffix)

    with monkeypatch.context() as patched:
        patched.setattr(type(target), "put_file", stumbling)
        assert run("evidence", "move", "--to", bucket).exit_code == 5
    assert len(set(target.names())) == 1
    result = run("evidence", "move", "--to", bucket)
    assert f"{len(files) - 1} files copied, 1 were there already" in result.output
    assert set(target.names()) == set(files)


def test_nothing_is_moved_while_evidence_is_missing(
    installation: Installation, bucket: str
) -> None:
    tables = sorted(installation.settings.evidence_dir.glob("*.parquet"))
    tables[0].unlink()
    result = run("evidence", "move", "--to", bucket)
    assert result.exit_code == 2
    assert tables[0].name in result.output
    assert list(store_at(bucket, load_settings()).names()) == []


def test_there_and_back(installation: Installation, moved: str) -> None:
    assert store_of(load_settings()).address == moved
    assert run("evidence", "move", "--to", moved).exit_code == 5
    back = installation.folder / "back"
    assert run("evidence", "move", "--to", back).exit_code == 0
    assert {path.name for path in back.iterdir()} == set(store_of(load_settings()).names())


def test_a_backup_lists_what_the_bucket_holds(
    installation: Installation, moved: str, tmp_path: Path
) -> None:
    figures, out = installation.figures(), tmp_path / "backups" / "today"
    assert run("backup", "--out", out).exit_code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["evidence_store"] == moved
    assert manifest["evidence"]
    assert not [one for one in manifest["files"] if one["path"].startswith("evidence/")]
    assert SECRET not in (out / "manifest.json").read_text()
    installation.settings.evidence_dir.mkdir(exist_ok=True)
    installation.destroy()
    assert run("restore", out).exit_code == 0
    assert installation.figures() == figures


def test_damaged_evidence_is_not_restored(
    installation: Installation, storage: Storage, moved: str, tmp_path: Path
) -> None:
    out = tmp_path / "backups" / "today"
    assert run("backup", "--out", out).exit_code == 0
    installation.settings.evidence_dir.mkdir(exist_ok=True)
    installation.destroy()
    shutil.rmtree(load_settings().evidence_cache_dir)
    key = (
        f"{moved.split('/', 3)[3]}/{json.loads((out / 'manifest.json').read_text())['evidence'][0]}"
    )
    storage.call("put_object", Key=f"{key}.parquet", Body=b"other")
    result = run("restore", out)
    assert result.exit_code == 2
    assert "isn't what its name says" in result.output


def test_a_lost_object_makes_no_backup(
    installation: Installation, storage: Storage, moved: str, tmp_path: Path
) -> None:
    prefix = moved.split("/", 3)[3]
    for key in storage.objects():
        if key.startswith(f"{prefix}/") and key.endswith(".parquet"):
            storage.call("delete_object", Key=key)
    result = run("backup", "--out", tmp_path / "backups" / "today")
    assert result.exit_code == 2
    assert "missing in the store" in result.output
    assert installation.figures()


def test_a_backup_with_evidence_goes_into_a_bucket(
    installation: Installation, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, out = installation.evidence(), tmp_path / "backups" / "today"
    assert run("backup", "--out", out).exit_code == 0
    installation.destroy()
    monkeypatch.setenv("PLUMBLINE_EVIDENCE_STORE", bucket)
    assert run("restore", out).exit_code == 0
    assert set(store_of(load_settings()).names()) == set(files)


def test_readiness_asks_the_bucket(
    installation: Installation, moved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moved
    assert unready_part(installation.engine, load_settings(), NOW) == ""
    monkeypatch.setenv("PLUMBLINE_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    assert unready_part(installation.engine, load_settings(), NOW) == "storage"


def test_an_address_that_can_not_be_used(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_S3_ENDPOINT_URL", "http://storage.example.com")
    with pytest.raises(BadInput, match="https"):
        store_at(bucket, load_settings())
