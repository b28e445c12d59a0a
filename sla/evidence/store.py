"""Immutable Parquet files named by their SHA-256."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import duckdb

from sla.evidence.checks import good
from sla.evidence.sources import ROW
from sla.evidence.sql import identifier, literal
from sla.evidence.staging import Staged
from sla.evidence.values import EvidenceFile

_LAYOUT = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880, "
    "PARQUET_VERSION v1"
)
"""Fixed, so that the same rows always give the same bytes, and so the same name."""


def write_evidence(
    connection: duckdb.DuckDBPyConnection, staged: Staged, folder: Path
) -> EvidenceFile:
    """Store the rows of a dataset that aren't rejected, in the order of the source.

    A file appears under its final name whole or not at all, and can't be written to. Where
    the same rows are stored already, it takes the place of an equal one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid4().hex}.tmp"
    columns = ", ".join(identifier(name) for name in staged.dataset.column_names)
    # The order gives the row groups the same sizes whatever the number of threads.
    order = ROW if staged.row == ROW else "rowid"
    kept = f"FROM {staged.table} WHERE {good(connection, staged)} ORDER BY {order}"
    try:
        written = connection.execute(
            f"COPY (SELECT {columns} {kept}) TO {literal(str(temporary))} ({_LAYOUT})"
        ).fetchone()
        with temporary.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        path = folder / f"{sha256}.parquet"
        temporary.chmod(0o444)
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    count = int(written[0]) if written else 0
    source = staged.source
    return EvidenceFile(staged.dataset.name, sha256, path, count, source.file, source.sha256)
