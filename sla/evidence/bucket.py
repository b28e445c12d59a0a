"""Evidence in a bucket of S3-compatible object storage, read through a cache on this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from governance.errors import BadInput, PlumblineError, Problem, Unreachable
from sla.evidence.cache import FileCache
from sla.evidence.store import (
    PARQUET,
    EvidenceStore,
    file_name,
    is_stored_name,
    missing,
    require_digest,
)

SCHEME: Final = "s3://"
_RETRIES = 2
_TIMEOUTS = {"connect_timeout": 5, "read_timeout": 60, "retries": {"mode": "standard"}}


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """How a bucket is reached."""

    cache: Path
    """Folder for what was read; it may be lost at any time."""
    cache_bytes: int = 10 * 1024**3
    endpoint_url: str = ""
    """Empty: that of AWS for the region. https, or http on this machine only."""
    region: str = ""
    """Empty: from the environment."""
    key: str = field(default="", repr=False)
    """Access key; empty: from the environment, as all programs for S3 look for it."""
    secret: str = field(default="", repr=False)


class BucketStore(EvidenceStore):
    """Objects named by digest below one prefix. It never overwrites and never deletes any."""

    def __init__(self, address: str, access: BucketAccess) -> None:
        """Raises BadInput where the address or the way there can't be used."""
        _require_usable(address, access)
        self._bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._access = access
        self._cache = FileCache(access.cache, access.cache_bytes)

    @property
    def address(self) -> str:
        """Bucket and prefix."""
        return f"{SCHEME}{self._bucket}/{self._prefix}".rstrip("/")

    def local(self, sha256: str, suffix: str = PARQUET) -> Path:
        """The object as a file of the cache, fetched and checked where it isn't there."""
        name = file_name(sha256, suffix)
        self._workspace()
        held = self._cache.get(name)
        if held is None:
            with self.draft() as draft:
                self._fetch(name, draft)
                held = self._cache.add(draft, name)
        return held

    def exists(self, sha256: str, suffix: str = PARQUET) -> bool:
        """Whether the bucket has the object; the cache isn't asked."""
        try:
            with self._reported():
                self._call("head_object", Key=self._key(file_name(sha256, suffix)))
        except FileNotFoundError:
            self.check()
            return False
        return True

    def names(self) -> Iterator[str]:
        """The names of all objects below the prefix, page by page."""
        token: dict[str, str] = {}
        while True:
            with self._reported():
                page = self._call("list_objects_v2", Prefix=self._prefix, **token)
            for one in page.get("Contents", ()):
                name = one["Key"].removeprefix(self._prefix)
                if is_stored_name(name):
                    yield name
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def check(self) -> None:
        """Ask the bucket for one name, and whether the cache's folder can be written."""
        with self._reported():
            try:
                self._call("list_objects_v2", Prefix=self._prefix, MaxKeys=1)
            except FileNotFoundError:
                raise Unreachable(
                    f"there is no bucket {self._bucket}: create it, or correct"
                    " PLUMBLINE_EVIDENCE_STORE"
                ) from None
        with self.draft() as draft:
            draft.write_bytes(b"ready?")

    def _workspace(self) -> Path:
        self._access.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._access.cache

    def _place(self, draft: Path, name: str) -> None:
        """Upload, unless it is there; then read it back, which is what goes into the cache."""
        sha256, _, suffix = name.partition(".")
        if not self.exists(sha256, f".{suffix}"):
            self._upload(draft, name)
        with self.draft() as back:
            self._fetch(name, back)
            self._cache.add(back, name)

    def _upload(self, draft: Path, name: str) -> None:
        target = f"{self._bucket}/{self._key(name)}"
        with self._reported():
            try:
                # The object appears when all of it has arrived; `create` never replaces one.
                self._files().put_file(str(draft), target, mode="create")
            except FileExistsError:
                return

    def _fetch(self, name: str, draft: Path) -> None:
        try:
            with self._reported():
                self._files().get_file(f"{self._bucket}/{self._key(name)}", str(draft))
        except FileNotFoundError:
            self.check()
            raise missing(name.partition(".")[0]) from None
        draft.chmod(0o444)
        require_digest(draft, f"{self.address}/{name}")

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _call(self, method: str, **arguments: Any) -> Any:
        return self._files().call_s3(method, Bucket=self._bucket, **arguments)

    def _files(self) -> Any:
        """The file system, which fsspec keeps for each process and each way of access."""
        import fsspec  # noqa: PLC0415 (loads asyncio and more, which a folder never needs)

        access = self._access
        files = fsspec.filesystem(
            "s3",
            endpoint_url=access.endpoint_url or None,
            key=access.key or None,
            secret=access.secret or None,
            client_kwargs={"region_name": access.region} if access.region else {},
            config_kwargs=_TIMEOUTS,
            use_listings_cache=False,
        )
        files.retries = _RETRIES
        return files

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Errors of the storage as typed ones; their own words stay out, as they may name keys."""
        try:
            yield
        except (PlumblineError, FileNotFoundError, FileExistsError):
            raise
        except PermissionError:
            raise Unreachable(
                f"the bucket {self._bucket} refuses what was asked: check the credentials, and"
                " that they may s3:ListBucket, s3:GetObject and s3:PutObject there"
            ) from None
        except Exception as error:  # noqa: BLE001 (what a network can do has no common class)
            what = type(error).__name__
            raise Unreachable(
                f"the bucket {self._bucket} can't be reached ({what}): check the network,"
                " PLUMBLINE_S3_ENDPOINT_URL, PLUMBLINE_S3_REGION and the credentials"
            ) from None


def is_on_this_machine(host: str) -> bool:
    """Whether a host name or address is this machine for certain."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _require_usable(address: str, access: BucketAccess) -> None:
    problems = []
    bucket = address.removeprefix(SCHEME).partition("/")[0]
    if not address.startswith(SCHEME) or not bucket or "@" in bucket:
        what = "the address of the evidence store can't be used"
        problems.append(Problem(what, found=address, allowed="s3://bucket/prefix"))
    if importlib.util.find_spec("s3fs") is None:
        what = "evidence in a bucket needs s3fs, which isn't installed"
        problems.append(Problem(what, allowed="install plumbline-governance[s3]"))
    parts = urlsplit(access.endpoint_url)
    plain_is_safe = parts.scheme == "http" and is_on_this_machine(parts.hostname or "")
    if access.endpoint_url and parts.scheme != "https" and not plain_is_safe:
        what = "the object storage must be reached by https, except on this machine"
        problems.append(Problem(what, found=f"{parts.scheme}://{parts.hostname}"))
    if problems:
        raise BadInput(problems)
