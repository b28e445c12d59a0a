"""Big made-up ledgers for benchmarks, written by DuckDB as Parquet and CSV."""

from __future__ import annotations

from pathlib import Path

import duckdb

from sla.evidence.values import EvidenceFile

FIRST_DAY = "2024-01-01"
DAYS = 730
"""Two years of invoices, written in the order of their dates as exports are."""

_INVOICES = """
SELECT 'INV' || lpad(i::VARCHAR, 10, '0') AS invoice_id,
       'C' || lpad((hash(i) % 50000)::VARCHAR, 6, '0') AS customer_id,
       DATE '{first}' + CAST(i * {days} // {n} AS INTEGER) AS issue_date,
       DATE '{first}' + CAST(i * {days} // {n} AS INTEGER) + 30 AS due_date,
       'EUR' AS currency,
       (CAST(hash(i, 1) % 500000 AS BIGINT) + 1000)::DECIMAL(18, 4) / 100 AS amount_raw
FROM range({n}) t(i)
"""

_ADJUSTED = "CAST(2 AS DECIMAL(18, 2))"
"""What credit notes and write-offs take off an invoice; the rest of it is paid."""

_TABLES = {
    "invoices": """
        SELECT invoice_id, customer_id, issue_date, due_date, currency,
               CAST(amount_raw AS DECIMAL(18, 4)) AS amount,
               CAST(NULL AS TIMESTAMP) AS delivered_at, 'email' AS channel,
               true AS first_time_right, 'main' AS business_unit
        FROM ({invoices})
    """,
    "receipts": """
        SELECT 'RCT' || substr(invoice_id, 4) AS receipt_id, customer_id,
               CAST(paid_on AS TIMESTAMP) AS received_at,
               CAST(paid_on AS TIMESTAMP) + INTERVAL 6 HOUR AS posted_at,
               currency, CAST(amount_raw AS DECIMAL(18, 4)) AS amount
        FROM (SELECT *, issue_date + 10 + CAST(hash(invoice_id) % 45 AS INTEGER) AS paid_on
              FROM ({invoices}))
    """,
    "allocations": """
        SELECT 'RCT' || substr(invoice_id, 4) AS receipt_id, invoice_id,
               CAST(CASE WHEN hash(invoice_id, 3) % 100 = 0 THEN amount_raw - {adjusted}
                         ELSE amount_raw END AS DECIMAL(18, 4)) AS amount,
               issue_date + 10 + CAST(hash(invoice_id) % 45 AS INTEGER) AS applied_on,
               'auto' AS matched_by
        FROM ({invoices})
    """,
    "adjustments": """
        SELECT 'A' || substr(invoice_id, 4) AS adjustment_id, invoice_id,
               CASE WHEN hash(invoice_id, 2) % 3 = 0
                    THEN 'write_off' ELSE 'credit_note' END AS kind,
               CAST({adjusted} AS DECIMAL(18, 4)) AS amount,
               issue_date + 40 AS effective_on, NULL::VARCHAR AS reason,
               NULL::VARCHAR AS requested_by, NULL::VARCHAR AS approved_by
        FROM ({invoices}) WHERE hash(invoice_id, 3) % 100 = 0
    """,
    "disputes": """
        SELECT 'D' || substr(invoice_id, 4) AS dispute_id, invoice_id,
               CAST(issue_date + 5 AS TIMESTAMP) AS opened_at,
               CAST(issue_date + 5 + CAST(hash(invoice_id, 4) % 20 AS INTEGER) AS TIMESTAMP)
                   AS resolved_at,
               CAST(amount_raw AS DECIMAL(18, 4)) AS amount, 'price' AS reason,
               'rejected' AS outcome
        FROM ({invoices}) WHERE hash(invoice_id, 5) % 50 = 0
    """,
}


def write_ledger(folder: Path, invoices: int) -> tuple[EvidenceFile, ...]:
    """Write `invoices` invoices, as many receipts and allocations, and the rest in proportion."""
    folder.mkdir(parents=True, exist_ok=True)
    source = _INVOICES.format(first=FIRST_DAY, days=DAYS, n=invoices)
    files = []
    with duckdb.connect() as connection:
        for dataset, query in _TABLES.items():
            path = folder / f"{dataset}-{invoices}.parquet"
            if not path.exists():
                text = query.format(invoices=source, adjusted=_ADJUSTED)
                connection.execute(f"COPY ({text}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
            counted = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone()
            assert counted is not None
            files.append(EvidenceFile(dataset, "0" * 64, path, counted[0], path.name, "0" * 64))
    return tuple(files)
