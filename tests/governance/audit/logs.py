"""Small logs in a database, and what to check them with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine

from app.audit_log import sequence
from app.database import session_scope
from app.models import METADATA
from governance.access import Actor
from governance.audit.checkpoints import Checkpoint, open_checkpoint
from governance.audit.keys import KeyFolder
from governance.audit.models import Action, AuditCheckpoint
from governance.audit.self_check import check_database
from governance.audit.sequencing import checkpoint_of
from governance.audit.service import Change, record
from governance.audit.verification import Claim, Verdict
from governance.tenancy import EVERYTHING
from tests.factories import NOW

ORIGIN = "log.example.org/plumbline"
ACTOR = Actor(None, "command line", NOW, "request-1")


def keys_in(folder: Path) -> KeyFolder:
    """The key files of a test's log."""
    return KeyFolder(folder / "keys", ORIGIN)


def add_entries(engine: Engine, count: int, first: int = 0) -> None:
    """Entries about nothing stored; every third names a person."""
    with session_scope(engine, sees=EVERYTHING) as session:
        for number in range(first, first + count):
            kind = "user_account" if number % 3 == 0 else "engagement"
            after = {"email": f"p{number}@example.org"} if number % 3 == 0 else {"n": number}
            change = Change(Action.CONTRACT_ADDED, kind, number, f"S{number}", after=after)
            record(session, ACTOR, change)


def make_log(engine: Engine, folder: Path, *sizes: int) -> KeyFolder:
    """A log whose checkpoints have these sizes."""
    keys, size = keys_in(folder), 0
    for target in sizes:
        add_entries(engine, target - size, size)
        sequence(engine, keys)
        size = target
    return keys


def check(engine: Engine, keys: KeyFolder, held: Iterable[Claim] = ()) -> Verdict:
    """What the check of the database says."""
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return check_database(session, keys.signer().verifier, METADATA, held)


def complaints(verdict: Verdict) -> list[str]:
    """Its problems as lines."""
    return [str(problem) for problem in verdict.problems]


def stored_checkpoint(engine: Engine, size: int | None = None) -> AuditCheckpoint:
    """A row of a checkpoint, by default the latest."""
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return checkpoint_of(session, size)


def checkpoint(engine: Engine, keys: KeyFolder, size: int | None = None) -> Checkpoint:
    """A checkpoint that was signed."""
    return open_checkpoint(stored_checkpoint(engine, size).note, keys.signer().verifier)
