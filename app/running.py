"""Workers of runs: threads beside the pages, and processes of their own (`plumbline worker`).

A worker takes a run up for a while and works on it chunk by chunk. What a chunk needs is read and
calculated before, in transactions that only read, and however long that takes: a thread extends
the lease meanwhile, so that only a worker that is stopped loses its run. Then one transaction
checks under the lock of the run's row that the worker still holds it, does the work of each item
in a savepoint of its own, moves the cursor and extends the lease. Whatever ends a worker, and
wherever, another one goes on at the cursor.
"""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from os import getpid
from threading import Event, Thread
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlmodel import Session

from app.database import actor_scope, is_locked, session_scope
from app.heartbeat import Wait, beating
from app.process_pool import ProcessPool
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.engagements.queries import bind_to_actor
from governance.errors import Busy, PlumblineError
from governance.runs.kinds import RunKind, Step
from governance.runs.queries import handled
from governance.runs.values import ItemState, Outcome, Result, Task
from governance.runs.working import (
    Held,
    any_free,
    claim,
    extend,
    held_run,
    lock_engagements,
    release,
    tasks_ahead,
    write_down,
)
from governance.tenancy import EVERYTHING, narrow, seeing

_LOG = logging.getLogger("plumbline.running")
_EVERY_SECONDS: Final = 1.0
_LEASE: Final = timedelta(seconds=60)
_CHUNK_SECONDS: Final = 1.0
"""After so long a transaction takes no further item: others wait for what it holds locked."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_UNFORESEEN: Final = (
    "it failed for a reason that the server's log says; ask whoever runs the server"
)


class Lost(Exception):
    """The worker doesn't hold the run any more: another one does, or it was paused or cancelled."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing could be prepared for an item."""

    why: str


Ready: TypeAlias = Any
"""What a step has prepared, a Result that ends the item without work, or a Refused."""


def _now() -> datetime:
    return datetime.now(UTC)


def _name() -> str:
    """A name that no other worker has, on this machine or another."""
    return f"{socket.gethostname()} {getpid()} {secrets.token_hex(4)}"


