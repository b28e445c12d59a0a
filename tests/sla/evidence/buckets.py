"""An object storage on loopback for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
from moto.server import ThreadedMotoServer

from sla.evidence.bucket import BucketAccess, BucketStore

KEY, SECRET = "AKIAPLUMBLINETEST", "a-secret-that-nobody-may-read"


@dataclass(frozen=True, slots=True)
class Storage:
    """A server, and a bucket in it."""

    endpoint: str
    bucket: str

    def store(self, cache: Path, cache_bytes: int = 10**9, **other: Any) -> BucketStore:
        """The store in the bucket."""
        options: dict[str, Any] = {"endpoint_url": self.endpoint, "key": KEY, "secret": SECRET}
        access = BucketAccess(cache, cache_bytes, region="eu-central-1", **(options | other))
        return BucketStore(f"s3://{self.bucket}/evidence", access)

    def call(self, method: str, **arguments: Any) -> Any:
        """Ask the server past the store."""
        files = fsspec.filesystem(
            "s3",
            endpoint_url=self.endpoint,
            key=KEY,
            secret=SECRET,
            client_kwargs={"region_name": "eu-central-1"},
            use_listings_cache=False,
        )
        return files.call_s3(method, Bucket=self.bucket, **arguments)

    def objects(self) -> list[str]:
        """All objects of the bucket."""
        return [one["Key"] for one in self.call("list_objects_v2").get("Contents", ())]


@contextmanager
def object_storage() -> Iterator[Storage]:
    """A server on a free port of this machine with one empty bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    storage = Storage(f"http://{host}:{port}", f"plumbline-{uuid4().hex}")
    try:
        where = {"LocationConstraint": "eu-central-1"}
        storage.call("create_bucket", CreateBucketConfiguration=where)
        yield storage
    finally:
        server.stop()
