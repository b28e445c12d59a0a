"""Each KPI for one month: against a plain scan at full size, against others at a common size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from governance.calendars import Calendars, calendars_of
from governance.contract.engagement import Engagement
from governance.values import Period
from sla.evidence.datasets import DATASETS, Kind
from sla.evidence.ledger import open_ledger
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import drill_down, run_kpi
from tests.bench import dataframes, postgres
from tests.bench.ledgers import FIRST_DAY, write_ledger
from tests.bench.measuring import SummaryLine, best_seconds, in_own_process, side_by_side

_INTRODUCTION = """\
As many receipts and allocations, two years, Parquet. The scan reads the same columns of the same
files with DuckDB and adds them up.

KPIs of the receivable need what is open on each invoice, so they join and add up by invoice: they
are no single pass, and cost three to five scans. The single-pass ones cost less than a whole scan,
because a month's rows are found by the dates in the file. Clock KPIs pair the events of each
subject, a million here, which a scan of so few rows has nothing to set against.
"""
_COMMON_INTRODUCTION = """\
Data frames and PostgreSQL tables are loaded before the clock starts; Plumbline reads its Parquet
files each time. All three give the same figures to ten decimals.
"""
MONTH = Period.month(2025, 9)

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "clock_attainment": {"clock": "query", "target": "2"},
    "clock_time": {"clock": "query"},
    "disputes_resolved_within": {"limit": "10"},
    "fill_rate": {"positions": "2000"},
    "observed": {"measure": "satisfaction"},
    "share_satisfied": {"at_least": "4"},
}
"""What KPIs need that have no default."""

_ADDED = {
    Kind.DATE: "sum({0} - DATE '2000-01-01')",
    Kind.TIMESTAMP: "sum(epoch_us({0}))",
    Kind.BOOLEAN: "sum(CAST({0} AS INTEGER))",
    Kind.AMOUNT: "sum({0})",
    Kind.NUMBER: "sum({0})",
}
"""How the scan adds up a column; texts by their length. Every value must be read for that,
where a maximum could be answered from a file's statistics."""


def calendars() -> Calendars:
    """Those of a contract in Hamburg."""
    frame = {
        "reference": "BENCH",
        "title": "Benchmark",
        "model": "full",
        "client": {"name": "Client", "country": "DE"},
        "provider": {"name": "Provider", "country": "DE"},
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "business_hours": {"country": "DE", "subdivision": "HH"},
        "starts": FIRST_DAY,
    }
    return calendars_of(Engagement.model_validate(frame))


def _scan_queries(files: Mapping[str, EvidenceFile], definition: KpiDefinition) -> Iterator[str]:
    """One query a dataset, over the columns that the KPI's SQL names."""
    for name in definition.datasets:
        added = [
            _ADDED.get(column.kind, "sum(strlen({0}))").format(f'"{column.name}"')
            for column in DATASETS[name].columns
            if re.search(rf"\b{column.name}\b", definition.sql)
        ]
        if name in files and added:
            yield f"SELECT {', '.join(added)} FROM '{files[name].path}'"


def _scan_and_kpi(files: tuple[EvidenceFile, ...], kpi: str) -> tuple[float, float]:
    definition = load_catalogue()[kpi]
    queries = list(_scan_queries({file.dataset: file for file in files}, definition))
    with duckdb.connect() as plain, open_ledger(files, "EUR", calendars=calendars()) as ledger:
        plain.execute("SET enable_progress_bar = false")
        return side_by_side(
            lambda: [plain.execute(query).fetchall() for query in queries],
            lambda: run_kpi(definition, ledger, MONTH, PARAMETERS.get(kpi, {})),
        )


def catalogue_table(folder: Path, invoices: int) -> tuple[str, SummaryLine]:
    """Every KPI against one plain scan of the same columns, as a Markdown section, and the sum."""
    files = write_ledger(folder, invoices)
    lines = [
        f"## Every KPI for one month over {invoices:,} invoices\n",
        _INTRODUCTION,
        "| KPI | scan s | KPI s | ratio | memory MiB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    scans = whole = 0.0
    most = 0
    for kpi in load_catalogue():
        (scan, seconds), memory = in_own_process(_scan_and_kpi, files, kpi)
        scans, whole, most = scans + scan, whole + seconds, max(most, memory)
        lines.append(f"| {kpi} | {scan:.2f} | {seconds:.2f} | {seconds / scan:.1f} | {memory} |")
        print(lines[-1], flush=True)
    what = f"The whole catalogue, {len(load_catalogue())} KPIs, {invoices:,} invoices"
    summary = SummaryLine(what, "a plain scan of the same columns", scans, whole, most)
    return "\n".join(lines) + "\n", summary


def _sort_and_page(files: tuple[EvidenceFile, ...]) -> tuple[float, float]:
    """The first 50 of a month's due invoices: DuckDB's own sort, and our drill-down page."""
    by_name = {file.dataset: file for file in files}
    query = (
        f"SELECT * FROM '{by_name['invoices'].path}' WHERE due_date BETWEEN "
        f"'{MONTH.start}' AND '{MONTH.end}' ORDER BY invoice_id LIMIT 50"
    )
    definition = load_catalogue()["collected_within_terms"]
    with duckdb.connect() as plain, open_ledger(files, "EUR") as ledger:
        plain.execute("SET enable_progress_bar = false")
        return side_by_side(
            lambda: plain.execute(query).fetchall(),
            lambda: drill_down(definition, ledger, MONTH, {}, 0, 50),
        )


def drill_down_line(folder: Path, invoices: int) -> SummaryLine:
    """Opening a figure down to its first 50 ledger rows, with the count of all of them."""
    (reference, seconds), memory = in_own_process(_sort_and_page, write_ledger(folder, invoices))
    what = f"A drill-down page, first 50 of its rows, {invoices:,} invoices"
    return SummaryLine(what, "the month's invoices sorted, first 50", reference, seconds, memory)


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
