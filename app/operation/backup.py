"""Backups: the database as it was at one moment, and the evidence that it names.

A backup is a folder: the database's copy, `evidence/`, perhaps `keys/`, and a manifest with
every file's size and SHA-256. Evidence in a bucket stays there: the manifest says where, and lists
the digests. It appears under its name whole or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, select
from sqlmodel import col

from app.database import session_scope
from app.evidence_store import store_of
from app.operation.copying import DATABASE_FILES, Copied, copy_checked, digest_file, snapshot
from app.operation.manifest import AuditPoint, Manifest, write_manifest
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action, AuditHead
from governance.audit.service import Change, record
from governance.errors import BadInput, Conflict, Problem
from governance.tenancy import EVERYTHING
from sla.evidence.models import EvidenceTable
from sla.evidence.store import EvidenceStore, file_name

EVIDENCE = "evidence"
KEYS = "keys"


def make_backup(
    engine: Engine, settings: Settings, out: Path, now: datetime, *, with_keys: bool = False
) -> Manifest:
    """Back the installation up to a new folder while it may be at work.

    The audit log says that it was done. The database is copied first and the evidence after it,
    so that nothing the copy names can be missing; keys are copied before, so that the checkpoint
    beside them is never newer than the database.

    Raises BadInput where the folder exists, or evidence is missing or damaged, Conflict where the
    database's own program fails; then nothing is left behind.
    """
    if out.exists():
        raise BadInput.one(Problem("it exists already", file=str(out), allowed="a new folder"))
    _record(engine, Action.BACKUP_MADE, out.name, now)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{uuid4().hex}")
    draft.mkdir(mode=0o700)
    try:
        manifest = _fill(engine, settings, draft, now, with_keys=with_keys)
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _fill(
    engine: Engine, settings: Settings, draft: Path, now: datetime, *, with_keys: bool
) -> Manifest:
    copied = _copy_keys(settings, draft) if with_keys else []
    backend = engine.dialect.name
    database = draft / DATABASE_FILES[backend]
    with snapshot(engine, database, settings.postgresql_bin) as connection:
        schema, audit, evidence = _read_point(connection)
    copied.append(digest_file(database, database.name))
    if settings.evidence_in_bucket:
        _require_evidence(store_of(settings), evidence)
    else:
        copied += _copy_evidence(settings.evidence_dir, draft / EVIDENCE, evidence)
    manifest = Manifest(
        made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        release=version("plumbline-governance"),
        database=backend,
        schema=schema,
        audit=audit,
        with_keys=with_keys,
        files=tuple(sorted(copied, key=lambda one: one.path)),
        evidence_store=store_of(settings).address if settings.evidence_in_bucket else "",
        evidence=tuple(sorted(evidence)),
    )
    write_manifest(draft, manifest)
    return manifest


def _read_point(connection: Connection) -> tuple[str, AuditPoint, frozenset[str]]:
    """What the copy is a copy of: schema, place of the audit log, digests of evidence named."""
    schema = " ".join(MigrationContext.configure(connection).get_current_heads())
    head = connection.execute(select(col(AuditHead.size), col(AuditHead.root))).one()
    digests = frozenset(connection.execute(select(col(EvidenceTable.sha256))).scalars())
    return schema, AuditPoint(head.size, head.root.hex()), digests


def _require_evidence(store: EvidenceStore, digests: Collection[str]) -> None:
    """That the bucket has all of it; what the bytes are is checked whenever they are read."""
    kept = set(store.names())
    lost = [name for name in map(file_name, sorted(digests)) if name not in kept]
    if lost:
        raise BadInput(Problem("the evidence is missing in the store", file=one) for one in lost)


def _copy_evidence(store: Path, target: Path, digests: Collection[str]) -> list[Copied]:
    """Every file of the store: the tables that the database names, and the files handed in."""
    target.mkdir(mode=0o700)
    tables = set(map(file_name, digests))
    problems, copied = [], []
    for name in sorted(tables.union(EvidenceStore.at(store).names())):
        source = store / name
        if not source.is_file():
            problems.append(Problem("the evidence is missing in the store", file=name))
            continue
        one = copy_checked(source, target / name, f"{EVIDENCE}/{name}")
        if one.sha256 != name.partition(".")[0]:
            problems.append(Problem("the evidence isn't what its name says", file=name))
        copied.append(one)
    if problems:
        raise BadInput(problems)
    return copied


def _copy_keys(settings: Settings, draft: Path) -> list[Copied]:
    if not settings.key_dir.is_dir():
        raise Conflict(f"there is no key folder {settings.key_dir}")
    (draft / KEYS).mkdir(mode=0o700)
    return [
        copy_checked(path, draft / KEYS / path.name, f"{KEYS}/{path.name}")
        for path in sorted(settings.key_dir.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]


def _record(engine: Engine, action: Action, label: str, now: datetime) -> None:
    with session_scope(engine, sees=EVERYTHING) as session:
        record(session, Actor(None, "command line", now), Change(action, "installation", "", label))
