"""Small ledgers for tests, written as CSV and kept in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb

from governance.calendars import Calendars, calendars_of
from governance.contract.engagement import Engagement
from sla.engines.engine import StoredTable
from sla.evidence.business_time import BusinessTime
from sla.evidence.datasets import DATASETS, Column, Dataset, Kind
from sla.evidence.instants import Span, instant_sql, span_of, timestamp_columns, utc_name
from sla.evidence.ledger import Ledger
from sla.evidence.values import EvidenceDigest

Row = Mapping[str, object]
NO_CALENDARS = Calendars()

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
        columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in _columns(dataset))
        connection.execute(f"CREATE TABLE {dataset.name} ({columns})")
    return connection


def _columns(dataset: Dataset) -> tuple[Column, ...]:
    """The columns of a view: those that are handed in, and the instants of timestamps."""
    instants = map(utc_name, timestamp_columns(dataset))
    return (*dataset.columns, *(Column(name, Kind.TIMESTAMP) for name in instants))


def _insert(connection: duckdb.DuckDBPyConnection, dataset: Dataset, rows: Sequence[Row]) -> None:
    if not rows:
        return
    names = [column.name for column in _columns(dataset)]
    marks = ", ".join("?" for _ in names)
    values = [row.get(name, _USUAL.get(name)) for row in rows for name in names]
    lines = ", ".join(f"({marks})" for _ in rows)
    connection.execute(f"INSERT INTO {dataset.name} VALUES {lines}", values)  # noqa: S608 (names come from the datasets)


def calendars_in(terms: Mapping[str, Any]) -> Calendars:
    """Calendars from what an engagement says of time: time_zone, business_hours, calendars."""
    party = {"name": "A", "country": "DE"}
    frame = {"reference": "E", "title": "E", "model": "full", "client": party, "provider": party}
    return calendars_of(
        Engagement.model_validate(frame | {"currency": "EUR", "starts": "2020-01-01", **terms})
    )


def _timed(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, object], zone: str
) -> Span | None:
    """Fill the instants that a row doesn't give; returns the span of the local times."""
    stored = {name: StoredTable(name, dict.fromkeys(_times(name), "TIMESTAMP")) for name in tables}
    span = span_of(connection, stored)
    for name in tables:
        for column in _times(name):
            derived = instant_sql(column, zone, span)
            connection.execute(
                f'UPDATE {name} SET "{utc_name(column)}" = {derived} '  # noqa: S608 (names come from the datasets)
                f'WHERE "{utc_name(column)}" IS NULL'
            )
    return span


def _times(dataset: str) -> tuple[str, ...]:
    return timestamp_columns(DATASETS[dataset])


@contextmanager
def ledger_of(
    tables: Mapping[str, Sequence[Row]],
    currency: str = "EUR",
    calendars: Calendars = NO_CALENDARS,
) -> Iterator[Ledger]:
    """A ledger that holds these rows; a dataset that isn't named was not handed in.

    Only one at a time: they share a database.
    """
    connection = _database()
    connection.begin()
    try:
        for name, rows in tables.items():
            _insert(connection, DATASETS[name], rows)
        digests = {name: EvidenceDigest(name, f"sha256 of {name}") for name in tables}
        clocks = BusinessTime(calendars, _timed(connection, tables, calendars.time_zone))
        yield Ledger(connection, currency, frozenset(tables), digests, time=clocks)
    finally:
        connection.rollback()
