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
    "activities": """
        SELECT 'V' || substr(invoice_id, 4) AS activity_id, customer_id, invoice_id,
               CAST(due_date - 3 AS TIMESTAMP)
                   + INTERVAL 1 HOUR * CAST(hash(invoice_id, 7) % 30 AS INTEGER) AS at,
               CAST(due_date - 3 AS TIMESTAMP) + INTERVAL 24 HOUR AS due_at,
               CASE WHEN kind = 'call' THEN 'phone' ELSE 'email' END AS channel, kind,
               CASE WHEN kind = 'promise' THEN CAST(amount_raw AS DECIMAL(18, 4)) END
                   AS promised_amount,
               CASE WHEN kind = 'promise' THEN due_date + 10 END AS promised_on
        FROM (SELECT *, ['reminder', 'call', 'contact', 'promise'][
                  CAST(hash(invoice_id, 6) % 20 + 1 AS INTEGER)] AS kind FROM ({invoices}))
        WHERE kind IS NOT NULL
    """,
    "clock_events": """
        SELECT substr(invoice_id, 4) AS subject_id, 'query' AS clock,
               CAST(issue_date AS TIMESTAMP) + INTERVAL 9 HOUR
                   + INTERVAL 1 HOUR * (hour + CAST(hash(invoice_id, hour) % 20 AS INTEGER)) AS at,
               event, NULL::VARCHAR AS reason
        FROM ({invoices}),
             (VALUES ('start', 0), ('pause', 24), ('resume', 48), ('stop', 72)) e(event, hour)
        WHERE hash(invoice_id, 8) % 40 = 0
    """,
    "placements": """
        SELECT invoice_id, issue_date + 90 AS placed_on,
               CAST(amount_raw AS DECIMAL(18, 4)) AS amount
        FROM ({invoices}) WHERE hash(invoice_id, 9) % 50 = 0
    """,
    "surveys": """
        SELECT 'S' || substr(invoice_id, 4) AS response_id, customer_id,
               issue_date + 20 AS answered_on,
               CAST(hash(invoice_id, 10) % 5 + 1 AS DECIMAL(18, 6)) AS score,
               CAST(5 AS DECIMAL(18, 6)) AS scale_max
        FROM ({invoices}) WHERE hash(invoice_id, 11) % 100 = 0
    """,
    "resources": """
        SELECT 'P' || i AS person_id, CASE WHEN i % 3 = 0 THEN 'analyst' ELSE 'collector' END
                   AS role,
               DATE '{first}' + i % 300 AS "from",
               CASE WHEN i % 7 = 0 THEN DATE '{first}' + 400 + i % 300 END AS "to",
               CAST(1 AS DECIMAL(18, 6)) AS fte,
               CASE WHEN i % 7 = 0 THEN 'left' END AS leave_reason
        FROM (SELECT CAST(i AS INTEGER) AS i FROM range(2000) t(i))
    """,
    "observations": """
        SELECT 'satisfaction' AS measure, strftime(DATE '{first}' + INTERVAL 1 MONTH * i, '%Y-%m')
                   AS period,
               CAST(80 + i % 5 AS DECIMAL(18, 6)) AS value, NULL::VARCHAR AS document
        FROM (SELECT CAST(i AS INTEGER) AS i FROM range(24) t(i))
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
                text = query.format(invoices=source, adjusted=_ADJUSTED, first=FIRST_DAY)
                connection.execute(f"COPY ({text}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
            counted = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone()
            assert counted is not None
            files.append(EvidenceFile(dataset, "0" * 64, path, counted[0], path.name, "0" * 64))
    return tuple(files)
