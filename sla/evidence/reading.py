"""Reads one hand-in: every file, every row, and either all of it counts or nothing does."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

from governance.errors import BadInput, Problem
from sla.evidence.checks import (
    LISTED,
    Known,
    check_tables,
    rejected_rows,
    rejections,
    unchecked_references,
)
from sla.evidence.corrections import correction_findings
from sla.evidence.discovery import Found, find_sources
from sla.evidence.fixes import Fixes
from sla.evidence.hand_in import MEMORY_LIMIT, HandIn, working_database
from sla.evidence.limits import DEFAULT, Limits, limited
from sla.evidence.profiles import Profile
from sla.evidence.quarantine import (
    QUARANTINED,
    RowsOf,
    numbered,
    reason_counts,
    write_quarantines,
)
from sla.evidence.store import EvidenceStore
from sla.evidence.values import EvidenceFile, EvidenceSet, Quarantined, Rejection
from sla.evidence.writing import write_evidence


def read_evidence(
    source: Path,
    store: EvidenceStore | Path,
    profile: Profile | None = None,
    time_zone: str = "UTC",
    accept_rejections: bool = False,
    *,
    known: Sequence[EvidenceFile] = (),
    file: str = "",
    saved: Sequence[Profile] = (),
    fixes: Sequence[Fixes] = (),
    quarantine: Path | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> EvidenceSet:
    """Read a folder or a single file into immutable tables of `store`, which may be a folder.

    Datasets are found by file name (`invoices.csv`, `receipts.parquet`), through `profile`,
    through a `profile.yaml` in the folder, or, where there is neither, through a shipped
    profile that knows the columns. Every row is checked. While any is rejected nothing is
    stored, unless `accept_rejections`: then the sound rows are, without those that refer to
    rejected ones.
    `time_zone` is the engagement's: timestamps with an offset become its local time.
    References may lead to the tables in `known`, which count already. A single file is called
    `file` in messages, or by its own name; the files of a folder are called by theirs. Profiles
    in `saved` recognise columns before the shipped ones do. `fixes` take the places of rejected
    rows. Rejected rows are written in full to the folder `quarantine`, where there is one.

    Raises BadInput where a file as a whole can't be used, with every problem of every file.
    """
    if time_zone not in available_timezones():
        raise BadInput.one(Problem(f"unknown time zone '{time_zone}'", allowed="Europe/Berlin"))
    found = find_sources(source, profile, file, saved)
    by_file: dict[str, list[Fixes]] = {}
    for one in fixes:
        by_file.setdefault(one.corrects, []).append(one)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        tables = {file.dataset: file for file in known}
        with working_database(Path(folder), memory_limit) as connection:
            findings = list(found.findings)
            hand_in = HandIn(connection, Path(folder), time_zone, findings, fixes=by_file)
            place = EvidenceStore.at(store)
            return _read(
                hand_in,
                found,
                place,
                tables,
                accept_rejections=accept_rejections,
                quarantine=quarantine,
            )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process of its own needs to read one hand-in."""

    source: Path
    folder: Path
    """Where tables and rejected rows are written to; it exists."""
    file: str = ""
    """What messages call a single file; its own name, where this is empty."""
    profile: Profile | None = None
    saved: tuple[Profile, ...] = ()
    time_zone: str = "UTC"
    accept_rejections: bool = False
    known: tuple[EvidenceFile, ...] = ()
    fixes: tuple[Fixes, ...] = ()
    memory_limit: str = MEMORY_LIMIT
    limits: Limits = DEFAULT


def read(reading: Reading) -> EvidenceSet:
    """`read_evidence` with a single value, as `governance.bounded` calls it."""
    with limited(reading.limits):
        return read_evidence(
            reading.source,
            reading.folder,
            reading.profile,
            reading.time_zone,
            reading.accept_rejections,
            known=reading.known,
            file=reading.file,
            saved=reading.saved,
            fixes=reading.fixes,
            quarantine=reading.folder,
            memory_limit=reading.memory_limit,
        )


@dataclass(frozen=True, slots=True)
class Recognised:
    """How a hand-in would be read, without reading it."""

    datasets: frozenset[str]
    profile: str | None


def recognise(reading: Reading) -> Recognised:
    """The datasets that a hand-in would yield, and through which profile.

    Raises BadInput as `read_evidence` does where no file is known.
    """
    with limited(reading.limits):
        found = find_sources(reading.source, reading.profile, reading.file, reading.saved)
    datasets = frozenset(name for handed in found.files for name in handed.datasets)
    return Recognised(datasets, profile_of(found))


def _read(
    hand_in: HandIn,
    found: Found,
    store: EvidenceStore,
    known: Known,
    *,
    accept_rejections: bool,
    quarantine: Path | None,
) -> EvidenceSet:
    connection = hand_in.connection
    hand_in.read(found.files)
    tables = hand_in.tables
    check_tables(connection, tables, known)
    counts = rejected_rows(connection, tables)
    every = rejections(connection, tables, QUARANTINED) if counts else ()
    rejected = tuple(_listed(every))
    kept = _quarantined(hand_in, every, quarantine) if quarantine is not None else ()
    reasons = reason_counts(every)
    findings = (
        *hand_in.findings,
        *unchecked_references(tables, known),
        *correction_findings(connection, tables, known),
    )
    if rejected and not accept_rejections:
        return EvidenceSet((), rejected, counts, findings, profile_of(found), reasons, kept)
    files = tuple(write_evidence(connection, staged, store) for staged in tables.values())
    return EvidenceSet(files, rejected, counts, findings, profile_of(found), reasons, kept)


def _listed(every: Sequence[Rejection]) -> Iterator[Rejection]:
    """The first rejections of each file: what a page shows, and what the database keeps."""
    counted: Counter[str] = Counter()
    for one in every:
        counted[one.file] += 1
        if counted[one.file] <= LISTED:
            yield one


def _quarantined(
    hand_in: HandIn, every: Sequence[Rejection], folder: Path
) -> tuple[Quarantined, ...]:
    if not every:
        return ()
    files = {one.file for one in every}
    rows = [
        RowsOf(source, *numbered(hand_in.connection, source, f"quarantine_{number}"))
        for number, source in enumerate(hand_in.sources)
        if source.file in files
    ]
    return write_quarantines(hand_in.connection, rows, every, folder)


def profile_of(found: Found) -> str | None:
    """Names of the import profiles that read the files; None for the product's columns."""
    names = {handed.how.name for handed in found.files if isinstance(handed.how, Profile)}
    return ", ".join(sorted(names)) or None


def require_clean(evidence: EvidenceSet) -> EvidenceSet:
    """The same evidence where no row is rejected; otherwise raises BadInput with the rejections."""
    if not evidence.rejections:
        return evidence
    problems = [_as_problem(each) for each in evidence.rejections]
    listed = len({(each.file, each.row) for each in evidence.rejections})
    further = sum((evidence.rejected_rows or {}).values()) - listed
    if further > 0:
        problems.append(Problem(f"{further} further rows are rejected and not listed"))
    raise BadInput(problems)


def _as_problem(rejection: Rejection) -> Problem:
    return Problem(
        rejection.reason,
        rejection.place,
        line=rejection.line,
        row=rejection.row,
        column=rejection.column,
        found=rejection.value,
    )
