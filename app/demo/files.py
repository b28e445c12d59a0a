"""Writes the demo engagement as files: a contract and a folder of evidence."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from app.demo.ledger import Ledger, generate_ledger
from governance.values import Period

FIRST_PERIOD = Period.month(2025, 1)
LAST_PERIOD = Period.month(2026, 10)
CREDIT_PERIOD = Period.month(2026, 8)
"""The month whose collections went wrong, so that it earns a service credit."""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demo's files are."""

    contract: Path
    evidence: Path


def write_demo_files(folder: Path) -> DemoFiles:
    """Write contract and evidence into `folder`, the same bytes at every run."""
    demo = DemoFiles(folder / "contract.yaml", folder / "evidence")
    demo.evidence.mkdir(parents=True, exist_ok=True)
    demo.contract.write_bytes(files("app.demo").joinpath("contract.yaml").read_bytes())
    write_tables(generate_ledger(), demo.evidence)
    return demo


def write_tables(ledger: Ledger, folder: Path) -> None:
    """Write one CSV file a dataset."""
    for dataset, rows in ledger.tables.items():
        with (folder / f"{dataset}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
