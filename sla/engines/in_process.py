"""DuckDB in the process itself: the engine that needs nothing set up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import duckdb

from governance.errors import BadInput, Problem
from sla.engines.engine import Answer, Connection, StoredTable
from sla.evidence.sql import glob_literal, literal
from sla.evidence.values import EvidenceFile

MAX_THREADS = 4
MEMORY_LIMIT = "4GB"
"""Memory of one ledger; what doesn't fit goes to a temporary folder."""


class InProcess:
    """DuckDB, with a database in memory for each ledger."""

    in_process = True

    @contextmanager
    def connect(self, folder: Path) -> Iterator[Connection]:
        """An empty database that spills to `folder`."""
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": min(os.cpu_count() or 1, MAX_THREADS),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": False,
        }
        with duckdb.connect(config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            # A bar on standard output would end up in the JSON that other programs read.
            connection.execute("SET enable_progress_bar = false")
            yield connection

    def stored(self, connection: Connection, file: EvidenceFile) -> StoredTable:
        """The file under its own path; raises BadInput where it can't be read."""
        pattern = glob_literal(str(file.path.absolute()))
        relation = f"read_parquet({pattern}, file_row_number = true)"
        try:
            described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
        except duckdb.Error as error:
            problem = Problem("the stored evidence can't be read", file.source, found=file.sha256)
            raise BadInput.one(problem) from error
        return StoredTable(relation, {str(name): str(kind) for name, kind, *_ in described})

    def lock(self, connection: Connection, files: Sequence[EvidenceFile]) -> None:
        """Allow the evidence itself and nothing else."""
        # Both the path and the pattern that stands for it alone are looked up.
        texts = [str(file.path.absolute()) for file in files]
        allowed = ", ".join([*map(literal, texts), *map(glob_literal, texts)])
        connection.execute(f"SET allowed_paths = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    def put(
        self,
        connection: Connection,
        table: str,
        types: Mapping[str, str],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """One list a column, which is far faster than a statement a row."""
        plain = cast("duckdb.DuckDBPyConnection", connection)
        lists = ", ".join(
            f"unnest(CAST(${name} AS {kind}[])) AS {name}" for name, kind in types.items()
        )
        columns = zip(*rows, strict=True) if rows else ([] for _ in types)
        values = {name: list(column) for name, column in zip(types, columns, strict=True)}
        plain.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {lists}", values)

    def answer(self, connection: Connection, query: str, bound: Mapping[str, Any]) -> Answer:
        """Run the query as it is written."""
        plain = cast("duckdb.DuckDBPyConnection", connection)
        statement = duckdb.extract_statements(query)[0]
        used = {name: bound[name] for name in statement.named_parameters}
        found = plain.execute(statement, used)
        columns = tuple(column[0] for column in found.description)
        return Answer(columns, tuple(found.fetchall()))


IN_PROCESS = InProcess()
