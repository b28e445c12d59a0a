"""Small ledgers for tests, written as CSV and kept in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

import duckdb

from sla.evidence.datasets import DATASETS, Dataset
from sla.evidence.ledger import Ledger
from sla.evidence.values import EvidenceDigest

Row = Mapping[str, object]

_USUAL = {"customer_id": "C1", "currency": "EUR"}
"""Columns that most tests needn't write."""


def rows_of(table: str) -> list[Row]:
    """The rows of a table written as CSV; an empty field is no value."""
    lines = "\n".join(line.strip() for line in table.strip().splitlines())
    return [
        {name: text.strip() or None for name, text in row.items()}
        for row in csv.DictReader(io.StringIO(lines), skipinitialspace=True)
    ]


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Empty tables for all datasets; each ledger fills them in a transaction of its own."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    for dataset in DATASETS.values():
        columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in dataset.columns)
        connection.execute(f"CREATE TABLE {dataset.name} ({columns})")
    return connection


def _insert(connection: duckdb.DuckDBPyConnection, dataset: Dataset, rows: Sequence[Row]) -> None:
    if not rows:
        return
    marks = ", ".join("?" for _ in dataset.columns)
    values = [row.get(name, _USUAL.get(name)) for row in rows for name in dataset.column_names]
    lines = ", ".join(f"({marks})" for _ in rows)
    connection.execute(f"INSERT INTO {dataset.name} VALUES {lines}", values)  # noqa: S608 (names come from the datasets)


@contextmanager
def ledger_of(tables: Mapping[str, Sequence[Row]], currency: str = "EUR") -> Iterator[Ledger]:
    """A ledger that holds these rows; a dataset that isn't named was not handed in.

    Only one at a time: they share a database.
    """
    connection = _database()
    connection.begin()
    try:
        for name, rows in tables.items():
            _insert(connection, DATASETS[name], rows)
        digests = {name: EvidenceDigest(name, f"sha256 of {name}") for name in tables}
        yield Ledger(connection, currency, frozenset(tables), digests)
    finally:
        connection.rollback()
