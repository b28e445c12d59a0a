"""ZIP archives made as they are sent: the same files give the same bytes; none is held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

_ALWAYS: Final = (1980, 1, 1, 0, 0, 0)
"""When every file of an archive was changed, so that the same content gives the same archive."""


class _Pieces:
    """Takes what is written until it is asked for; nobody can go back in it."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep it."""
        self._held.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nowhere else to write it to."""

    def taken(self) -> bytes:
        """What was written since it was last asked for."""
        data = b"".join(self._held)
        self._held.clear()
        return data


def zip_stream(files: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
    """An archive of these files, uncompressed as PDFs are compressed already, in pieces."""
    pieces = _Pieces()
    with ZipFile(pieces, "w", ZIP_STORED) as archive:  # type: ignore[call-overload] # It takes what can only be written, too.
        for name, read in files:
            archive.writestr(ZipInfo(name, _ALWAYS), read())
            yield pieces.taken()
    yield pieces.taken()
