"""Staged rows as an immutable Parquet file of the evidence store."""

# ruff: noqa: S608 (Names come from the dataset definitions.)

from __future__ import annotations

import duckdb

from sla.evidence.checks import good
from sla.evidence.sources import ROW
from sla.evidence.sql import identifier, literal
from sla.evidence.staging import Staged
from sla.evidence.store import PARQUET, EvidenceStore
from sla.evidence.values import EvidenceFile

_LAYOUT = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880, "
    "PARQUET_VERSION v1"
)
"""Fixed, so that the same rows always give the same bytes, and so the same name."""


def write_evidence(
    connection: duckdb.DuckDBPyConnection, staged: Staged, store: EvidenceStore
) -> EvidenceFile:
    """Store the rows of a dataset that aren't rejected, in the order of the source.

    The same rows always come to stand under the same name. Raises what the store raises.
    """
    names = (*staged.dataset.column_names, *_given_instants(connection, staged))
    columns = ", ".join(map(identifier, names))
    # The order gives the row groups the same sizes whatever the number of threads.
    order = ROW if staged.row == ROW else "rowid"
    kept = f"FROM {staged.table} WHERE {good(connection, staged)} ORDER BY {order}"
    with store.draft() as draft:
        written = connection.execute(
            f"COPY (SELECT {columns} {kept}) TO {literal(str(draft))} ({_LAYOUT})"
        ).fetchone()
        sha256 = store.adopt(draft, PARQUET)
    count = int(written[0]) if written else 0
    source = staged.source
    return EvidenceFile(
        staged.dataset.name, sha256, store.local(sha256), count, source.file, source.sha256
    )


def _given_instants(connection: duckdb.DuckDBPyConnection, staged: Staged) -> list[str]:
    """The columns of instants that hold any.

    The others are left out, so that a file without offsets comes to stand under the name that it
    has always had.
    """
    if not staged.instants:
        return []
    counts = ", ".join(f"count({identifier(name)})" for name in staged.instants)
    found = connection.execute(f"SELECT {counts} FROM {staged.table}").fetchone() or ()
    return [name for name, count in zip(staged.instants, found, strict=True) if count]
