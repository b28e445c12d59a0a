"""Evidence in object storage: kept once, read back checked, and every failure said in words."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.errors import BadInput, Conflict, NotFound, Unreachable
from sla.evidence.bucket import BucketAccess, BucketStore
from tests.sla.evidence.buckets import KEY, SECRET, Storage, object_storage

DATA = b"rows of a ledger"
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def server() -> Iterator[Storage]:
    with object_storage() as storage:
        yield storage


@pytest.fixture
def storage(server: Storage) -> Storage:
    for key in server.objects():
        server.call("delete_object", Key=key)
    return server


def test_what_is_put_comes_back(storage: Storage, tmp_path: Path) -> None:
    store = storage.store(tmp_path / "cache")
    assert store.put_bytes(DATA, ".parquet") == NAME
    assert storage.objects() == [f"evidence/{NAME}.parquet"]
    elsewhere = storage.store(tmp_path / "other")
    assert elsewhere.exists(NAME)
    assert elsewhere.local(NAME).read_bytes() == DATA
    assert list(elsewhere.names()) == [f"{NAME}.parquet"]
    assert [path.name for path in (tmp_path / "other").iterdir()] == [f"{NAME}.parquet"]


def test_putting_twice_changes_nothing(storage: Storage, tmp_path: Path) -> None:
    store = storage.store(tmp_path / "cache")
    store.put_bytes(DATA, ".parquet")
    before = storage.call("head_object", Key=storage.objects()[0])["LastModified"]
    source = tmp_path / "file.parquet"
    source.write_bytes(DATA)
    assert store.put_file(source) == NAME
    assert storage.call("head_object", Key=storage.objects()[0])["LastModified"] == before
    assert source.exists()


def test_large_files_arrive_in_parts_or_not_at_all(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storage.store(tmp_path / "cache")
    data = bytes(range(256)) * 2**12 * 110
    calls: list[str] = []

    async def stumbling(self: object, method: str, *akwarglist: object, **kwargs: object) -> object:
        calls.append(method)
        if method == "upload_part" and kwargs["PartNumber"] == 2:
            raise ConnectionResetError("the line broke")
        return await plain(self, method, *akwarglist, **kwargs)

    kind = type(store._files())
    plain = kind._call_s3
    with monkeypatch.context() as patched:
        patched.setattr(kind, "_call_s3", stumbling)
        with pytest.raises(Unreachable, match="can't be reached"):
            store.put_bytes(data, ".parquet")
    assert "abort_multipart_upload" in calls
    assert storage.objects() == []
    assert list((tmp_path / "cache").iterdir()) == []
    name = store.put_bytes(data, ".parquet")
    assert storage.store(tmp_path / "other").local(name).stat().st_size == len(data)


def test_a_wrong_byte_is_an_error_and_stays_out(storage: Storage, tmp_path: Path) -> None:
    storage.call("put_object", Key=f"evidence/{NAME}.parquet", Body=DATA + b"!")
    store = storage.store(tmp_path / "cache")
    with pytest.raises(Conflict, match=f"{NAME}.parquet isn't what its name says"):
        store.local(NAME)
    with pytest.raises(Conflict, match="damaged"):
        store.put_bytes(DATA, ".parquet")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_not_there(storage: Storage, tmp_path: Path) -> None:
    store = storage.store(tmp_path / "cache")
    assert not store.exists(NAME)
    with pytest.raises(NotFound, match="isn't in the store any more"):
        store.local(NAME)
    nowhere = Storage(storage.endpoint, "there-is-no-such-bucket").store(tmp_path / "cache")
    for ask in (nowhere.check, lambda: nowhere.local(NAME), lambda: nowhere.exists(NAME)):
        with pytest.raises(Unreachable, match="there is no bucket there-is-no-such-bucket"):
            ask()


def test_an_endpoint_that_does_not_answer(tmp_path: Path) -> None:
    store = Storage("http://127.0.0.1:9", "bucket").store(tmp_path / "cache")
    with pytest.raises(Unreachable, match="can't be reached") as caught:
        store.check()
    assert KEY not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_refusal_says_which_rights_are_needed(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storage.store(tmp_path / "cache")

    def refusing(*_: object, **__: object) -> object:
        raise PermissionError(f"AccessDenied for {KEY}")

    monkeypatch.setattr(type(store._files()), "call_s3", refusing)
    for ask in (store.check, lambda: store.put_bytes(DATA, ".csv")):
        with pytest.raises(Unreachable, match="s3:PutObject") as caught:
            ask()
        assert KEY not in str(caught.value)


def test_the_least_recently_used_makes_room_unless_in_use(storage: Storage, tmp_path: Path) -> None:
    store = storage.store(tmp_path / "cache", cache_bytes=250)
    names = [store.put_bytes(bytes([number]) * 100, ".parquet") for number in range(3)]
    assert len(list((tmp_path / "cache").iterdir())) == 2
    held = store.local(names[0])
    for name in (names[1], names[2], names[1]):
        store.local(name)
    assert held.exists()
    assert held.read_bytes() == bytes(100)
    del held
    store.put_bytes(b"x" * 200, ".parquet")
    assert [path.stat().st_size for path in (tmp_path / "cache").iterdir()] == [200]


def test_many_readers_at_once(storage: Storage, tmp_path: Path) -> None:
    names = [
        storage.store(tmp_path / "first").put_bytes(bytes([number]) * 1000, ".parquet")
        for number in range(4)
    ]
    store = storage.store(tmp_path / "cache", cache_bytes=1500)
    wrong: list[object] = []

    def read() -> None:
        for name in names * 3:
            path = store.local(name)
            if hashlib.sha256(path.read_bytes()).hexdigest() != name:
                wrong.append(path)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_another_process_gets_the_same_store(storage: Storage, tmp_path: Path) -> None:
    store = storage.store(tmp_path / "cache")
    store.put_bytes(DATA, ".parquet")
    assert pickle.loads(pickle.dumps(store)).local(NAME).read_bytes() == DATA  # noqa: S301 (our own)
    assert pickle.loads(pickle.dumps(store.local(NAME))).read_bytes() == DATA  # noqa: S301 (the same)
    assert SECRET not in repr(store._access)


@pytest.mark.parametrize(
    ("address", "endpoint", "message"),
    [
        ("s3://", "", "s3://bucket/prefix"),
        ("s3://key:secret@bucket/x", "", "s3://bucket/prefix"),
        ("ftp://bucket", "", "s3://bucket/prefix"),
        ("s3://bucket", "http://storage.example.com", "must be reached by https"),
    ],
)
def test_what_can_not_be_used(address: str, endpoint: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        BucketStore(address, BucketAccess(tmp_path, endpoint_url=endpoint))
