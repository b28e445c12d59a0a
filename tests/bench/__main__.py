"""`make bench`: every KPI and the import against named references, as ratios.

All figures of a table come from one run on one machine. The table goes to
`docs/performance.md`; nothing here fails because something was slow.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

import duckdb

from tests.bench.audit import audit_table
from tests.bench.imports import import_table
from tests.bench.kpis import catalogue_table, common_table, drill_down_line
from tests.bench.pricing import pricing_table
from tests.bench.runs import runs_table
from tests.bench.simulations import simulation_line
from tests.paths import ROOT

REPORT = ROOT / "docs" / "performance.md"

_HEAD = """# Performance

Written by `make bench`; ratios of one run, best of three, so they say more than the seconds.
Machine: {cores} cores, {machine}, DuckDB {duckdb}.

"""


_SUMMARY = (
    "| job | s | beside | s | ratio | memory MiB |",
    "| --- | ---: | --- | ---: | ---: | ---: |",
)


def main() -> None:
    """Run the benchmarks and write the report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--invoices", type=int, default=10_000_000)
    options.add_argument("--common", type=int, default=500_000)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--changes", type=int, default=4_000)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--contracts", type=int, default=1_000)
    options.add_argument("--engagements", type=int, default=1_000)
    options.add_argument("--pdfs", type=int, default=200)
    options.add_argument("--folder", type=Path, default=ROOT / "var" / "bench")
    options.add_argument("--report", type=Path, default=REPORT)
    chosen = options.parse_args()
    head = _HEAD.format(cores=os.cpu_count(), machine=platform.machine(), duckdb=duckdb.__version__)
    catalogue, whole = catalogue_table(chosen.folder, chosen.invoices)
    page = drill_down_line(chosen.folder, chosen.invoices)
    imported, rows = import_table(chosen.folder, chosen.rows)
    pricing, month = pricing_table(chosen.contracts)
    parts = [
        "\n".join(
            [*_SUMMARY, *(line.row for line in (whole, page, rows, month, simulation_line()))]
        )
        + "\n",
        catalogue,
        common_table(chosen.folder, chosen.common),
        imported,
        pricing,
        runs_table(chosen.folder, chosen.engagements, chosen.pdfs),
        audit_table(chosen.folder, chosen.changes, chosen.entries),
    ]
    chosen.report.write_text(head + "\n".join(parts), encoding="utf-8")
    print(f"Written: {chosen.report}")


if __name__ == "__main__":
    main()
