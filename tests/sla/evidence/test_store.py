"""Evidence in a folder: named by its digest, whole or not there, never written twice."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from governance.errors import Conflict, NotFound
from sla.evidence.store import EvidenceStore, file_name

DATA = b"rows"
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore.at(tmp_path / "store")


def test_files_and_bytes_have_the_name_of_their_digest(
    store: EvidenceStore, tmp_path: Path
) -> None:
    source = tmp_path / "ledger.csv"
    source.write_bytes(DATA)
    assert store.put_file(source) == store.put_bytes(DATA, ".parquet") == NAME
    assert source.exists()
    assert set(store.names()) == {f"{NAME}.csv", f"{NAME}.parquet"}
    assert store.exists(NAME)
    path = store.local(NAME)
    assert path.read_bytes() == DATA
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_the_same_again_leaves_what_is_there(store: EvidenceStore) -> None:
    store.put_bytes(DATA, ".parquet")
    before = store.local(NAME).stat()
    store.put_bytes(DATA, ".parquet")
    assert store.local(NAME).stat() == before


def test_a_damaged_file_is_named(store: EvidenceStore) -> None:
    store.put_bytes(DATA, ".parquet")
    path = store.local(NAME)
    path.chmod(0o644)
    path.write_bytes(b"other")
    with pytest.raises(Conflict, match=f"{NAME}.parquet isn't what its name says"):
        store.put_bytes(DATA, ".parquet")
    assert path.read_bytes() == b"other"


def test_what_breaks_off_leaves_nothing(store: EvidenceStore, tmp_path: Path) -> None:
    with store.draft() as draft:
        draft.write_bytes(b"half")
    assert list((tmp_path / "store").iterdir()) == []
    with pytest.raises(NotFound, match="isn't in the store any more"):
        store.local(NAME)
    assert not store.exists(NAME)
    assert list(EvidenceStore.at(tmp_path / "none").names()) == []


def test_a_store_stays_a_store(store: EvidenceStore, tmp_path: Path) -> None:
    assert EvidenceStore.at(store) is store
    assert store.address == str(tmp_path / "store")
    store.check()


@pytest.mark.parametrize("name", ["../../etc/passwd", "", NAME[:-1], NAME.upper()])
def test_names_are_digests(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a stored file"):
        file_name(name)
