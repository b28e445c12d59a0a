"""Read a hand-in and put its files into the store, before anything is written to the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TypeVar

from governance.bounded import Bounds, run_bounded
from sla.evidence.fixes import Fixes
from sla.evidence.hand_in import MEMORY_LIMIT
from sla.evidence.limits import DEFAULT, Limits
from sla.evidence.models import SourceKind
from sla.evidence.profiles import Profile, shipped_profiles
from sla.evidence.reading import Reading, Recognised, read, recognise
from sla.evidence.saved_profiles import SavedProfile, shipped_sha256
from sla.evidence.store import PARQUET, EvidenceStore
from sla.evidence.values import EvidenceFile, EvidenceSet

Given = TypeVar("Given")
Result = TypeVar("Result")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,12}")
_OTHER_SUFFIX = ".bin"
_ENGINE_SHARE = 0.6
"""Of a bounded process's memory; the rest is for parsers and what they hand over."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Evidence as it comes in."""

    source: Path
    """A file, or a folder with one file a dataset."""
    name: str
    """What the submitter calls it."""
    profile: Profile | None = None
    """The import profile to read it with; None looks for one by itself."""
    accept_rejections: bool = False
    """Whether the submitter accepts that rejected rows are left out."""
    profile_sha256: str | None = None
    """Digest of the profile's text, where it is a saved one."""
    corrects: int | None = None
    """The hand-in whose rejected rows this one corrects."""
    fixes: tuple[Fixes, ...] = ()
    """Corrected rows, to be put in the place of the rejected ones."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How hand-ins are read."""

    bounds: Bounds | None = None
    """Of a process of its own; None reads in this one."""
    limits: Limits = DEFAULT


IN_PROCESS = Reader()


@dataclass(frozen=True, slots=True)
class Earlier:
    """A hand-in of the same bytes that still counts, and how it was read."""

    hand_in_id: int
    recognised: Recognised
    profile_sha256: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that reading a hand-in needs to know of the engagement."""

    upload: Upload
    source_sha256: str
    time_zone: str
    known: tuple[EvidenceFile, ...]
    """The tables that count, to which references may lead."""
    known_ids: frozenset[int]
    """Their rows, by which the writing recognises that nothing came in between."""
    saved: tuple[SavedProfile, ...] = ()
    """The engagement's own import profiles, the newest first."""
    earlier: Earlier | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A hand-in that was read and checked, and waits to be written down."""

    upload: Upload
    source_sha256: str
    known_ids: frozenset[int]
    evidence: EvidenceSet
    profile_sha256: str | None = None
    repeats: int | None = None
    """The earlier hand-in that it is a copy of; nothing was read then."""

    @property
    def is_rejected(self) -> bool:
        """Whether nothing of it may count."""
        return bool(self.evidence.rejections) and not self.upload.accept_rejections


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the hand-in as the store keeps it."""

    kind: SourceKind
    name: str
    corrects: str
    path: Path
    sha256: str
    suffix: str
    size: int


def digest_of(source: Path) -> str:
    """SHA-256 of a file, or of the names and digests of a folder's files."""
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.is_file())
        listing = "".join(f"{digest_of(path)}  {path.name}\n" for path in files)
        return sha256(listing.encode()).hexdigest()
    with source.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def digest_of_upload(upload: Upload) -> str:
    """The same, with the corrected rows where there are any."""
    own = digest_of(upload.source)
    if not upload.fixes:
        return own
    listing = "".join(f"{digest_of(each.path)}  {each.corrects}\n" for each in upload.fixes)
    return sha256(f"{own}\n{listing}".encode()).hexdigest()


def prepare(plan: Plan, folder: Path, reader: Reader = IN_PROCESS) -> Prepared:
    """Read and check every row; tables and rejected rows are written to `folder`, which exists.

    Raises BadInput where a file can't be read at all, or needs more than its bounds.
    """
    upload, earlier = plan.upload, plan.earlier
    reading = _reading(plan, folder, reader)
    if earlier is not None and _read_alike(plan, earlier, reading, reader):
        return _prepared(plan, EvidenceSet(()), repeats=earlier.hand_in_id)
    return _prepared(plan, called(read, reading, reader, upload.name))


def called(work: Callable[[Given], Result], given: Given, reader: Reader, name: str) -> Result:
    """Call `work` in the reader's process; raises what `governance.bounded.run_bounded` does."""
    bounds = reader.bounds
    return work(given) if bounds is None else run_bounded(work, given, bounds, name)


def _prepared(plan: Plan, evidence: EvidenceSet, repeats: int | None = None) -> Prepared:
    return Prepared(
        plan.upload,
        plan.source_sha256,
        plan.known_ids,
        evidence,
        plan.upload.profile_sha256 or _digest_of_profile(plan, evidence.profile),
        repeats,
    )


def _reading(plan: Plan, folder: Path, reader: Reader) -> Reading:
    upload = plan.upload
    reading = Reading(
        source=upload.source,
        folder=folder,
        profile=upload.profile,
        saved=tuple(each.profile for each in plan.saved),
        time_zone=plan.time_zone,
        accept_rejections=upload.accept_rejections,
        known=plan.known,
        fixes=upload.fixes,
        limits=reader.limits,
    )
    return replace(reading, memory_limit=engine_memory(reader))


def engine_memory(reader: Reader) -> str:
    """The part of the reader's memory that the query engine may have."""
    if reader.bounds is None:
        return MEMORY_LIMIT
    return f"{int(reader.bounds.memory_mb * _ENGINE_SHARE)}MB"


def _read_alike(plan: Plan, earlier: Earlier, reading: Reading, reader: Reader) -> bool:
    """Whether the upload would yield the same datasets through the same profile as before."""
    upload = plan.upload
    if upload.profile is not None and upload.profile not in shipped_profiles():
        return upload.profile_sha256 is not None and (
            upload.profile_sha256 == earlier.profile_sha256
        )
    found = called(recognise, reading, reader, upload.name)
    same = earlier.profile_sha256 in {None, _digest_of_profile(plan, found.profile)}
    return same and found == earlier.recognised


def _digest_of_profile(plan: Plan, name: str | None) -> str | None:
    if name is None:
        return None
    saved = {each.profile.name: each.sha256 for each in reversed(plan.saved)}
    return saved.get(name) or shipped_sha256(name)


def put_in_store(prepared: Prepared, store: EvidenceStore) -> tuple[Kept, ...]:
    """Put tables, rejected rows and the files as handed in into the store, under their digests.

    Answers with the files as handed in. Raises what the store raises.
    """
    if prepared.repeats is not None:
        return ()
    for file in prepared.evidence.files:
        store.put_file(file.path, PARQUET)
    for each in prepared.evidence.quarantined:
        store.put_file(each.path)
    return tuple(_kept(store, *source) for source in _sources(prepared.upload))


def _sources(upload: Upload) -> Iterator[tuple[SourceKind, Path, str, str]]:
    for path in _files(upload.source):
        yield SourceKind.FILE, path, path.name, ""
    for each in upload.fixes:
        yield SourceKind.FIXES, each.path, each.name, each.corrects


def _files(source: Path) -> Iterable[Path]:
    if not source.is_dir():
        return [source]
    return sorted(path for path in source.iterdir() if path.is_file())


def _kept(store: EvidenceStore, kind: SourceKind, path: Path, name: str, corrects: str) -> Kept:
    given = path.suffix.lower()
    suffix = given if _SUFFIX.fullmatch(given) else _OTHER_SUFFIX
    stored = store.put_file(path, suffix)
    return Kept(kind, name, corrects, path, stored, suffix, path.stat().st_size)
