"""Mutated files read by the product in a bounded process, some at a time."""

# ruff: noqa: S608 (Queries name the fuzzer's own temporary files.)

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from governance.errors import BadInput
from sla.evidence.reading import read_evidence
from tests.fuzz.files import HEADING, exact


@dataclass(frozen=True, slots=True)
class Batch:
    """Files to be read, each in a folder of its own."""

    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    file: str
    seconds: float
    refused: str = ""
    """Why the file as a whole can't be used."""
    rejected: int = 0
    accepted: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of a batch, in its order."""

    of: tuple[Outcome, ...]


def read_batch(batch: Batch) -> Outcomes:
    """Read every file; whatever isn't refused as BadInput is an error of the product."""
    return Outcomes(tuple(_outcome(path) for path in batch.files))


def _outcome(path: Path) -> Outcome:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        quarantine = store / "quarantine"
        quarantine.mkdir()
        try:
            read = read_evidence(
                path, store, accept_rejections=True, quarantine=quarantine, memory_limit="600MB"
            )
        except BadInput as error:
            return Outcome(str(path), time.monotonic() - started, refused=str(error)[:300])
        accepted = [row for file in read.files for row in _rows(file.path)]
        rejected = sum((read.rejected_rows or {}).values())
        return Outcome(str(path), time.monotonic() - started, "", rejected, tuple(accepted))


def _rows(path: Path) -> list[tuple[str, ...]]:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {', '.join(HEADING)} FROM '{path}'").fetchall()
    return [tuple(exact(value) for value in row) for row in found]
