"""Run the sequencer: once, or beside the web application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.database import session_scope
from app.settings import Settings
from governance.access import Actor
from governance.audit.checkpoints import Checkpoint
from governance.audit.key_changes import record_key_change
from governance.audit.keys import KeyFolder
from governance.audit.notes import VerifierKey
from governance.audit.sequencing import checkpoint_of, latest_checkpoint, sequence_pending
from governance.errors import Conflict
from governance.tenancy import EVERYTHING

_LOG = logging.getLogger("plumbline.audit")
_EVERY_SECONDS = 1.0
Beside = Callable[[datetime], None]
"""What else is done about once a second, such as asking for timestamps."""


def key_folder(settings: Settings) -> KeyFolder:
    """Where the installation keeps the log's key."""
    return KeyFolder(settings.key_dir, settings.log_origin)


def sequence(engine: Engine, keys: KeyFolder) -> Checkpoint | None:
    """Bring every pending entry under a signed checkpoint; None where none were pending.

    Raises Conflict where the stored tree isn't the one that was signed before.
    """
    latest = None
    while (signed := _sequence_batch(engine, keys)) is not None:
        latest = signed
    return latest


def _sequence_batch(engine: Engine, keys: KeyFolder) -> Checkpoint | None:
    with session_scope(engine, sees=EVERYTHING) as session:
        _finish_key_change(session, keys)
        held = keys.held()
        checkpoint = sequence_pending(session, keys.signer(), datetime.now(UTC), held)
        note = checkpoint_of(session, checkpoint.size).note if checkpoint else ""
    if checkpoint is not None:
        keys.hold(note, checkpoint)
    return checkpoint


def _finish_key_change(session: Session, keys: KeyFolder) -> None:
    """A change of the key that was cut off after its commit is carried through."""
    latest = latest_checkpoint(session)
    if latest is not None:
        keys.adopt_successor(latest.note)


def rotate_key(engine: Engine, keys: KeyFolder, actor: Actor) -> VerifierKey:
    """Give the log a new key, with a checkpoint that the old and the new key have signed.

    The old key is destroyed. Answers the new public key. Raises Conflict where the log can't be
    sequenced, or where too many entries are pending for one checkpoint.
    """
    sequence(engine, keys)
    old, new = keys.signer(), keys.successor()
    with session_scope(engine, sees=EVERYTHING) as session:
        entry = record_key_change(session, actor, old.verifier, new.verifier)
        session.flush()
        signed = sequence_pending(session, old, actor.at, keys.held(), successor=new)
        session.refresh(entry)
        if signed is None or entry.leaf_index is None:
            raise Conflict("too many entries are pending; try again in a moment")
        note = checkpoint_of(session, signed.size).note
    keys.adopt_successor(note)
    return new.verifier


@contextmanager
def sequencer(engine: Engine, keys: KeyFolder, beside: Beside | None = None) -> Iterator[None]:
    """Sequence about once a second in a thread of its own, and once more at the end.

    `beside` is called as often in another thread, so that a slow authority delays no checkpoint.
    """
    stop = Event()
    threads = [_thread("audit-sequencer", _sequence_on, engine, keys, stop)]
    if beside is not None:
        threads.append(_thread("audit-beside", _call_on, beside, stop))
    try:
        yield
    finally:
        stop.set()
        threads[0].join()


def _thread(name: str, target: Callable[..., None], *arguments: Any) -> Thread:
    thread = Thread(target=target, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def _sequence_on(engine: Engine, keys: KeyFolder, stop: Event) -> None:
    stopping = False
    while not stopping:
        stopping = stop.wait(_EVERY_SECONDS)
        try:
            sequence(engine, keys)
        except Exception:  # noqa: BLE001 (the thread must outlive any failure)
            # The application goes on without checkpoints; who runs it must learn of it.
            _LOG.exception("the audit log could not be sequenced")


def _call_on(beside: Beside, stop: Event) -> None:
    while not stop.wait(_EVERY_SECONDS):
        try:
            beside(datetime.now(UTC))
        except Exception:  # noqa: BLE001 (the thread must outlive any failure)
            _LOG.exception("the audit log goes on without a timestamp")
