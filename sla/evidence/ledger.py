"""Stored evidence as a ledger that KPIs and meters query: one typed view a dataset."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from governance.calendars import Calendars
from governance.errors import BadInput, Problem
from governance.values import known_currency
from sla.engines.engine import Answer, Connection, Engine, StoredTable
from sla.engines.in_process import IN_PROCESS
from sla.evidence.business_time import COLUMNS, TABLE, BusinessTime, Row
from sla.evidence.clock_findings import odd_clock_events
from sla.evidence.datasets import DATASETS, RAISING_KINDS, Column, Dataset
from sla.evidence.exchange import convert, currencies
from sla.evidence.instants import (
    LOCAL_TIMES,
    Span,
    as_stored,
    doubtful_times,
    span_of,
    timestamp_columns,
    utc_name,
    utc_sql,
)
from sla.evidence.plausibility import find_implausible
from sla.evidence.sql import absent, identifier, listed
from sla.evidence.values import EvidenceDigest, EvidenceFile, Finding

NO_CURRENCY = "XXX"
"""ISO 4217's code for no currency: that of a ledger without any amounts of money."""

_Asked: TypeAlias = tuple[frozenset[EvidenceDigest], str, str]
_NOTICED: dict[_Asked, tuple[Finding, ...]] = {}
_NOTICED_AT_MOST = 256


def _remember(asked: _Asked, noticed: tuple[Finding, ...]) -> None:
    """Keep the findings of the latest evidence; the oldest give way."""
    if len(_NOTICED) >= _NOTICED_AT_MOST:
        # Another thread may have made room at the same moment.
        _NOTICED.pop(next(iter(_NOTICED), asked), None)
    _NOTICED[asked] = noticed


