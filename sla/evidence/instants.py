"""The instants that local timestamps stand for, as SQL.

A timestamp column X of a ledger is local time of the engagement's zone; its sibling X_utc is the
instant, in UTC. A time that was handed in with an offset keeps its instant. Of one without, the
zone says it: a time that the clocks showed twice is taken as the first of the two, and a time
that they left out counts as if they hadn't yet been put forward. Both are counted in findings.
"""

# ruff: noqa: S608 (Names come from the dataset definitions, times are formatted here.)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

from governance.timelines import FIRST_YEAR, LAST_YEAR
from governance.zones import EPOCH, offsets_around
from sla.engines.engine import Answer, Connection, StoredTable
from sla.evidence.datasets import DATASETS, SQL_TYPES, Dataset, Kind
from sla.evidence.sql import identifier
from sla.evidence.values import Finding

Span = tuple[datetime, datetime]
"""The first and the last local time that a ledger holds."""
Change = tuple[int, int, int]
"""When a zone's clocks change, in epoch seconds, and the offsets before and after."""
_TIMESTAMP = SQL_TYPES[Kind.TIMESTAMP]
LOCAL_TIMES = "local_times"
"""Schema of views with each timestamp column as stored, and its instant where one was given."""


def utc_name(column: str) -> str:
    """The name of the column that holds the instants of a timestamp column."""
    return f"{column}_utc"


def timestamp_columns(dataset: Dataset) -> tuple[str, ...]:
    """The columns that hold a local time."""
    return tuple(each.name for each in dataset.columns if each.kind is Kind.TIMESTAMP)


def changes_of(zone: str, span: Span | None) -> tuple[Change, ...]:
    """The changes of a zone's clocks that can matter to local times in a span."""
    if span is None:
        return ()
    first, last = (min(max(each.year, FIRST_YEAR), LAST_YEAR) for each in span)
    found: dict[int, Change] = {}
    for year in range(first, last + 1):
        offsets = offsets_around(zone, year)
        for (_, before), (at, after) in pairwise(offsets):
            found[at] = (at, before, after)
    return tuple(found[at] for at in sorted(found))


def offset_at(zone: str, span: Span | None) -> int:
    """The zone's offset at the beginning of a span, before the first of its changes."""
    year = FIRST_YEAR if span is None else min(max(span[0].year, FIRST_YEAR), LAST_YEAR)
    return offsets_around(zone, year)[0][1]


def instant_sql(column: str, zone: str, span: Span | None) -> str:
    """SQL of the instant of a local time that was given without an offset."""
    name = identifier(column)
    offset = offset_at(zone, span)
    changes = changes_of(zone, span)
    if not changes:
        return name if not offset else f"{name} - {_interval(offset)}"
    # The later offset holds from where the clocks show no time of the earlier one any more.
    cases = " ".join(
        f"WHEN {name} < {_timestamp(at + max(before, after))} THEN {_interval(before)}"
        for at, before, after in changes
    )
    return f"{name} - CASE {cases} ELSE {_interval(changes[-1][2])} END"


def utc_sql(column: str, types: Mapping[str, str], zone: str, span: Span | None) -> str:
    """SQL of the instants of a stored timestamp column; `types` are those of the stored table."""
    if column not in types:
        return f"CAST(NULL AS {_TIMESTAMP})"
    derived = instant_sql(column, zone, span)
    known = utc_name(column)
    return f"coalesce({identifier(known)}, {derived})" if known in types else derived


def as_stored(dataset: Dataset, table: StoredTable) -> str:
    """A query for the local times of a stored table, and the instants that were given."""
    columns = [
        f"{_known(column, table.types)} AS {identifier(column)}"
        for name in timestamp_columns(dataset)
        for column in (name, utc_name(name))
    ]
    return f"SELECT {', '.join(columns)} FROM {table.relation}"


def span_of(connection: Connection, tables: Mapping[str, StoredTable]) -> Span | None:
    """The first and the last local time of stored tables by dataset; None where there is none."""
    parts = [
        f"SELECT min({_known(column, table.types)}) AS low, max({_known(column, table.types)}) "
        f"AS high FROM {table.relation}"
        for name, table in tables.items()
        for column in timestamp_columns(DATASETS[name])
        if column in table.types
    ]
    if not parts:
        return None
    # Later than any clock runs is "never", and more than a date of Python can hold.
    latest = f"TIMESTAMP '{LAST_YEAR}-12-31 00:00:00'"
    bounds = connection.execute(
        f"SELECT least(min(low), {latest}), least(max(high), {latest}) "
        f"FROM ({' UNION ALL '.join(parts)}) AS bounds"
    ).fetchone()
    low, high = bounds or (None, None)
    return None if low is None or high is None else (low, high)


def _known(column: str, types: Mapping[str, str]) -> str:
    name = identifier(column) if column in types else "NULL"
    return name if types.get(column) == _TIMESTAMP else f"CAST({name} AS {_TIMESTAMP})"


def _interval(seconds: int) -> str:
    return f"INTERVAL '{seconds}' SECOND"


def _timestamp(local: int) -> str:
    return f"TIMESTAMP '{(EPOCH + timedelta(seconds=local)):%Y-%m-%d %H:%M:%S}'"


class Times(Protocol):
    """A ledger, as far as finding doubtful times asks."""

    @property
    def handed_in(self) -> frozenset[str]: ...

    @property
    def time_zone(self) -> str: ...

    @property
    def span(self) -> Span | None: ...

    def execute(self, query: str, bound: Mapping[str, Any]) -> Answer: ...


def doubtful_times(ledger: Times) -> Iterator[Finding]:
    """Findings on local times that the zone's clocks showed twice, or not at all."""
    changes = changes_of(ledger.time_zone, ledger.span)
    for name, dataset in DATASETS.items():
        if name not in ledger.handed_in or not changes:
            continue
        for column in timestamp_columns(dataset):
            twice, never = _counted(ledger, name, column, changes)
            if twice:
                message = (
                    f"{_times(twice)} of {name}.{column} happened twice, when the clocks of "
                    f"{ledger.time_zone} were put back; without an offset the first is taken"
                )
                yield Finding("ambiguous_times", message, name)
            if never:
                message = (
                    f"{_times(never)} of {name}.{column} never happened in {ledger.time_zone}, "
                    "whose clocks were put forward then: is the file in another time zone? They "
                    "count as if the clocks hadn't changed yet"
                )
                yield Finding("nonexistent_times", message, name)


def _times(number: int) -> str:
    return "1 time" if number == 1 else f"{number} times"


def _counted(
    ledger: Times, dataset: str, column: str, changes: tuple[Change, ...]
) -> tuple[int, int]:
    name = identifier(column)
    back = [(at + after, at + before) for at, before, after in changes if after < before]
    forward = [(at + before, at + after) for at, before, after in changes if after > before]
    counts = ", ".join(
        f"sum(CASE WHEN {_within(name, spans)} THEN 1 ELSE 0 END)" for spans in (back, forward)
    )
    ((twice, never),) = ledger.execute(
        f"SELECT {counts} FROM {LOCAL_TIMES}.{dataset} "
        f"WHERE {identifier(utc_name(column))} IS NULL",
        {},
    ).rows
    return int(twice or 0), int(never or 0)


def _within(name: str, spans: list[tuple[int, int]]) -> str:
    return (
        " OR ".join(
            f"({name} >= {_timestamp(begins)} AND {name} < {_timestamp(ends)})"
            for begins, ends in spans
        )
        or "false"
    )
