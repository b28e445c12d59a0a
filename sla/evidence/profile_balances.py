"""What remains of an invoice on a day, by the rows that a profile derives from one source."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sla.evidence.datasets import RAISING_KINDS
from sla.evidence.sql import listed


@dataclass(frozen=True, slots=True)
class Movement:
    """Rows that raise or lower what is open of invoices; all but the number are SQL."""

    relation: str
    invoice: str
    day: str
    amount: str
    """What is added to what is open; empty for rows that take all that remains."""
    number: int = 0
    """Tells the tables apart that take what remains."""


def raising(kind: str) -> str:
    """SQL of the sign with which an adjustment of the kind changes what is open."""
    return f"CASE WHEN {kind} IN ({listed(RAISING_KINDS)}) THEN 1 ELSE -1 END"


def with_remaining(relation: str, name: str, movements: Sequence[Movement], number: int) -> str:
    """The relation with a column `name`: what remains open at the end of each row's day.

    Rows of several tables may take what remains of one invoice; each then gets what came open
    since the one before. With S the most that was open on the days of such rows so far, a row
    takes the growth of S.
    """
    union = " UNION ALL ".join(_rows(each) for each in movements)
    return (
        f"(SELECT taking.*, coalesce(takes.amount, 0) AS {name} "
        f"FROM {relation} AS taking LEFT JOIN ("
        "SELECT line, number, most - coalesce(lag(most) OVER taken, 0) AS amount FROM ("
        "SELECT *, max(greatest(balance, 0)) OVER taken AS most FROM ("
        "SELECT *, sum(change) OVER (PARTITION BY invoice ORDER BY day) AS balance "
        f"FROM ({union})) WHERE takes WINDOW taken AS (PARTITION BY invoice ORDER BY day, line, "
        "number ROWS UNBOUNDED PRECEDING)) WINDOW taken AS (PARTITION BY invoice "
        f"ORDER BY day, line, number)) AS takes ON takes.line = taking.rowid "
        f"AND takes.number = {number} ORDER BY taking.rowid)"
    )


def _rows(movement: Movement) -> str:
    change = movement.amount or "NULL"
    takes = "false" if movement.amount else "true"
    return (
        f"SELECT rowid AS line, {movement.number} AS number, {movement.invoice} AS invoice, "
        f"{movement.day} AS day, {change} AS change, {takes} AS takes FROM {movement.relation}"
    )
