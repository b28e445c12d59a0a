"""What the ledger asks of a query engine: views over evidence files, and answers to queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from sla.evidence.values import EvidenceFile


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query yields."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One evidence file as an engine reads it."""

    relation: str
    """What may stand after FROM; it also has a column `file_row_number`, counted from 0."""
    types: Mapping[str, str]
    """The type of each stored column, as `sla.evidence.datasets` writes it."""


class Connection(Protocol):
    """Takes the SQL of the ledger, in DuckDB's dialect whatever the engine is."""

    def execute(self, query: str, /) -> Self:
        """Run a statement; what it yields is fetched from what comes back."""
        ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, None after the last."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All further rows."""
        ...


class Engine(Protocol):
    """Runs the SQL of ledgers, KPIs and meters; every engine gives the same decimals."""

    @property
    def in_process(self) -> bool:
        """Whether connections are DuckDB's own, so that they take all of its SQL."""
        ...

    def connect(self, folder: Path) -> AbstractContextManager[Connection]:
        """A connection with no tables yet, whose temporary files go to `folder`."""
        ...

    def stored(self, connection: Connection, file: EvidenceFile) -> StoredTable:
        """A file as the engine reads it; raises BadInput where it can't."""
        ...

    def lock(self, connection: Connection, files: Sequence[EvidenceFile]) -> None:
        """Close everything but these files: a KPI's SQL reads no other file and no network."""
        ...

    def put(
        self,
        connection: Connection,
        table: str,
        types: Mapping[str, str],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """Make a table of these rows, in the place of one of that name; also after `lock`."""
        ...

    def answer(self, connection: Connection, query: str, bound: Mapping[str, Any]) -> Answer:
        """Run one query; of the parameters `bound` it takes those that it names."""
        ...
