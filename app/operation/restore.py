"""Bring a backup back into an empty installation, and hold its audit log against what is known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from app.audit_log import key_folder
from app.database import METADATA, alembic_config, make_engine, session_scope
from app.evidence_store import store_of
from app.operation.backup import EVIDENCE, KEYS
from app.operation.copying import DATABASE_FILES, copy_checked, find_program, run_program
from app.operation.manifest import Manifest, read_backup
from app.settings import Settings
from governance.access import Actor
from governance.audit.keys import KeyFolder
from governance.audit.models import Action
from governance.audit.self_check import check_database
from governance.audit.service import Change, record
from governance.audit.verification import Claim, Verdict
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.tenancy import EVERYTHING
from sla.evidence.store import EvidenceStore

_KEY = "log.key"


def restore_backup(settings: Settings, backup: Path) -> Manifest:
    """Put database, evidence and, where the backup has them, keys in place.

    Everything is checked before anything is written. Keys that are there already stay: the
    checkpoint beside them may know of more than the backup. `check_restored` has to follow.

    Evidence that was in a bucket isn't part of the backup: it must be in the store that the
    settings name, every file of it, to the byte. Evidence of the backup goes into that store.

    Raises BadInput where the backup is damaged or evidence is missing, Conflict where the
    installation isn't empty, is of another kind or release, or has no key; then nothing is
    changed.
    """
    manifest = read_backup(backup)
    programs = settings.postgresql_bin
    engine = _checked_target(settings, backup, manifest)
    try:
        if manifest.database == "postgresql":
            find_program("pg_restore", programs)
        with (
            _evidence_in_place(settings, backup, manifest),
            _placed_keys(backup / KEYS, settings.key_dir),
        ):
            _place_database(engine, backup / DATABASE_FILES[manifest.database], programs)
    finally:
        engine.dispose()
    return manifest


def check_restored(settings: Settings, manifest: Manifest, now: datetime) -> Verdict:
    """Check the whole log of a restored database, against the held checkpoint and the manifest.

    Where all of it holds, an entry says that a backup was restored. Raises BadInput that names
    every problem otherwise: entries that were signed and are not there, above all.
    """
    engine = make_engine(settings)
    try:
        verdict = check_log(engine, key_folder(settings))
        problems = [*verdict.problems, *_other_point(verdict, manifest)]
        if problems:
            raise BadInput(problems)
        with session_scope(engine, sees=EVERYTHING) as session:
            what = Change(Action.BACKUP_RESTORED, "installation", "", manifest.made_at)
            record(session, Actor(None, "command line", now), what)
    finally:
        engine.dispose()
    return verdict


def check_log(engine: Engine, keys: KeyFolder) -> Verdict:
    """Check the log and every row it speaks of, against the checkpoint held beside the key."""
    log, held = keys.signer().verifier, keys.held()
    claims = [Claim("the last checkpoint beside the key", held)] if held else []
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return check_database(session, log, METADATA, claims)


def _other_point(verdict: Verdict, manifest: Manifest) -> Iterator[Problem]:
    if (verdict.size, verdict.root.hex()) != (manifest.audit.size, manifest.audit.root):
        what = "size and root of the restored log are not those of the backup's manifest"
        yield Problem(what, found=str(verdict.size), allowed=str(manifest.audit.size))


def _checked_target(settings: Settings, backup: Path, manifest: Manifest) -> Engine:
    """The engine of an installation that can take the backup; Conflict where it can't."""
    _check_key(settings, backup, manifest)
    newest = " ".join(ScriptDirectory.from_config(alembic_config()).get_heads())
    if manifest.schema != newest:
        raise Conflict(
            f"the backup has schema {manifest.schema}, this release {newest}: restore it with"
            f" release {manifest.release}, then upgrade"
        )
    evidence = settings.evidence_dir
    stays = settings.evidence_in_bucket or manifest.evidence_store
    if not stays and evidence.exists() and any(evidence.iterdir()):
        raise Conflict(f"{evidence} is not empty: restore into a new installation")
    engine = make_engine(settings)
    if engine.dialect.name != manifest.database:
        raise Conflict(f"the backup is of {manifest.database}, this is {engine.dialect.name}")
    if _holds_something(engine):
        engine.dispose()
        raise Conflict("the database is not empty: restore into a new installation")
    return engine


def _check_key(settings: Settings, backup: Path, manifest: Manifest) -> None:
    """Without the log's own key nothing could be checked, and a new one must not be drawn."""
    here, there = settings.key_dir / _KEY, backup / KEYS / _KEY
    if not here.exists() and not there.exists():
        raise Conflict(
            f"the audit log's key is not in {settings.key_dir}: bring the key folder back first,"
            " it is not part of this backup"
        )
    if manifest.with_keys and here.exists() and here.read_bytes() != there.read_bytes():
        raise Conflict(f"{settings.key_dir} holds another log's key than the backup")


def _holds_something(engine: Engine) -> bool:
    """Whether there is any table; a file that isn't there yet is not made by asking."""
    file = engine.url.database or ""
    if engine.dialect.name == "sqlite" and not Path(file).exists():
        # SQLite would replay such a remainder of a lost database into the restored one.
        return any(Path(f"{file}-{end}").exists() for end in ("wal", "shm", "journal"))
    return bool(inspect(engine).get_table_names())


def _evidence_in_place(
    settings: Settings, backup: Path, manifest: Manifest
) -> AbstractContextManager[None]:
    """The evidence in the installation's store, all of it checked."""
    if manifest.evidence_store:
        _require_evidence(store_of(settings), manifest)
        return nullcontext()
    if settings.evidence_in_bucket:
        store = store_of(settings)
        for file in sorted((backup / EVIDENCE).iterdir()):
            store.put_file(file)
        return nullcontext()
    return _placed_evidence(backup / EVIDENCE, settings.evidence_dir)


def _require_evidence(store: EvidenceStore, manifest: Manifest) -> None:
    problems = []
    for sha256 in manifest.evidence:
        try:
            store.local(sha256)
        except (NotFound, Conflict) as error:
            allowed = f"what {manifest.evidence_store} held when the backup was made"
            problems.append(Problem(str(error), file=store.address, allowed=allowed))
    if problems:
        raise BadInput(problems)


@contextmanager
def _placed_evidence(source: Path, target: Path) -> Iterator[None]:
    """The evidence in its place; gone again where what follows fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    draft.mkdir()
    try:
        for file in sorted(source.iterdir()):
            copy_checked(file, draft / file.name, file.name)
            (draft / file.name).chmod(0o444)
        if target.exists():
            target.rmdir()
        draft.rename(target)
        yield
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        raise


def _place_database(engine: Engine, source: Path, programs: Path | None) -> None:
    if engine.dialect.name == "postgresql":
        restore = find_program("pg_restore", programs)
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        run_program(restore, [*options, str(source)], engine.url)
        return
    target = Path(engine.url.database or "")
    engine.dispose()
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        copy_checked(source, draft, target.name)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _placed_keys(source: Path, target: Path) -> Iterator[None]:
    """The backup's keys, where it has any and they are not there; gone where the rest fails."""
    placed: list[Path] = []
    try:
        for file in sorted(source.iterdir()) if source.is_dir() else ():
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (target / file.name).exists():
                placed.append(target / file.name)
                copy_checked(file, placed[-1], file.name)
        yield
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
