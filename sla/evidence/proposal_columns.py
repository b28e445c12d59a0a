"""What each column of an unknown file holds, counted over all its rows."""

# ruff: noqa: S608 (Names come from the source, texts pass through sql.literal.)

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from governance.values import known_currency
from sla.evidence.mapping import text_of
from sla.evidence.proposal_values import ColumnFacts
from sla.evidence.sources import Source

EXAMPLES = 5
SAMPLED = 2_000
"""Rows from which the kind of a column is told; what is then decided by it is counted."""
_FLAGS = {"yes", "no", "y", "n", "true", "false", "0", "1", "ja", "nein", "x"}
_DATE = re.compile(
    r"(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}"
    r"|\d{1,2}[ -][A-Za-z]{3}[ -]\d{2,4}|[A-Za-z]{3} \d{1,2},? \d{4})([T ]\d{1,2}:\d{2}.*)?"
)
_NUMBER = re.compile(r"[-(]?\s*+(\D{0,3}\s?)?\d[\d.,' ]*+\s*+(\D{0,3})[-)]?")
_LONGEST_NUMBER = 100
"""Characters, signs and blanks included."""


@dataclass(frozen=True, slots=True)
class Desk:
    """An unknown file in a working database, and what its columns hold."""

    connection: duckdb.DuckDBPyConnection
    source: Source
    table: str
    rows: int
    facts: Mapping[str, ColumnFacts]

    def text(self, column: str) -> str:
        """SQL of a column as trimmed text."""
        return text_of(self.source, column)

    def counts(self, expressions: Sequence[str]) -> tuple[int, ...]:
        """How many rows each condition holds for, in one pass."""
        if not expressions:
            return ()
        counted = ", ".join(f"count(*) FILTER (WHERE {each})" for each in expressions)
        found = self.connection.execute(f"SELECT {counted} FROM {self.table}").fetchone()
        return tuple(int(each) for each in found or ())

    def held(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query on the table."""
        return self.connection.execute(query).fetchall()

    def examples(self, column: str, condition: str = "true", limit: int = 2) -> list[str]:
        """The first values of a column for which a condition holds, each once."""
        text = self.text(column)
        found = self.held(
            f"SELECT {text} AS held, min(rowid) AS line FROM {self.table} "
            f"WHERE {text} IS NOT NULL AND {condition} GROUP BY 1 ORDER BY line LIMIT {limit}"
        )
        return [str(value) for value, _ in found]


def lay_out(connection: duckdb.DuckDBPyConnection, source: Source, table: str) -> Desk:
    """Read the source into a table and count what its columns hold.

    Raises duckdb.Error where the source can't be read to its end.
    """
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {source.relation}")
    empty = Desk(connection, source, table, 0, {})
    counted = ", ".join(
        f"count({empty.text(name)}), approx_count_distinct({empty.text(name)})"
        for name in source.columns
    )
    found = connection.execute(f"SELECT count(*), {counted} FROM {table}").fetchone() or (0,)
    rows, counts = int(found[0]), [int(each) for each in found[1:]]
    sample = _sample(empty)
    facts = {
        name: _facts(name, counts[2 * place], counts[2 * place + 1], [row[place] for row in sample])
        for place, name in enumerate(source.columns)
    }
    return Desk(connection, source, table, rows, facts)


def _sample(desk: Desk) -> list[tuple[object, ...]]:
    """Rows of the whole file, evenly: the first ones are often the oldest, or the plainest."""
    texts = ", ".join(desk.text(name) for name in desk.source.columns)
    return desk.held(
        f"SELECT {texts} FROM {desk.table}, (SELECT count(*) // {SAMPLED} + 1 AS stride "
        f"FROM {desk.table}) WHERE {desk.table}.rowid % stride = 0 ORDER BY {desk.table}.rowid"
    )


def _facts(name: str, filled: int, distinct: int, sample: Sequence[object]) -> ColumnFacts:
    values = [str(value) for value in sample if value is not None]
    examples = tuple(dict.fromkeys(values))[:EXAMPLES]
    return ColumnFacts(name, filled, min(distinct, filled), examples, _kind(values))


def _kind(values: Sequence[str]) -> str:
    """What nearly all of the values look like."""
    if not values:
        return "nothing"
    distinct = set(values)
    if len(distinct) <= 2 and {value.lower() for value in distinct} <= _FLAGS:
        return "flags"
    for kind, test in _TESTS:
        if sum(map(test, values)) >= len(values) * 0.95:
            return kind
    return "text"


def _whole(value: str) -> bool:
    return re.fullmatch(r"-?\d+(\.0+)?", value) is not None


def _amount(value: str) -> bool:
    return len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value) is not None


_TESTS = (
    ("currencies", lambda value: len(value) == 3 and known_currency(value)),
    ("dates", lambda value: _DATE.fullmatch(value) is not None),
    ("whole numbers", _whole),
    ("amounts", _amount),
)
