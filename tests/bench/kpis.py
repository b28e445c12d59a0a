"""Each KPI for one month: against a plain scan at full size, against others at a common size."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from tests.bench import dataframes, postgres
from tests.bench.ledgers import write_ledger
from tests.bench.measuring import best_seconds, in_own_process, side_by_side

_INTRODUCTION = """\
As many receipts and allocations, two years, Parquet. The scan reads the same columns of the same
files with DuckDB and adds them up.

KPIs of the receivable need what is open on each invoice, so they join and add up by invoice: they
are no single pass, and cost three to five scans. The single-pass ones cost less than a whole scan,
because a month's rows are found by the dates in the file.
"""
_COMMON_INTRODUCTION = """\
Data frames and PostgreSQL tables are loaded before the clock starts; Plumbline reads its Parquet
files each time. All three give the same figures to ten decimals.
"""
MONTH = Period.month(2025, 9)

_INVOICES = ("invoice_id", "issue_date", "due_date", "amount")
_ALLOCATIONS = ("invoice_id", "applied_on", "amount")
_ADJUSTMENTS = ("invoice_id", "effective_on", "amount")
_RECEIVABLE = {"invoices": _INVOICES, "allocations": _ALLOCATIONS, "adjustments": _ADJUSTMENTS}

SCANNED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "dso": _RECEIVABLE,
    "best_possible_dso": _RECEIVABLE,
    "average_days_delinquent": _RECEIVABLE,
    "collection_effectiveness_index": _RECEIVABLE,
    "ageing": _RECEIVABLE,
    "share_past_due": _RECEIVABLE,
    "share_over_90": _RECEIVABLE,
    "cash_collected": {"allocations": ("applied_on", "amount")},
    "collected_within_terms": _RECEIVABLE,
    "average_days_late": _RECEIVABLE,
    "bad_debt_ratio": {
        "invoices": ("issue_date", "amount"),
        "adjustments": ("kind", "effective_on", "amount"),
    },
    "dispute_rate": {
        "invoices": ("invoice_id", "issue_date", "amount"),
        "disputes": ("invoice_id",),
    },
}
"""The columns that each KPI needs: what the plain scan reads."""


_ADDED = {
    "amount": "sum(amount)",
    "issue_date": "sum(issue_date - DATE '2000-01-01')",
    "due_date": "sum(due_date - DATE '2000-01-01')",
    "applied_on": "sum(applied_on - DATE '2000-01-01')",
    "effective_on": "sum(effective_on - DATE '2000-01-01')",
}
"""How the scan adds up a column; texts by their length. Every value must be read for that,
where a maximum could be answered from a file's statistics."""


def _scan_queries(files: Mapping[str, EvidenceFile], kpi: str) -> list[str]:
    return [
        "SELECT "
        + ", ".join(_ADDED.get(name, f"sum(strlen({name}))") for name in columns)
        + f" FROM '{files[dataset].path}'"
        for dataset, columns in SCANNED[kpi].items()
    ]


def _scan_and_kpi(files: tuple[EvidenceFile, ...], kpi: str) -> tuple[float, float]:
    queries = _scan_queries({file.dataset: file for file in files}, kpi)
    definition = load_catalogue()[kpi]
    with duckdb.connect() as plain, open_ledger(files, "EUR") as ledger:
        plain.execute("SET enable_progress_bar = false")
        return side_by_side(
            lambda: [plain.execute(query).fetchall() for query in queries],
            lambda: run_kpi(definition, ledger, MONTH, {}),
        )


def big_table(folder: Path, invoices: int) -> str:
    """Every KPI against one plain scan of the same columns, as a Markdown section."""
    files = write_ledger(folder, invoices)
    lines = [
        f"## Every KPI for one month over {invoices:,} invoices\n",
        _INTRODUCTION,
        "| KPI | scan s | KPI s | ratio | memory MiB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for kpi in SCANNED:
        (scan, seconds), memory = in_own_process(_scan_and_kpi, files, kpi)
        lines.append(f"| {kpi} | {scan:.2f} | {seconds:.2f} | {seconds / scan:.1f} | {memory} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def _ours(files: tuple[EvidenceFile, ...]) -> dict[str, tuple[float, Decimal | None]]:
    answers = {}
    with open_ledger(files, "EUR") as ledger:
        for kpi in dataframes.FIGURES:
            definition = load_catalogue()[kpi]
            value = run_kpi(definition, ledger, MONTH, {}).value
            seconds = best_seconds(lambda: run_kpi(definition, ledger, MONTH, {}))  # noqa: B023
            answers[kpi] = (seconds, value)
    return answers


def _pandas(files: tuple[EvidenceFile, ...]) -> dict[str, tuple[float, Decimal | None]]:
    frames = dataframes.load_frames(files)
    return {
        kpi: (
            best_seconds(lambda: dataframes.figure(frames, kpi, MONTH)),  # noqa: B023
            dataframes.figure(frames, kpi, MONTH),
        )
        for kpi in dataframes.FIGURES
    }


def _postgres(files: tuple[EvidenceFile, ...]) -> dict[str, tuple[float, Decimal | None]]:
    span = {
        "start": str(MONTH.start),
        "end": str(MONTH.end),
        "before": str(MONTH.start - timedelta(days=1)),
        "days": str(MONTH.days),
    }
    with postgres.loaded_postgres(files) as connection:
        return {
            kpi: (
                best_seconds(lambda: postgres.figure(connection, kpi, span)),  # noqa: B023
                postgres.figure(connection, kpi, span),
            )
            for kpi in dataframes.FIGURES
        }


def common_table(folder: Path, invoices: int) -> str:
    """Plumbline, pandas and PostgreSQL on the same ledger; their figures must agree."""
    files = write_ledger(folder, invoices)
    ours, our_memory = in_own_process(_ours, files)
    frames, pandas_memory = in_own_process(_pandas, files)
    server, _ = in_own_process(_postgres, files)
    lines = [
        f"## Against pandas and PostgreSQL, {invoices:,} invoices\n",
        _COMMON_INTRODUCTION,
        "| KPI | Plumbline s | pandas | PostgreSQL |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kpi, (seconds, value) in ours.items():
        for name, other in (("pandas", frames), ("PostgreSQL", server)):
            agrees(kpi, name, value, other[kpi][1])
        lines.append(
            f"| {kpi} | {seconds:.3f} | {frames[kpi][0] / seconds:.1f} × |"
            f" {server[kpi][0] / seconds:.1f} × |"
        )
        print(lines[-1], flush=True)
    lines.append(f"\nMemory: Plumbline {our_memory} MiB, pandas {pandas_memory} MiB.")
    return "\n".join(lines) + "\n"


def agrees(kpi: str, name: str, value: Decimal | None, other: Decimal | None) -> None:
    """Raise AssertionError where two engines disagree on a figure."""
    if value is None or other is None or abs(value - other) > Decimal("1e-10"):
        raise AssertionError(f"{kpi}: Plumbline {value}, {name} {other}")
