"""The evidence store, the query engine and the reader of hand-ins that the settings name."""

from __future__ import annotations

from app.settings import Settings
from governance.bounded import Bounds
from sla.engines.engine import Engine
from sla.engines.in_process import IN_PROCESS
from sla.engines.spark import Spark
from sla.evidence.bucket import BucketAccess, BucketStore
from sla.evidence.drop_folder import DropFolder
from sla.evidence.intake import Reader
from sla.evidence.limits import Limits
from sla.evidence.store import EvidenceStore

_MEGABYTE = 1024 * 1024


def store_of(settings: Settings) -> EvidenceStore:
    """Where the installation keeps its evidence; raises BadInput where it can't be used."""
    if settings.evidence_in_bucket:
        return store_at(settings.evidence_store, settings)
    return EvidenceStore.at(settings.evidence_dir)


def store_at(address: str, settings: Settings) -> EvidenceStore:
    """The store at a folder or s3://bucket/prefix, reached as the settings say."""
    if "://" not in address:
        return EvidenceStore.at(address)
    access = BucketAccess(
        cache=settings.evidence_cache_dir,
        cache_bytes=settings.evidence_cache_bytes,
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        key=settings.s3_access_key.get_secret_value(),
        secret=settings.s3_secret_key.get_secret_value(),
    )
    return BucketStore(address, access)


def engine_of(settings: Settings, name: str = "") -> Engine:
    """The engine of that name, duckdb or spark; without one the settings' own."""
    if (name or settings.engine) == "duckdb":
        return IN_PROCESS
    options = dict(option.split("=", 1) for option in settings.spark_options)
    return Spark(settings.spark_master, options, settings.spark_evidence)


def reader_of(settings: Settings) -> Reader:
    """How the installation reads uploads: in a process of its own, within its limits."""
    bounds = Bounds(
        settings.import_seconds, settings.import_memory_mb, settings.import_temporary_mb
    )
    limits = Limits(
        settings.columns_max,
        settings.unpacked_ratio,
        settings.unpacked_small_mb * _MEGABYTE,
        settings.workbook_max_mb * _MEGABYTE,
        settings.workbook_max_parts,
        settings.workbook_max_cells,
    )
    return Reader(bounds, limits)


def drop_of(settings: Settings) -> DropFolder | None:
    """Where other systems lay evidence; None where nobody may."""
    return DropFolder(settings.drop_dir) if settings.drop_dir else None
