"""Passwords that others have used and lost: the first that whoever guesses tries."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import BinaryIO

_DIGEST_CHARACTERS = 40
_LONGEST_LINE = 80


@cache
def _common() -> frozenset[str]:
    """Some 30,000, in lower case; they are loaded when a first password is chosen."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 (takes time and memory)

    return frozenset(FREQUENCY_LISTS["passwords"])


def is_common(password: str) -> bool:
    """Whether the password is among the most common ones, in any case."""
    return password.casefold() in _common()


@dataclass(frozen=True, slots=True)
class BreachedFile:
    """A file of SHA-1 digests in ascending order, one "DIGEST:count" a line.

    It may hold gigabytes: a look-up reads a few dozen lines of it.
    """

    path: Path

    def holds(self, password: str) -> bool:
        """Whether the password's digest stands in the file; OSError where it can't be read."""
        wanted = sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        with self.path.open("rb") as file:
            return _search(file, wanted)


def _search(file: BinaryIO, wanted: bytes) -> bool:
    """Halve the range of offsets in which the wanted line may begin, until none is left."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        begin, line = _line_from(file, middle)
        found = line[:_DIGEST_CHARACTERS].upper()
        if found == wanted:
            return True
        if not line or found > wanted:
            high = middle
        else:
            low = begin + len(line)
    return False


def _line_from(file: BinaryIO, offset: int) -> tuple[int, bytes]:
    """The first line that begins at or after an offset, and where; empty at the end."""
    file.seek(max(0, offset - 1))
    if offset:
        file.readline(_LONGEST_LINE)
    begin = file.tell()
    return begin, file.readline(_LONGEST_LINE)
