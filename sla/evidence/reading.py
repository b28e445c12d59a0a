"""Reads one hand-in: every file, every row, and either all of it counts or nothing does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import available_timezones

from governance.errors import BadInput, Problem
from sla.evidence.checks import (
    Known,
    check_tables,
    rejected_rows,
    rejections,
    unchecked_references,
)
from sla.evidence.corrections import correction_findings
from sla.evidence.discovery import Found, find_sources
from sla.evidence.hand_in import HandIn, working_database
from sla.evidence.profiles import Profile
from sla.evidence.store import write_evidence
from sla.evidence.values import EvidenceFile, EvidenceSet, Rejection


def read_evidence(
    source: Path,
    store: Path,
    profile: Profile | None = None,
    time_zone: str = "UTC",
    accept_rejections: bool = False,
    *,
    known: Sequence[EvidenceFile] = (),
    file: str = "",
) -> EvidenceSet:
    """Read a folder or a single file into immutable tables in the folder `store`.

    Datasets are found by file name (`invoices.csv`, `receipts.parquet`), through `profile`,
    through a `profile.yaml` in the folder, or, where there is neither, through a shipped
    profile that knows the columns. Every row is checked. While any is rejected nothing is
    stored, unless `accept_rejections`: then the sound rows are, without those that refer to
    rejected ones.
    `time_zone` is the engagement's: timestamps with an offset become its local time.
    References may lead to the tables in `known`, which count already. A single file is called
    `file` in messages, or by its own name; the files of a folder are called by theirs.

    Raises BadInput where a file as a whole can't be used, with every problem of every file.
    """
    if time_zone not in available_timezones():
        raise BadInput.one(Problem(f"unknown time zone '{time_zone}'", allowed="Europe/Berlin"))
    found = find_sources(source, profile, file)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        tables = {file.dataset: file for file in known}
        with working_database(Path(folder)) as connection:
            hand_in = HandIn(connection, Path(folder), time_zone, list(found.findings))
            return _read(hand_in, found, store, tables, accept_rejections=accept_rejections)


def _read(
    hand_in: HandIn, found: Found, store: Path, known: Known, *, accept_rejections: bool
) -> EvidenceSet:
    connection = hand_in.connection
    hand_in.read(found.files)
    tables = hand_in.tables
    check_tables(connection, tables, known)
    counts = rejected_rows(connection, tables)
    rejected = rejections(connection, tables)
    findings = (
        *hand_in.findings,
        *unchecked_references(tables, known),
        *correction_findings(connection, tables, known),
    )
    if rejected and not accept_rejections:
        return EvidenceSet((), rejected, counts, findings, profile_of(found))
    files = tuple(write_evidence(connection, staged, store) for staged in tables.values())
    return EvidenceSet(files, rejected, counts, findings, profile_of(found))


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