@dataclass(slots=True)
class Worker:
    """Works on one run at a time."""

    engine: Engine
    kinds: Mapping[str, RunKind]
    pool: ProcessPool
    now: Callable[[], datetime] = _now
    lease: timedelta = _LEASE
    stop: Event = field(default_factory=Event)
    """Once it is set, the run at work is left to others after its chunk."""
    name: str = field(default_factory=_name)
    rest: float = _EVERY_SECONDS
    """Seconds until it looks again where nothing waits."""
    wait: Wait = Event.wait
    """How it waits until it extends the lease again."""
    _kept_at: datetime = _NEVER
    """When it last did."""

    def work_waiting(self) -> bool:
        """Take up the run that waits longest and work on it; False where none waits.

        It ends with the run, when it is paused or cancelled, when another worker has it, and
        when the worker is to stop. Raises DBAPIError where the database can't be reached: what
        became of the last chunk is then in the database, and whoever goes on finds it there. Raises
        Busy or OperationalError where others hold what it needs: the run then waits as before.
        """
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            if not any_free(session, list(self.kinds), self.name, self.now()):
                return False
        with session_scope(self.engine, sees=EVERYTHING) as session:
            held = claim(session, list(self.kinds), self.name, self.now(), self.lease)
        if held is None:
            return False
        try:
            while not self.stop.is_set() and self._chunk(held):
                pass
        except (Busy, OperationalError) as error:
            if _is_busy(error):
                self._release(held)
            raise
        self._release(held)
        return True

    def _release(self, held: Held) -> None:
        with session_scope(self.engine, sees=EVERYTHING) as session:
            release(session, held)

    def _chunk(self, held: Held) -> bool:
        """Work on the next items; False where there are none, or the run is no longer held."""
        tasks = self._ahead(held)
        if not tasks:
            return False
        step = self.kinds[held.kind].steps[tasks[0].step]
        try:
            ready = self._prepared(held, step, tasks)
            while ready and not self.stop.is_set():
                for item_id in self._store(held, step, ready):
                    del ready[item_id]
        except Lost:
            return False
        return True

    def _ahead(self, held: Held) -> tuple[Task, ...]:
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            run = held_run(session, held, lock=False)
            return tasks_ahead(session, run, held.chunk) if run else ()

    # What only reads.

    def _prepared(self, held: Held, step: Step, tasks: Sequence[Task]) -> dict[int, Ready]:
        """By item, what its work needs; the run is kept meanwhile. Raises Lost."""
        found: dict[int, Ready] = {}
        self._kept_at, every = self.now(), self.lease.total_seconds() / 3
        with beating(lambda: self._keep(held), every, self.wait) as lost:
            for task in tasks:
                found[task.item_id] = self._prepare(held, step, task)
                if lost.is_set() or not self._still_held(held):
                    raise Lost
            if step.compute is not None:
                found |= self._computed(step.compute, found, lost)
        return found

    def _prepare(self, held: Held, step: Step, task: Task) -> Ready:
        actor = held.actor(self.now())
        try:
            with actor_scope(self.engine, actor, read_only=True) as session:
                engagement = self._handled(session, held, actor, task)
                return step.prepare(session, actor, engagement, task)
        except Exception as error:  # noqa: BLE001 (one broken item must not stop the others)
            return Refused(_why(error, task))

    def _computed(
        self, compute: Callable[[Any], Any], ready: Mapping[int, Ready], lost: Event
    ) -> dict[int, Ready]:
        given = {key: one for key, one in ready.items() if not isinstance(one, Refused | Result)}
        every = self.lease.total_seconds() / 3
        answers = self.pool.each(compute, list(given.values()), lambda: _raise_lost(lost), every)
        return {
            key: Refused(_why(one, None)) if isinstance(one, BaseException) else one
            for key, one in zip(given, answers, strict=True)
        }

    def _still_held(self, held: Held) -> bool:
        """Whether it is, as far as is known; looked up where no beat was for too long.

        A worker that was stopped learns from it at once.
        """
        return self.now() - self._kept_at < self.lease / 2 or self._keep(held)

    def _keep(self, held: Held) -> bool:
        """Extend the lease; False where the run is no longer held.

        What stands in the way of one beat need not stand in the way of the next one.
        """
        self._kept_at = self.now()
        try:
            with session_scope(self.engine, sees=EVERYTHING) as session:
                return extend(session, held, self._kept_at, self.lease)
        except (Busy, DBAPIError) as error:
            _LOG.warning("the lease of run %s couldn't be extended: %s", held.run_id, error)
            return True

    # What writes: one transaction.

    def _store(self, held: Held, step: Step, ready: Mapping[int, Ready]) -> tuple[int, ...]:
        """Do items' work and move the cursor, all in one transaction; which ones. Raises Lost."""
        with self.engine.begin() as connection:
            self._limit_idleness(connection)
            tasks = self._locked(connection, held, ready)
            until = time.monotonic() + _CHUNK_SECONDS
            outcomes: list[Outcome] = []
            for task in tasks:
                outcomes.append(self._work(connection, held, step, task, ready[task.item_id]))
                if time.monotonic() > until:
                    break
            self._write_down(connection, held, outcomes)
        return tuple(one.item_id for one in outcomes)

    def _limit_idleness(self, connection: Connection) -> None:
        """PostgreSQL ends the transaction of a worker that is stopped, and frees what it holds."""
        if self.engine.dialect.name == "postgresql":
            limit = round(self.lease.total_seconds() * 5_000)
            connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {limit}"))

    def _locked(
        self, connection: Connection, held: Held, ready: Mapping[int, Ready]
    ) -> tuple[Task, ...]:
        """The items at the cursor, as far as they are prepared; the run and they are locked."""
        with _part(connection, system=True) as session:
            run = held_run(session, held)
            if run is None:
                raise Lost
            ahead = tasks_ahead(session, run, held.chunk)
            tasks = tuple(one for one in ahead if one.item_id in ready)
            if not tasks or tasks != ahead[: len(tasks)]:
                raise Lost  # Somebody moved items meanwhile; what is ahead is read anew.
            lock_engagements(session, {one.engagement_id for one in tasks})
        return tasks

    def _work(
        self, connection: Connection, held: Held, step: Step, task: Task, ready: Ready
    ) -> Outcome:
        """One item in a savepoint of its own, with the rights that the run's starter has now."""
        if isinstance(ready, Refused):
            return Outcome(task.item_id, ItemState.SET_ASIDE, ready.why)
        if isinstance(ready, Result):
            return Outcome(task.item_id, ready.state, ready.text)
        actor = held.actor(self.now())
        try:
            with _part(connection) as session:
                bind_to_actor(session, actor)
                engagement = self._handled(session, held, actor, task)
                result = step.work(session, actor, engagement, task, ready)
        except Exception as error:  # noqa: BLE001 (one broken item must not stop the others)
            return Outcome(task.item_id, ItemState.SET_ASIDE, _why(error, task))
        return Outcome(task.item_id, result.state, result.text)

    def _write_down(self, connection: Connection, held: Held, outcomes: Sequence[Outcome]) -> None:
        with _part(connection, system=True) as session:
            run = held_run(session, held)
            if run is None:
                raise Lost
            write_down(session, run, outcomes, self.now(), self.lease)

    def _handled(self, session: Session, held: Held, actor: Actor, task: Task) -> Engagement:
        permission = self.kinds[held.kind].permission
        engagement = handled(session, actor, task.engagement_id, permission)
        narrow(session, engagement.id)
        return engagement


