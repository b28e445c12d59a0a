"""A simulation as work for a process of its own: documents and files in, one document out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billing.simulation.calculation import Progress, Questions, simulate
from billing.simulation.opening import Named, subjects
from billing.simulation.serialise import simulation_bytes
from governance.contract.reading import contract_sha256, read_contract
from governance.values import Period
from sla.engines.engine import Connection
from sla.engines.in_process import InProcess
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue, signatures
from sla.relief.serialise import event_of


@dataclass(frozen=True, slots=True)
class Given:
    """A contract document on its way to the process."""

    name: str
    base64: str

    @classmethod
    def of(cls, name: str, data: bytes) -> Given:
        """From the document's bytes."""
        return cls(name, base64.b64encode(data).decode())


@dataclass(frozen=True, slots=True)
class Work:
    """All that a simulation needs; the process has no database and no settings."""

    new: Given
    old: Given | None
    months: tuple[str, ...]
    sensitivity_of: str
    files: tuple[EvidenceFile, ...]
    relief: tuple[dict[str, Any], ...] = ()
    kpi_dir: Path | None = None
    progress: Path | None = None
    """A file that says how far it is; its folder exists."""
    memory: str = field(default="1GB")
    """Of the query engine."""


@dataclass(frozen=True, slots=True)
class Worked:
    """The simulation as its document."""

    document: str


def work(given: Work) -> Worked:
    """Read the contracts, simulate, and answer with the document. Raises BadInput."""
    catalogue = load_catalogue(given.kpi_dir)
    questions = Questions(
        tuple(Period.parse(month) for month in given.months),
        Period.parse(given.sensitivity_of) if given.sensitivity_of else None,
        tuple(event_of(one) for one in given.relief),
    )
    named = [_named(one, given.kpi_dir) for one in (given.new, given.old) if one is not None]
    with subjects(named, given.files, _Limited(given.memory)) as opened:
        new, *old = opened
        found = simulate(
            new, old[0] if old else None, questions, catalogue, _noting(given.progress)
        )
    return Worked(simulation_bytes(found).decode())


def _named(given: Given, kpi_dir: Path | None) -> Named:
    data = base64.b64decode(given.base64)
    return Named(
        given.name, contract_sha256(data), read_contract(data, given.name, signatures(kpi_dir))
    )


def _noting(file: Path | None) -> Progress:
    """Write how far it is beside the file and move it there, so that nobody reads half of it."""

    def note(done: int, every: int) -> None:
        if file is not None:
            beside = file.with_suffix(".next")
            beside.write_text(json.dumps({"done": done, "all": every}), "ascii")
            beside.replace(file)

    return note


class _Limited(InProcess):
    """The engine within the memory of its process."""

    def __init__(self, memory: str) -> None:
        self._memory = memory

    @contextmanager
    def connect(self, folder: Path) -> Iterator[Connection]:
        """An empty database that may take less memory than usual."""
        with super().connect(folder) as connection:
            connection.execute(f"SET memory_limit = '{self._memory}'")
            yield connection
