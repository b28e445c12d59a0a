"""Kill, stop and cut off workers of runs; then everything must add up.

Each function answers with what is wrong, in words, and is called in a `conductor`.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

import pysqlite3
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from app.database import session_scope
from governance.runs.models import Run
from governance.runs.values import RunStatus
from governance.tenancy import EVERYTHING
from tests.kills.processes import (
    LEASE,
    finish,
    fork,
    replace_commit,
    work_on,
    work_once,
    worker_on,
)
from tests.kills.scenes import SCENES, what_is_wrong
from tests.kills.shelves import Shelf, quick_engine

_WORKERS = 3
_LONGEST_ROUND = 60.0
"""Seconds after which a round of random kills is given up as standing still."""
_MOST_A_ROUND = 20
"""Kills of one round."""
_HOLDER_SHARE = 0.8
_CUT_SHARE = 0.4
"""Of the commits."""


@dataclass(slots=True)
class Found:
    """What was done, and what is wrong after it."""

    kills: int = 0
    stops: int = 0
    cuts: int = 0
    rounds: int = 0
    boundaries: int = 0
    wrong: list[str] = field(default_factory=list)


def boundaries_of(scene: str, shelf: Shelf, folder: Path) -> int:
    """How many statements and commits a worker has that nobody disturbs.

    This process works on one copy before: those that are forked from it then find compiled what it
    has compiled, and remembered what takes long to compute.
    """
    counted = folder / f"{shelf.name} boundaries"
    with shelf.copied() as address:
        finish(SCENES[scene], quick_engine(address), folder)
    with shelf.copied() as address:
        fork(work_once, scene, address, folder, None, counted).join(_LONGEST_ROUND)
    return int(counted.read_text("ascii"))


def kill_at_boundaries(scene: str, shelf: Shelf, folder: Path, first: int, every: int) -> Found:
    """Kill a worker at each so many of its statements and commits; another one goes on."""
    found = Found(boundaries=boundaries_of(scene, shelf, folder))
    for at in range(first, found.boundaries + 1, every):
        with shelf.copied() as address:
            process = fork(work_once, scene, address, folder, at)
            process.join(_LONGEST_ROUND)
            found.kills += process.exitcode == -SIGKILL
            found.wrong += [f"boundary {at}: {one}" for one in _ended(scene, address, folder)]
    return found


def _ended(scene: str, address: str, folder: Path) -> list[str]:
    engine = quick_engine(address)
    finish(SCENES[scene], engine, folder)
    with tempfile.TemporaryDirectory() as keys:
        found = what_is_wrong(SCENES[scene], engine, Path(keys))
    engine.dispose()
    return found


def kill_at_random(scene: str, shelf: Shelf, folder: Path, kills: int, seed: int) -> Found:
    """Keep workers running and kill one or stop it beyond its lease, round after round."""
    found = Found()
    chance = random.Random(seed)  # noqa: S311 (when to kill is no secret)
    while found.kills < kills:
        found.rounds += 1
        with shelf.copied() as address:
            _Round(scene, address, folder, chance, found, kills).play()
            found.wrong += [
                f"round {found.rounds}: {one}" for one in _ended(scene, address, folder)
            ]
    return found


class _Round:
    """Workers on one copy, until its runs have ended."""

    def __init__(
        self,
        scene: str,
        address: str,
        folder: Path,
        chance: random.Random,
        found: Found,
        enough: int,
    ) -> None:
        self._given = (scene, address, folder)
        self._chance, self._found = chance, found
        self._enough = min(enough, found.kills + _MOST_A_ROUND)
        """Kills after which the round is left to end by itself."""
        self._running = [fork(work_on, *self._given) for _ in range(_WORKERS)]
        self._asleep: dict[int, float] = {}
        """By process, when it is woken."""

    def play(self) -> None:
        engine = quick_engine(self._given[1])
        until = time.monotonic() + _LONGEST_ROUND
        try:
            while _any_open(engine) and time.monotonic() < until:
                time.sleep(self._chance.uniform(0.02, 0.4))
                self._wake()
                if self._found.kills < self._enough:
                    self._disturb(self._victim(engine))
            self._wake(everybody=True)
        finally:
            for process in self._running:
                process.kill()
                process.join()
            engine.dispose()

    def _victim(self, engine: Engine) -> int:
        """Mostly a worker that holds a run: killing one that waits shows little."""
        owners = _owners(engine) if self._chance.random() < _HOLDER_SHARE else set()
        holding = [at for at, one in enumerate(self._running) if one.pid in owners]
        return self._chance.choice(holding or range(_WORKERS))

    def _disturb(self, at: int) -> None:
        process = self._running[at]
        assert process.pid is not None
        if process.pid in self._asleep:
            return
        if self._chance.random() < 0.15 and len(self._asleep) < _WORKERS - 1:
            os.kill(process.pid, SIGSTOP)
            beyond = LEASE.total_seconds() * self._chance.uniform(1.1, 1.6)
            self._asleep[process.pid] = time.monotonic() + beyond
            self._found.stops += 1
            return
        process.kill()
        process.join()
        self._found.kills += 1
        self._running[at] = fork(work_on, *self._given)

    def _wake(self, *, everybody: bool = False) -> None:
        now = time.monotonic()
        for pid, due in list(self._asleep.items()):
            if everybody or due < now:
                os.kill(pid, SIGCONT)
                del self._asleep[pid]


def _any_open(engine: Engine) -> bool:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        open_ones = [one for one in RunStatus if one.open]
        query = select(col(Run.id)).where(col(Run.status).in_(open_ones)).limit(1)
        return session.scalars(query).first() is not None


def _owners(engine: Engine) -> set[int]:
    """The processes that hold runs, by the names of their workers."""
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        names = session.scalars(select(col(Run.owner)).where(col(Run.owner).is_not(None)))
        return {int((name or "").split()[-2]) for name in names}


def cut_at_commits(scene: str, shelf: Shelf, folder: Path, cuts: int, seed: int) -> Found:
    """Lose the connection during commits: before they reach the database, or before its answer."""
    found = Found()
    chance = random.Random(seed)  # noqa: S311 (when to cut is no secret)
    while found.cuts < cuts:
        found.rounds += 1
        with shelf.copied() as address:
            engine = quick_engine(address)
            scissors = _Scissors(engine, chance, found)
            worker = worker_on(SCENES[scene], engine, folder)
            while _goes_on(worker.work_waiting):
                pass
            scissors.put_away()
            engine.dispose()
            found.wrong += [
                f"round {found.rounds}: {one}" for one in _ended(scene, address, folder)
            ]
    return found


def _goes_on(work: Callable[[], bool]) -> bool:
    try:
        return work()
    except DBAPIError:
        return True


class _Scissors:
    """Cuts connections of an engine at some of its commits."""

    def __init__(self, engine: Engine, chance: random.Random, found: Found) -> None:
        self._engine, self._chance, self._found = engine, chance, found
        self._commit = engine.dialect.do_commit
        replace_commit(engine, self._cut)

    def put_away(self) -> None:
        """Cut nothing from now on."""
        replace_commit(self._engine, self._commit)

    def _cut(self, connection: Any) -> None:
        if self._chance.random() > _CUT_SHARE:
            self._commit(connection)
            return
        self._found.cuts += 1
        before = self._chance.random() < 0.5
        if self._engine.dialect.name == "postgresql":
            self._cut_socket(connection, before=before)
        else:
            self._fail(connection, before=before)

    def _cut_socket(self, connection: Any, *, before: bool) -> None:
        """The server gets no COMMIT, or it gets it and its answer finds nobody."""
        if not before:
            connection.pgconn.send_query(b"COMMIT")
        connection.pgconn.finish()
        self._commit(connection)

    def _fail(self, connection: Any, *, before: bool) -> None:
        if not before:
            self._commit(connection)
        raise pysqlite3.OperationalError("disk I/O error")
