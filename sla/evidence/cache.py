"""A bounded folder of files that lie elsewhere, shared by the processes of one machine."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PosixPath
from weakref import finalize

_STALE_SECONDS = 24 * 3600
"""Drafts older than this were left behind by a process that was killed."""


class HeldPath(PosixPath):
    """A path whose file stays in the cache for as long as this object lives."""


@dataclass(frozen=True, slots=True)
class FileCache:
    """Files by name, the least recently used of which make room for others.

    A file in use is never taken away, so what is in use may exceed the limit for a while.
    """

    folder: Path
    max_bytes: int

    def get(self, name: str) -> Path | None:
        """The file, held for as long as the path lives; None where it isn't here."""
        path = self.folder / name
        try:
            opened = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        fcntl.flock(opened, fcntl.LOCK_SH)
        # It may have been taken away between the two calls.
        if not os.fstat(opened).st_nlink:
            os.close(opened)
            return None
        held = HeldPath(path)
        finalize(held, os.close, opened)
        # The time of change says when it was last used: many machines keep no time of access.
        os.utime(path)
        return held

    def add(self, draft: Path, name: str) -> Path:
        """Take a checked draft of the cache's folder in, unless another process was faster."""
        held = None
        while held is None:
            with suppress(FileExistsError):
                os.link(draft, self.folder / name)
            held = self.get(name)
        self.evict()
        return held

    def evict(self) -> None:
        """Take files away until the rest fits, the least recently used first."""
        found = sorted(
            (status.st_mtime, status.st_size, path)
            for path in self.folder.iterdir()
            if (status := _status(path)) is not None
        )
        total = sum(size for _, size, path in found if not _is_draft(path))
        for used_at, size, path in found:
            if _is_draft(path):
                if used_at < time.time() - _STALE_SECONDS:
                    path.unlink(missing_ok=True)
            elif total > self.max_bytes and _removed(path):
                total -= size


def _is_draft(path: Path) -> bool:
    return path.name.startswith(".")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _removed(path: Path) -> bool:
    """Take one file away; False where it is in use."""
    try:
        opened = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(opened)
    return True
