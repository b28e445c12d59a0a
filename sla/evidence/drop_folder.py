"""A folder into which other systems lay evidence: a sub-folder for each engagement's reference.

Files that were handed in go to the sub-folder's `done`; what is wrong with the others stands in a
text file beside them.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from typing import Final

from governance.errors import Conflict
from sla.evidence.values import Rejection

DONE: Final = "done"
PROBLEMS: Final = ".problems.txt"
_UNFINISHED: Final = frozenset({".part", ".tmp", ".filepart", ".crdownload"})
_SLASH: Final = "~"
"""Stands for a slash of a reference: no reference has it, so no two share a folder."""


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """A file as it was when it was looked at."""

    path: Path
    sha256: str
    stamp: tuple[int, int]
    """Size, and time of its last change in nanoseconds."""

    @property
    def key(self) -> tuple[str, str]:
        """What it is recognised by: the same bytes under another name may be read otherwise."""
        return self.path.name, self.sha256


@dataclass(frozen=True, slots=True)
class DropFolder:
    """The folder of all engagements."""

    root: Path

    def place(self, reference: str) -> Path:
        """The sub-folder of an engagement; it need not be there."""
        return self.root / reference.replace("/", _SLASH)

    def files(self, reference: str) -> tuple[DroppedFile, ...]:
        """What lies in it, by name, without what is hidden or still being transferred."""
        place = self.place(reference)
        if place.is_symlink() or not place.is_dir():
            return ()
        return tuple(_looked_at(path) for path in sorted(place.iterdir()) if _counts(path))

    def move_done(self, reference: str, files: Iterable[DroppedFile]) -> int:
        """Put files that are in away, with what was wrong with them; answers how many.

        One that was changed since it was looked at stays. Raises Conflict where `done` isn't a
        folder of its own.
        """
        done = self.place(reference) / DONE
        moved = 0
        for file in files:
            if not file.path.exists() or _stamp(file.path) != file.stamp:
                continue
            if done.is_symlink() or (done.exists() and not done.is_dir()):
                raise Conflict(f"{DONE} must be a folder of its own, not a link or a file")
            done.mkdir(exist_ok=True)
            file.path.replace(_free_name(done, file))
            _problems_of(file.path).unlink(missing_ok=True)
            moved += 1
        return moved

    def write_problems(self, problems: Mapping[Path, Sequence[str]]) -> None:
        """Say beside each file why nothing of it counts."""
        for path, lines in problems.items():
            _replace_text(_problems_of(path), "".join(f"{line}\n" for line in lines))


def _counts(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.name.startswith("."):
        return False
    return not path.name.endswith(PROBLEMS) and path.suffix.lower() not in _UNFINISHED


def _problems_of(path: Path) -> Path:
    return path.with_name(path.name + PROBLEMS)


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.lstat()
    return stat.st_size, stat.st_mtime_ns


def _replace_text(path: Path, text: str) -> None:
    """Put a new file in the place of whatever has the name; nothing is written through a link."""
    fresh = path.with_name(f".{secrets.token_hex(8)}.part")
    # Who else may read it is left to the installation, as with any file that it writes.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(fresh, flags, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _opened(path: Path) -> BufferedReader:
    """A dropped file to be read; Conflict where a link took its place since it was found."""
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
    except OSError as error:
        raise Conflict(f"{path.name} can't be opened: {error.strerror}") from error


def _looked_at(path: Path) -> DroppedFile:
    stamp = _stamp(path)
    with _opened(path) as file:
        return DroppedFile(path, file_digest(file, "sha256").hexdigest(), stamp)


def _free_name(done: Path, file: DroppedFile) -> Path:
    """Its own name, or with the beginning of its digest where another file has that."""
    wanted = done / file.path.name
    return wanted.with_name(f"{file.sha256[:12]}-{file.path.name}") if wanted.exists() else wanted


def copy_all(files: Sequence[DroppedFile], folder: Path) -> Path:
    """Copies that nobody changes meanwhile: the one file, or the folder of several.

    Raises Conflict where one changes while it is copied, or is no file of the folder any more.
    """
    for file in files:
        with _opened(file.path) as dropped, (folder / file.path.name).open("wb") as copy:
            shutil.copyfileobj(dropped, copy)
        if _stamp(file.path) != file.stamp:
            raise Conflict(f"{file.path.name} is still being written; it is taken next time")
    return folder / files[0].path.name if len(files) == 1 else folder


def told(files: Sequence[DroppedFile], lines: Iterable[tuple[str, str]]) -> dict[Path, list[str]]:
    """By file, what is wrong with it: pairs of file name and text, for every file without a name.

    Files that are sound themselves are told that the others keep them waiting.
    """
    by_name = {file.path.name: file.path for file in files}
    found: dict[Path, list[str]] = {path: [] for path in by_name.values()}
    for name, text in lines:
        for path in [by_name[name]] if name in by_name else by_name.values():
            found[path].append(text)
    waits = "Nothing is wrong with this file; it waits for the others of its folder."
    return {path: texts or [waits] for path, texts in found.items()}


def rejection_line(one: Rejection) -> tuple[str, str]:
    """The file of a rejected row, and what is wrong with it."""
    line = "" if one.line is None else f", line {one.line}"
    return (
        one.file,
        f"{one.place}{line}, row {one.row}, {one.column}: {one.reason}; found {one.value!r}",
    )
