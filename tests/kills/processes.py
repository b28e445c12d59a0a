"""Workers in processes of their own, which are killed and stopped from outside or at a boundary.

They are forked from a process that has imported, configured and compiled what they need and runs
no threads: starting everything anew would take longer than what is killed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select

from app.database import session_scope
from app.running import Worker, run_worker
from governance.access import Actor
from governance.runs.models import Run
from governance.runs.service import retry_items
from governance.tenancy import EVERYTHING
from tests.governance.runs.pools import InProcess
from tests.kills.scenes import SCENES, Scene
from tests.kills.shelves import close_connections, quick_engine

LEASE = timedelta(seconds=1)
_LATER = timedelta(hours=1)
"""Every lease is over by then."""


def replace_commit(engine: Engine, commit: Callable[[Any], None]) -> None:
    """Have the engine commit like this: no event of the library comes within or after it."""
    vars(engine.dialect)["do_commit"] = commit


class Boundaries:
    """Counts the statements and commits of an engine, and ends the process at one of them."""

    def __init__(self, engine: Engine, kill_at: int | None) -> None:
        self.count, self._kill_at = 0, kill_at
        event.listen(engine, "before_cursor_execute", lambda *_: self._reach())
        self._around_commits(engine)

    def _around_commits(self, engine: Engine) -> None:
        commit = engine.dialect.do_commit

        def counted(connection: Any) -> None:
            self._reach()
            commit(connection)
            self._reach()

        replace_commit(engine, counted)

    def _reach(self) -> None:
        self.count += 1
        if self.count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def worker_on(scene: Scene, engine: Engine, folder: Path, *, later: bool = False) -> Worker:
    """A worker of a scene; a later one finds every lease over."""

    def now() -> datetime:
        return datetime.now(UTC) + (_LATER if later else timedelta())

    return Worker(engine, scene.kinds(folder), InProcess(), now=now, lease=LEASE, rest=0.02)


def finish(scene: Scene, engine: Engine, folder: Path) -> None:
    """Have everything worked on that waits, and once more what was set aside."""
    worker = worker_on(scene, engine, folder, later=True)
    while worker.work_waiting():
        pass
    with session_scope(engine, sees=EVERYTHING) as session:
        for run in session.scalars(select(Run)):
            if run.set_aside:
                actor = Actor(run.started_by_id, "test", datetime.now(UTC))
                retry_items(session, actor, run)
    while worker.work_waiting():
        pass


@contextmanager
def conductor() -> Iterator[Executor]:
    """A process to kill from; what is given to it may be called again and again."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.kills.killing"])
    with ProcessPoolExecutor(1, context) as made:
        yield made


def fork(task: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A process like this one that works on the task, without its connections."""
    close_connections()
    process = get_context("fork").Process(target=task, args=arguments, daemon=True)
    process.start()
    return process


def work_once(
    scene: str, address: str, folder: Path, kill_at: int | None, counted: Path | None = None
) -> None:
    """Work on all that waits, killed at a boundary; the number of boundaries goes into a file."""
    engine = quick_engine(address)
    boundaries = Boundaries(engine, kill_at)
    worker = worker_on(SCENES[scene], engine, folder)
    while worker.work_waiting():
        pass
    if counted is not None:
        counted.write_text(str(boundaries.count), "ascii")


def work_on(scene: str, address: str, folder: Path) -> None:
    """Work on whatever waits until killed."""
    run_worker(worker_on(SCENES[scene], quick_engine(address), folder))