def _raise_lost(lost: Event) -> None:
    if lost.is_set():
        raise Lost


def _is_busy(error: Exception) -> bool:
    """Whether others hold what was needed: nobody is to blame, and a later try may succeed."""
    return isinstance(error, Busy) or (isinstance(error, OperationalError) and is_locked(error))


@contextmanager
def _part(connection: Connection, *, system: bool = False) -> Iterator[Session]:
    """A session for a part of the connection's transaction, which can be undone by itself.

    One of the system's own sees everything; another one has yet to say what it sees.
    """
    with (
        Session(
            connection,
            join_transaction_mode="create_savepoint",
            expire_on_commit=False,
            info=seeing(EVERYTHING) if system else None,
        ) as session,
        session.begin(),
    ):
        yield session


def _why(error: BaseException, task: Task | None) -> str:
    """What is written down of an item that failed.

    Raises the error itself where the database is to blame, not the item: the chunk is undone.
    """
    of_the_item = IntegrityError | DataError
    if isinstance(error, Busy | DBAPIError) and not isinstance(error, of_the_item):
        raise error
    if isinstance(error, PlumblineError):
        return str(error)
    _LOG.error("%s failed", task or "a calculation", exc_info=error)
    return _UNFORESEEN


@contextmanager
def workers(
    engine: Engine, kinds: Mapping[str, RunKind], pool: ProcessPool, number: int
) -> Iterator[None]:
    """So many workers in threads of their own, until the block ends.

    Each finishes its chunk first; a run that isn't done waits for the next worker.
    """
    stop = Event()
    made = [Worker(engine, kinds, pool, stop=stop) for _ in range(number)]
    threads = [Thread(target=run_worker, args=(one,), name="run worker") for one in made]
    with ExitStack() as ending:
        ending.callback(pool.close)
        for thread in threads:
            thread.start()
            ending.callback(thread.join)
        ending.callback(stop.set)
        yield


def run_worker(worker: Worker) -> None:
    """Work on what waits, until the worker is to stop."""
    while not worker.stop.is_set():
        try:
            busy = worker.work_waiting()
        except Exception as error:  # noqa: BLE001 (the thread must outlive any failure)
            # The application goes on without this worker's run; who runs it must learn of it.
            if _is_busy(error):
                _LOG.warning("a run waits for others' changes: %s", error)
            else:
                _LOG.exception("a run's worker failed")
            busy = False
        if not busy:
            worker.stop.wait(worker.rest)
