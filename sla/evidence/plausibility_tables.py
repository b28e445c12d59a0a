"""What questions of plausibility are asked of: a ledger's views, a sample where they are large."""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol

from sla.engines.engine import Connection

SAMPLED_INVOICES = 1_000_000
"""Above this many, a sample of the invoices is looked at row by row."""
SHARE = 0.01
"""Share of rows from which on oddities are no longer single slips."""
EXAMPLES = 5
"""Rows that a finding shows."""


class Tables(Protocol):
    """A ledger's views and which of them hold evidence."""

    @property
    def connection(self) -> Connection: ...

    @property
    def handed_in(self) -> Set[str]: ...


def rows(ledger: Tables, query: str) -> list[tuple[object, ...]]:
    """All that a query yields."""
    return ledger.connection.execute(query).fetchall()


def count(ledger: Tables, query: str) -> int:
    """The one number that a query yields, 0 where it yields nothing."""
    found = ledger.connection.execute(query).fetchone()
    return int(found[0] or 0) if found else 0


def sampled(ledger: Tables) -> tuple[str, str]:
    """A condition on `invoice_id` that keeps a bounded part of the invoices, and what to say."""
    stride = count(ledger, "SELECT count(*) FROM invoices") // SAMPLED_INVOICES + 1
    if stride == 1:
        return "true", "all of them"
    return f"hash(invoice_id) % {stride} = 0", f"one in {stride}, chosen evenly"
