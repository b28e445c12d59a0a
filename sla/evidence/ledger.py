"""Stored evidence as a ledger that KPIs and meters query: one typed view a dataset."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from governance.errors import BadInput, Problem
from governance.values import known_currency
from sla.evidence.datasets import DATASETS, Column, Dataset
from sla.evidence.exchange import convert, currencies
from sla.evidence.plausibility import find_implausible
from sla.evidence.sql import absent, glob_literal, identifier, literal
from sla.evidence.values import EvidenceDigest, EvidenceFile, Finding

MAX_THREADS = 4
MEMORY_LIMIT = "4GB"
"""Memory of one ledger; what doesn't fit goes to a temporary folder."""
NO_CURRENCY = "XXX"
"""ISO 4217's code for no currency: that of a ledger without any amounts of money."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query yields."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Ledger:
    """Evidence ready to be queried. Valid while its context is open."""

    connection: duckdb.DuckDBPyConnection
    """Has a view for each dataset, and access to nothing else outside itself."""
    currency: str
    """Of all amounts in the views."""
    handed_in: frozenset[str]
    """Datasets that evidence was given for; the views of the others are empty."""
    digests: Mapping[str, EvidenceDigest]
    """By dataset."""
    findings: tuple[Finding, ...] = ()
    """What was noticed while the evidence was read."""

    def execute(self, query: str, bound: Mapping[str, Any]) -> Answer:
        """Run one query; of the parameters `bound` it takes those that it names."""
        statement = duckdb.extract_statements(query)[0]
        used = {name: bound[name] for name in statement.named_parameters}
        found = self.connection.execute(statement, used)
        columns = tuple(column[0] for column in found.description)
        return Answer(columns, tuple(found.fetchall()))

    @cached_property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings, and what plausible people would ask about; looked for on first use."""
        return (*self.findings, *find_implausible(self))


@contextmanager
def open_ledger(
    files: Sequence[EvidenceFile],
    currency: str | None = None,
    findings: Sequence[Finding] = (),
) -> Iterator[Ledger]:
    """Open stored evidence with all amounts in `currency`.

    Without `currency` it is the evidence's own. Amounts in other currencies are converted by
    the rate of their date and rounded half up to the currency's minor unit: an invoice, and
    what settles, adjusts or disputes it, by the rate of its issue date; a receipt by that of
    the day it was received. `findings` are those of reading, which the ledger hands on.

    Raises BadInput for two files of one dataset, a file that isn't there or can't be read,
    several currencies where none is asked for, and a missing rate.
    """
    by_dataset = _by_dataset(files)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder, _engine(folder) as connection:
        _create_views(connection, by_dataset)
        target = _currency(currency, currencies(connection))
        convert(connection, target)
        _lock(connection, [file.path for file in files])
        digests = {name: file.digest for name, file in by_dataset.items()}
        yield Ledger(connection, target, frozenset(by_dataset), digests, tuple(findings))


def _by_dataset(files: Sequence[EvidenceFile]) -> dict[str, EvidenceFile]:
    by_dataset: dict[str, EvidenceFile] = {}
    problems = []
    for file in files:
        if file.dataset in by_dataset and by_dataset[file.dataset].sha256 != file.sha256:
            held = f"{by_dataset[file.dataset].source}, {file.source}"
            what = f"two files hold {file.dataset}"
            problems.append(Problem(what, found=held, allowed="one file a dataset"))
        if not file.path.is_file():
            what = f"the stored evidence {file.sha256} isn't in the store any more"
            problems.append(Problem(what, file.source))
        by_dataset[file.dataset] = file
    if problems:
        raise BadInput(problems)
    return by_dataset


def _engine(folder: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "threads": min(os.cpu_count() or 1, MAX_THREADS),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(Path(folder) / "spill"),
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    # A bar on standard output would end up in the JSON that other programs read.
    connection.execute("SET enable_progress_bar = false")
    return connection


def _lock(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Close everything but the evidence itself: a KPI's SQL reads no other file, no network."""
    # Both the path and the pattern that stands for it alone are looked up.
    texts = [str(path.absolute()) for path in paths]
    allowed = ", ".join([*map(literal, texts), *map(glob_literal, texts)])
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _create_views(connection: duckdb.DuckDBPyConnection, files: Mapping[str, EvidenceFile]) -> None:
    connection.execute("CREATE SCHEMA given")
    for name, dataset in DATASETS.items():
        file = files.get(name)
        query = _stored(connection, dataset, file) if file else _nothing(dataset)
        connection.execute(f"CREATE VIEW given.{name} AS {query}")
        shown = ", ".join(identifier(column) for column in dataset.column_names)
        connection.execute(f"CREATE VIEW {name} AS SELECT {shown} FROM given.{name}")


def _nothing(dataset: Dataset) -> str:
    columns = ", ".join(f"{absent(each)} AS {identifier(each.name)}" for each in dataset.columns)
    return f"SELECT {columns}, 0 AS file_row_number WHERE false"


def _stored(connection: duckdb.DuckDBPyConnection, dataset: Dataset, file: EvidenceFile) -> str:
    relation = f"read_parquet({glob_literal(str(file.path.absolute()))}, file_row_number = true)"
    try:
        described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    except duckdb.Error as error:
        problem = Problem("the stored evidence can't be read", file.source, found=file.sha256)
        raise BadInput.one(problem) from error
    types = {str(name): str(sql_type) for name, sql_type, *_ in described}
    columns = ", ".join(_as_typed(column, types.get(column.name)) for column in dataset.columns)
    return f"SELECT {columns}, file_row_number FROM {relation}"


def _as_typed(column: Column, stored: str | None) -> str:
    name = identifier(column.name)
    if stored is None:
        return f"{absent(column)} AS {name}"
    return name if stored == column.sql_type else f"CAST({name} AS {column.sql_type}) AS {name}"


def _currency(asked: str | None, held: Sequence[str]) -> str:
    if asked is not None:
        if not known_currency(asked):
            raise BadInput.one(Problem(f"unknown currency '{asked}'", allowed="EUR"))
        return asked
    if len(held) > 1:
        problem = Problem(
            "the evidence holds several currencies",
            found=", ".join(held),
            allowed="name the currency to convert to; rates come from fx_rates",
        )
        raise BadInput.one(problem)
    return held[0] if held else NO_CURRENCY
