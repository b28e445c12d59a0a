"""Puts a database back as it was."""

from __future__ import annotations

from pathlib import Path

import pysqlite3


class Snapshot:
    """The database as it was, to be put back after a request that changed it."""

    def __init__(self, path: Path) -> None:
        self._file = pysqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA synchronous = OFF")
        self._kept = pysqlite3.connect(":memory:", check_same_thread=False)
        self._file.backup(self._kept)
        self._seen = self._version()

    @property
    def is_changed(self) -> bool:
        """Whether others have committed anything since."""
        return self._version() != self._seen

    def put_back(self) -> None:
        """Undo what others have committed since."""
        if self.is_changed:
            self._kept.backup(self._file)
            self._seen = self._version()

    def _version(self) -> int:
        version: int = self._file.execute("PRAGMA data_version").fetchone()[0]
        return version
