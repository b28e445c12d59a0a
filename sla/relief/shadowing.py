"""Relief as SQL: common table expressions that stand in front of the ledger's views.

A KPI's own text stays as it is. Where it names a view, the expression of the same name answers,
which leaves out the rows that were taken out, or lets the clocks stand still. So every engine
that runs the KPI runs it with relief, too.
"""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from governance.errors import BadInput, Problem
from sla.evidence.datasets import DATASETS
from sla.evidence.sql import identifier, listed, literal
from sla.relief.values import Relief, Span, disjoint

ROW_KEYS: Mapping[str, str] = {
    "customers": "customer_id",
    "invoices": "invoice_id",
    "receipts": "receipt_id",
    "adjustments": "adjustment_id",
    "disputes": "dispute_id",
    "activities": "activity_id",
    "clock_events": "subject_id",
    "placements": "invoice_id",
    "resources": "person_id",
    "surveys": "response_id",
}
"""The column by which relief names rows, of the datasets whose rows can be named.

Allocations go with their receipt or invoice; an observation has no rows to take out, so its
service level is excused as a whole.
"""
_COUNTS_TIME = re.compile(r"\bbusiness_time\b")
_WITH = re.compile(r"\A(?P<before>(?:\s|--[^\n]*\n|/\*.*?\*/)*)WITH\b(?!\s+RECURSIVE)", re.DOTALL)


def shadowed(query: str, relief: Relief, datasets: Collection[str]) -> str:
    """The query with the relief in front; the same text where there is nothing to take out.

    `datasets` are those that the query reads. The query must begin with WITH, as those of the
    catalogue do. Raises BadInput for a dataset whose rows can't be named.
    """
    expressions = list(_rows_out(relief, datasets))
    if _COUNTS_TIME.search(query):
        expressions += _time_out(relief)
    if not expressions:
        return query
    if _WITH.match(query) is None:
        raise BadInput.one(Problem("a query that doesn't begin with WITH takes no relief"))
    return _WITH.sub(lambda found: f"{found['before']}WITH\n{_joined(expressions)},", query, 1)


def _joined(expressions: list[str]) -> str:
    return ",\n".join(expressions)


def taken_out_condition(relief: Relief, datasets: Collection[str], columns: Collection[str]) -> str:
    """SQL that holds for the rows of a drill-down that the relief takes out.

    `datasets` are those that its query reads, `columns` those that it lists: a row is known by
    the keys that it shows.
    """
    found: dict[str, set[str]] = {}
    for name in datasets:
        if name in DATASETS:
            for column, keys in _by_column(relief, name).items():
                if column in columns:
                    found.setdefault(column, set()).update(keys)
    return _any_of(found) or "false"


def _any_of(keys_by_column: Mapping[str, Collection[str]]) -> str:
    return " OR ".join(
        f"coalesce({identifier(column)} IN ({listed(sorted(keys))}), false)"
        for column, keys in keys_by_column.items()
        if keys
    )


def _rows_out(relief: Relief, datasets: Collection[str]) -> Iterator[str]:
    _require_nameable(relief)
    for name in datasets:
        condition = _any_of(_by_column(relief, name)) if name in DATASETS else ""
        if condition:
            yield f"{name} AS (\n  SELECT * FROM main.{name} WHERE NOT ({condition})\n)"


def _require_nameable(relief: Relief) -> None:
    unknown = [name for name in relief.rows if name not in ROW_KEYS]
    if unknown:
        raise BadInput(
            Problem(
                f"rows of {name} can't be taken out",
                column="rows",
                found=name,
                allowed=", ".join(ROW_KEYS),
            )
            for name in unknown
        )


def _by_column(relief: Relief, dataset: str) -> dict[str, set[str]]:
    """The keys that take rows of a dataset out, by its column: its own, and those it refers to."""
    found: dict[str, set[str]] = {}
    if dataset in ROW_KEYS:
        found.setdefault(ROW_KEYS[dataset], set()).update(relief.rows.get(dataset, ()))
    for column in DATASETS[dataset].columns:
        if column.refers_to in ROW_KEYS:
            keys = relief.rows.get(column.refers_to, frozenset())
            found.setdefault(column.name, set()).update(keys)
    return found


def _time_out(relief: Relief) -> Iterator[str]:
    """`business_time` with the spans cut out: every row is split at their ends.

    What a clock has counted before a row is less by what it would have counted in the spans
    before it, also where it jumps (a day counts as 24 hours when the clocks change).
    """
    spans = disjoint(relief.spans)
    if not spans:
        return
    yield (
        "relief_spans AS (\n  SELECT * FROM (VALUES "
        + ", ".join(_span_row(span) for span in spans)
        + ") AS spans (stands_from, stands_to)\n)"
    )
    yield _CUTS
    yield _PIECES
    yield _COUNTED
    yield _LOST
    yield f"business_time AS (\n{_CLOCK}\n)"


def _span_row(span: Span) -> str:
    return f"({_timestamp(span.start)}, {_timestamp(span.end)})"


def _timestamp(at: datetime) -> str:
    return f"CAST({literal(at.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S'))} AS TIMESTAMP)"


_CUTS = """relief_cuts AS (
  SELECT business_time.*, starts_at AS piece_starts FROM main.business_time AS business_time
  UNION
  SELECT business_time.*, stands_from AS piece_starts
  FROM main.business_time AS business_time
  JOIN relief_spans ON stands_from > starts_at AND stands_from < ends_at
  UNION
  SELECT business_time.*, stands_to AS piece_starts
  FROM main.business_time AS business_time
  JOIN relief_spans ON stands_to > starts_at AND stands_to < ends_at
)"""
_PIECES = """relief_pieces AS (
  SELECT
    relief_cuts.*,
    coalesce(
      lead(piece_starts) OVER (
        PARTITION BY calendar, unit, day, starts_at ORDER BY piece_starts
      ),
      ends_at
    ) AS piece_ends
  FROM relief_cuts
)"""
_COUNTED = """relief_counted AS (
  SELECT
    relief_pieces.*,
    stands_from IS NOT NULL AS still,
    seconds_before
      + CASE WHEN running THEN date_diff('second', starts_at, piece_starts) ELSE 0 END
      AS counted_before
  FROM relief_pieces
  LEFT JOIN relief_spans ON piece_starts >= stands_from AND piece_starts < stands_to
)"""
_LOST = """relief_lost AS (
  SELECT
    relief_counted.*,
    CASE
      WHEN still
        THEN coalesce(
          lead(counted_before) OVER (PARTITION BY calendar, unit ORDER BY piece_starts)
          - counted_before,
          0
        )
      ELSE 0
    END AS lost
  FROM relief_counted
)"""
_CLOCK = """  SELECT
    calendar,
    unit,
    day,
    piece_starts AS starts_at,
    piece_ends AS ends_at,
    running AND NOT still AS running,
    CAST(
      counted_before + lost
      - sum(lost) OVER (
          PARTITION BY calendar, unit ORDER BY piece_starts
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS BIGINT
    ) AS seconds_before
  FROM relief_lost"""
