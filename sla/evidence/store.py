"""Where evidence lies: immutable files named by their SHA-256, in a folder or in a bucket."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from governance.errors import Conflict, NotFound

PARQUET: Final = ".parquet"
_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,12}")
_TEMPORARY: Final = ".tmp"


class EvidenceStore(ABC):
    """Keeps files under their digest. What stands there once never changes and never goes.

    A store can be handed to another process.
    """

    @staticmethod
    def at(address: str | Path | EvidenceStore) -> EvidenceStore:
        """The store in a folder; one that is a store already comes back as it is."""
        return address if isinstance(address, EvidenceStore) else FolderStore(Path(address))

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it is, for people; never with a secret in it."""

    @abstractmethod
    def local(self, sha256: str, suffix: str = PARQUET) -> Path:
        """The file on this machine, to be read. It stays there while the path object lives.

        Raises NotFound where the store doesn't have it, Conflict where it isn't what its name
        says, Unreachable or Forbidden where the store can't be asked.
        """

    @abstractmethod
    def exists(self, sha256: str, suffix: str = PARQUET) -> bool:
        """Whether the store has the file."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """The names of all files, digest and suffix, in no order."""

    @abstractmethod
    def check(self) -> None:
        """Raises what keeps the store from its work now: an OSError or a typed error."""

    @abstractmethod
    def _workspace(self) -> Path:
        """A folder on this machine for files that are being made."""

    @abstractmethod
    def _place(self, draft: Path, name: str) -> None:
        """Put a draft of these very contents under its name, unless it stands there already."""

    def put_file(self, path: Path, suffix: str | None = None) -> str:
        """Store a copy of a file, by default with its own suffix; returns its SHA-256.

        It appears under its name whole or not at all; one that is there already stays. Raises
        Conflict where that one isn't what its name says.
        """
        with self.draft() as draft:
            shutil.copyfile(path, draft)
            return self.adopt(draft, path.suffix if suffix is None else suffix)

    def put_bytes(self, data: bytes, suffix: str) -> str:
        """Store bytes as `put_file` stores a file."""
        with self.draft() as draft:
            draft.write_bytes(data)
            return self.adopt(draft, suffix)

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A path for a file in the making, which `adopt` stores; gone at the end."""
        draft = self._workspace() / f".{uuid4().hex}{_TEMPORARY}"
        try:
            yield draft
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()

    def adopt(self, draft: Path, suffix: str) -> str:
        """Store a draft, as `put_file` stores a file, without another copy of it."""
        with draft.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        draft.chmod(0o444)
        self._place(draft, file_name(sha256, suffix))
        return sha256


class FolderStore(EvidenceStore):
    """A folder of this machine, or one that all machines of the installation share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def address(self) -> str:
        """The folder."""
        return str(self.folder)

    def local(self, sha256: str, suffix: str = PARQUET) -> Path:
        """The file itself."""
        path = self.folder / file_name(sha256, suffix)
        if not path.is_file():
            raise missing(sha256)
        return path

    def exists(self, sha256: str, suffix: str = PARQUET) -> bool:
        """Whether the folder has the file."""
        return (self.folder / file_name(sha256, suffix)).is_file()

    def names(self) -> Iterator[str]:
        """The names of the files in the folder."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return (path.name for path in found if is_stored_name(path.name))

    def check(self) -> None:
        """Write a file and take it away again."""
        with self.draft() as draft:
            draft.write_bytes(b"ready?")

    def _workspace(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    def _place(self, draft: Path, name: str) -> None:
        path = self.folder / name
        if path.exists():
            require_digest(path, name)
        else:
            draft.replace(path)


def file_name(sha256: str, suffix: str = PARQUET) -> str:
    """The name of a stored file; ValueError where it can't be one."""
    name = f"{sha256}{suffix}"
    if not _NAME.fullmatch(name):
        raise ValueError(f"no name of a stored file: {name!r}")
    return name


def is_stored_name(name: str) -> bool:
    """Whether a file is a stored one by its name: a digest and a suffix."""
    return bool(_NAME.fullmatch(name))


def missing(sha256: str) -> NotFound:
    """The error for a file that the store should have and hasn't."""
    return NotFound(f"the stored evidence {sha256} isn't in the store any more")


def require_digest(path: Path, name: str) -> None:
    """Conflict that names the file where its bytes aren't those that its name promises."""
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() not in name:
            raise Conflict(
                f"the stored evidence {name} isn't what its name says: it is damaged;"
                " bring this file back from a backup"
            )
