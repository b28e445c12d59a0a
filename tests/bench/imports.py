"""Import of a big CSV file with every check on, against DuckDB's own CSV to Parquet."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from sla.evidence.reading import read_evidence
from tests.bench.ledgers import write_ledger
from tests.bench.measuring import SummaryLine, best_seconds, in_own_process


def _write_csv(folder: Path, rows: int) -> Path:
    source = folder / f"import-{rows}"
    source.mkdir(parents=True, exist_ok=True)
    path = source / "invoices.csv"
    if not path.exists():
        (invoices, *_) = write_ledger(folder, rows)
        duckdb.execute(
            "COPY (SELECT * REPLACE (CAST(amount AS DECIMAL(18, 2)) AS amount)"
            f" FROM '{invoices.path}') TO '{path}'"
        )
    return path


def _ours(source: Path, store: Path) -> float:
    def work() -> None:
        shutil.rmtree(store, ignore_errors=True)
        evidence = read_evidence(source.parent, store)
        assert not evidence.rejections

    return best_seconds(work)


def _copy(source: Path, target: Path) -> float:
    def work() -> None:
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(
                f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
            )

    return best_seconds(work)


def import_table(folder: Path, rows: int) -> tuple[str, SummaryLine]:
    """Seconds, ratio and memory of both, as a Markdown section, and the line for the summary."""
    source = _write_csv(folder, rows)
    reference, reference_memory = in_own_process(_copy, source, folder / "copied.parquet")
    ours, memory = in_own_process(_ours, source, folder / "store")
    what, beside = f"Import of {rows:,} rows, every check", "DuckDB, CSV to Parquet, no checks"
    text = (
        f"## Import of {rows:,} invoices from CSV ({source.stat().st_size >> 20} MiB)\n\n"
        "| | seconds | ratio | memory MiB |\n| --- | ---: | ---: | ---: |\n"
        f"| DuckDB, CSV to Parquet, no checks | {reference:.2f} | 1.0 | {reference_memory} |\n"
        f"| Plumbline, every check | {ours:.2f} | {ours / reference:.1f} | {memory} |\n"
    )
    return text, SummaryLine(what, beside, reference, ours, memory)
