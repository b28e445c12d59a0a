"""Small hand-ins for the tests of this package."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from sla.evidence.values import EvidenceFile, EvidenceSet

INVOICES_HEADING = "invoice_id,customer_id,issue_date,due_date,currency,amount\n"
INVOICE = "I1,C1,2013-01-02,2013-02-01,EUR,100.00\n"


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files by name into a new folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    return folder


def table(evidence: EvidenceSet, dataset: str) -> EvidenceFile:
    """The stored table of a dataset."""
    return next(file for file in evidence.files if file.dataset == dataset)


def stored_rows(file: EvidenceFile) -> list[dict[str, Any]]:
    """The rows of a stored table, in order, decimals without needless zeros."""
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM '{file.path}'")  # noqa: S608 (own temporary file)
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    return [dict(zip(names, map(_shortened, row), strict=True)) for row in rows]


def _shortened(value: object) -> object:
    return value.normalize() if isinstance(value, Decimal) else value