@dataclass(frozen=True)
class Ledger:
    """Evidence ready to be queried. Valid while its context is open."""

    connection: Connection
    """Has a view for each dataset, and access to nothing else outside itself."""
    currency: str
    """Of all amounts in the views."""
    handed_in: frozenset[str]
    """Datasets that evidence was given for; the views of the others are empty."""
    digests: Mapping[str, EvidenceDigest]
    """By dataset."""
    findings: tuple[Finding, ...] = ()
    """What was noticed while the evidence was read."""
    time: BusinessTime = field(default_factory=BusinessTime)
    """The calendars that clocks run by, and the time that the evidence spans."""
    engine: Engine = IN_PROCESS
    """What runs the queries."""
    in_process: Callable[[], AbstractContextManager[Ledger]] | None = field(
        default=None, compare=False, repr=False
    )
    """Opens the same ledger with DuckDB, for what is written in its dialect alone; None where
    this one is."""

    def execute(self, query: str, bound: Mapping[str, Any]) -> Answer:
        """Run one query; of the parameters `bound` it takes those that it names."""
        bound = self.time.prepare(query, bound, self._put_time)
        return self.engine.answer(self.connection, query, bound)

    @property
    def time_zone(self) -> str:
        """The zone of the ledger's local times."""
        return self.time.calendars.time_zone

    @property
    def span(self) -> Span | None:
        """The first and the last local time of the evidence; None where it has none."""
        return self.time.span

    @cached_property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings, and what plausible people would ask about; looked for on first use."""
        return (*self.findings, *self._noticed())

    def _noticed(self) -> tuple[Finding, ...]:
        """Findings on the tables as such: those of the same bytes are never looked for twice."""
        asked = (frozenset(self.digests.values()), self.currency, self.time_zone)
        known = _NOTICED.get(asked)
        if known is None:
            with self.in_process() if self.in_process else nullcontext(self) as tables:
                clocks = (*doubtful_times(tables), *odd_clock_events(tables))
                known = (*clocks, *find_implausible(tables))
            _remember(asked, known)
        return known

    def _put_time(self, rows: Sequence[Row]) -> None:
        self.engine.put(self.connection, TABLE, COLUMNS, rows)


@contextmanager
def open_ledger(
    files: Sequence[EvidenceFile],
    currency: str | None = None,
    findings: Sequence[Finding] = (),
    calendars: Calendars | None = None,
    *,
    engine: Engine = IN_PROCESS,
    mixed: bool = False,
) -> Iterator[Ledger]:
    """Open stored evidence with all amounts in `currency`.

    Without `currency` it is the evidence's own. Amounts in other currencies are converted by
    the rate of their date and rounded half up to the currency's minor unit: an invoice, and
    what settles, adjusts or disputes it, by the rate of its issue date; a receipt by that of
    the day it was received. `findings` are those of reading, which the ledger hands on.
    `calendars` are what clocks run by; without them only clocks that need none do, in UTC.
    `engine` runs the queries; its choice changes no figure. `mixed` leaves amounts as they are,
    in several currencies: for questions of plausibility, which add up none.

    Raises BadInput for two files of one dataset, a file that isn't there or can't be read,
    several currencies where none is asked for, and a missing rate.
    """
    by_dataset = _by_dataset(files)
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as folder,
        engine.connect(Path(folder)) as connection,
    ):
        calendars = calendars or Calendars()
        span = _create_views(engine, connection, by_dataset, calendars.time_zone)
        target = NO_CURRENCY if mixed else _currency(currency, currencies(connection))
        if not mixed:
            convert(connection, target)
        engine.lock(connection, files)
        digests = {name: file.digest for name, file in by_dataset.items()}
        handed_in = frozenset(by_dataset)
        again = None if engine.in_process else lambda: open_ledger(files, target, (), calendars)
        known = tuple(findings)
        clocks = BusinessTime(calendars, span)
        yield Ledger(connection, target, handed_in, digests, known, clocks, engine, again)


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


def _create_views(
    engine: Engine, connection: Connection, files: Mapping[str, EvidenceFile], zone: str
) -> Span | None:
    """One view a dataset; returns the local times that the evidence spans."""
    connection.execute("CREATE SCHEMA given")
    connection.execute(f"CREATE SCHEMA {LOCAL_TIMES}")
    tables = {name: engine.stored(connection, file) for name, file in files.items()}
    span = span_of(connection, tables)
    for name, dataset in DATASETS.items():
        table = tables.get(name)
        query = _stored(dataset, table, zone, span) if table else _nothing(dataset)
        connection.execute(f"CREATE VIEW given.{name} AS {query}")
        if table and timestamp_columns(dataset):
            query = as_stored(dataset, table)
            connection.execute(f"CREATE VIEW {LOCAL_TIMES}.{name} AS {query}")
        shown = ", ".join(identifier(column) for column in _shown(dataset))
        connection.execute(f"CREATE VIEW {name} AS SELECT {shown} FROM given.{name}")
    return span


def _shown(dataset: Dataset) -> tuple[str, ...]:
    """The columns of a dataset's view, each instant after all that was handed in."""
    return (*dataset.column_names, *map(utc_name, timestamp_columns(dataset)))


def _nothing(dataset: Dataset) -> str:
    columns = [f"{absent(each)} AS {identifier(each.name)}" for each in dataset.columns]
    columns += [
        f"CAST(NULL AS TIMESTAMP) AS {identifier(utc_name(name))}"
        for name in timestamp_columns(dataset)
    ]
    return f"SELECT {', '.join(columns)}, 0 AS file_row_number WHERE false"


def _stored(dataset: Dataset, table: StoredTable, zone: str, span: Span | None) -> str:
    columns = [_as_typed(column, table.types.get(column.name)) for column in dataset.columns]
    columns += [
        f"{utc_sql(name, table.types, zone, span)} AS {identifier(utc_name(name))}"
        for name in timestamp_columns(dataset)
    ]
    if dataset.name == "adjustments":
        columns = list(map(_lowering, dataset.column_names, columns))
    return f"SELECT {', '.join(columns)}, file_row_number FROM {table.relation}"


def _lowering(name: str, column: str) -> str:
    """An adjustment's amount as what it takes off the claim: below zero where it raises it."""
    if name != "amount":
        return column
    return f"CASE WHEN kind IN ({listed(RAISING_KINDS)}) THEN -amount ELSE amount END AS amount"


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
