"""Run the sequencer: once, or beside the web application."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread

from sqlalchemy import Engine

from app.database import session_scope
from app.settings import Settings
from governance.audit.checkpoints import Checkpoint
from governance.audit.keys import KeyFolder
from governance.audit.sequencing import checkpoint_of, sequence_pending

_LOG = logging.getLogger("plumbline.audit")
_EVERY_SECONDS = 1.0


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
    with session_scope(engine) as session:
        held = keys.held()
        checkpoint = sequence_pending(session, keys.signer(), datetime.now(UTC), held)
        note = checkpoint_of(session, checkpoint.size).note if checkpoint else ""
    if checkpoint is not None:
        keys.hold(note, checkpoint)
    return checkpoint


@contextmanager
def sequencer(engine: Engine, keys: KeyFolder) -> Iterator[None]:
    """Sequence about once a second in a thread of its own, and once more at the end."""
    stop = Event()
    thread = Thread(target=_run, args=(engine, keys, stop), name="audit-sequencer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _run(engine: Engine, keys: KeyFolder, stop: Event) -> None:
    stopping = False
    while not stopping:
        stopping = stop.wait(_EVERY_SECONDS)
        try:
            sequence(engine, keys)
        except Exception:  # noqa: BLE001 (the thread must outlive any failure)
            # The application goes on without checkpoints; who runs it must learn of it.
            _LOG.exception("the audit log could not be sequenced")
