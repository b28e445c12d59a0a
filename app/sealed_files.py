"""Sealed figures as they were taken away: a bundle, its folder, or the document with evidence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile
from zlib import error as BrokenStream  # noqa: N812 (an exception that its module names small)

from app.seal_bundle import (
    CONTRACT_FILE,
    EVIDENCE_FOLDER,
    README_FILE,
    SEAL_FILE,
    SUMS_FILE,
    sums_text,
)
from governance.errors import BadInput, Problem
from sla.reviews.verifying import Difference

_EVIDENCE = re.compile(rf"{EVIDENCE_FOLDER}/[0-9a-f]{{64}}\.parquet")
_SUM = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<name>[A-Za-z0-9./]+)")
_PLAIN = frozenset({SEAL_FILE, CONTRACT_FILE, README_FILE, SUMS_FILE})


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """What lies on disk."""

    label: str
    """How the user named it."""
    document: bytes
    evidence: Path
    """Folder of the Parquet files."""
    sha256: str | None = None
    """Digest of the document by the list beside it; None without a list."""
    differences: tuple[Difference, ...] = ()
    """Files that aren't what the list beside them says."""


def files_in(path: Path, evidence: Path | None) -> SealedFiles:
    """An unpacked bundle, or a sealed document whose evidence lies in `evidence`.

    Raises BadInput where there is no sealed document, or a document comes without evidence.
    """
    if path.is_dir():
        return _bundle(path, str(path))
    if evidence is None:
        raise BadInput.one(
            Problem(
                "a sealed document is computed again from its evidence",
                file=str(path),
                allowed="--evidence with the folder of its Parquet files",
            )
        )
    return SealedFiles(str(path), path.read_bytes(), evidence)


def unpacked(path: Path, folder: Path) -> SealedFiles:
    """A bundle, unpacked into `folder`; BadInput where the file is none."""
    try:
        with ZipFile(path) as zipped:
            for entry in zipped.infolist():
                name = entry.filename
                if name not in _PLAIN and not _EVIDENCE.fullmatch(name):
                    raise _no_bundle(path, f"it holds {name!r}")
                zipped.extract(entry, folder)
    except (
        BadZipFile,
        BrokenStream,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
    ) as error:
        damaged = Difference("the file is damaged", str(path), found=str(error))
        return SealedFiles(str(path), b"", folder, None, (damaged,))
    return _bundle(folder, str(path))


def _no_bundle(path: Path | str, found: str) -> BadInput:
    return BadInput.one(
        Problem(
            "these aren't sealed figures",
            file=str(path),
            found=found,
            allowed="the file that the page of a seal offers, or the folder it was unpacked into",
        )
    )


def _bundle(folder: Path, label: str) -> SealedFiles:
    document, sums = folder / SEAL_FILE, folder / SUMS_FILE
    if not document.is_file():
        raise _no_bundle(label, f"no {SEAL_FILE}")
    if not sums.is_file():
        missing = Difference("the list of digests is missing", SUMS_FILE)
        return SealedFiles(label, document.read_bytes(), folder, None, (missing,))
    stated, complaints = _read_sums(sums.read_bytes())
    differences = (*complaints, *_altered(folder, stated))
    evidence = folder / EVIDENCE_FOLDER
    return SealedFiles(label, document.read_bytes(), evidence, stated.get(SEAL_FILE), differences)


def _read_sums(data: bytes) -> tuple[dict[str, str], tuple[Difference, ...]]:
    """Digests by file; the list itself must read exactly as it is written."""
    lines = data.decode("ascii", "replace").splitlines()
    matches = [match for line in lines if (match := _SUM.fullmatch(line))]
    stated = {match["name"]: match["sha256"] for match in matches}
    if sums_text(stated) == data:
        return stated, ()
    return stated, (Difference("the list of digests was altered", SUMS_FILE),)


def _altered(folder: Path, stated: dict[str, str]) -> Iterator[Difference]:
    """What is listed and differs, and what lies there and isn't listed."""
    present = {
        path.relative_to(folder).as_posix()
        for path in (folder, folder / EVIDENCE_FOLDER)
        if path.is_dir()
        for path in path.iterdir()
        if path.is_file()
    } - {SUMS_FILE}
    for name in sorted((stated.keys() | _PLAIN) - {SUMS_FILE}):
        if name not in present:
            yield Difference("the file is missing", name, stated.get(name, ""))
    for name in sorted(present & stated.keys()):
        with (folder / name).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != stated[name]:
            yield Difference("the file was altered", name, stated[name], found)
    for name in sorted(present - stated.keys()):
        if name in _PLAIN or _EVIDENCE.fullmatch(name):
            yield Difference("the file isn't in the list of digests", name)
