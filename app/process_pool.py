"""Calculations in processes of their own, several at a time, with bounded memory.

Processes come from a fork server, so threads of this one are not copied, and end after so many
calls, as libraries that draw pages keep memory. One that is ended from outside costs its own call.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from threading import Lock
from typing import Any, Final

from governance.errors import BadInput, Problem

_CALLS_A_PROCESS: Final = 50
_ENDED: Final = Problem(
    "the process that worked on this was ended", allowed="try again; the server's log says more"
)


@dataclass(slots=True)
class ProcessPool:
    """Calls functions of modules in a fixed number of processes."""

    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    preload: Sequence[str] = ()
    """Modules that the fork server imports once for all."""
    _executor: ProcessPoolExecutor | None = None
    _lock: Lock = field(default_factory=Lock)
    """Several workers use one pool, each in a thread of its own."""

    def each(
        self,
        work: Callable[[Any], Any],
        given: Sequence[Any],
        beat: Callable[[], None],
        every: float,
    ) -> list[Any]:
        """The answers in order, or in place of one the exception that the call raised.

        `beat` is called every so many seconds while they are awaited; what it raises ends the
        waiting. Calls whose process was ended are made once more, one by one.
        """
        found = self._all(work, given, beat, every)
        if any(isinstance(one, BrokenProcessPool) for one in found):
            found = [
                self._alone(work, what, beat, every) if isinstance(one, BrokenProcessPool) else one
                for what, one in zip(given, found, strict=True)
            ]
        return found

    def close(self) -> None:
        """End the processes; what they work on is given up."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    def _give_up(self, broken: ProcessPoolExecutor) -> None:
        """End these processes alone: another thread may have started new ones meanwhile."""
        with self._lock:
            if self._executor is broken:
                self._executor = None
        broken.shutdown(wait=False, cancel_futures=True)

    def _alone(
        self, work: Callable[[Any], Any], what: Any, beat: Callable[[], None], every: float
    ) -> Any:
        (found,) = self._all(work, [what], beat, every)
        return BadInput.one(_ENDED) if isinstance(found, BrokenProcessPool) else found

    def _all(
        self,
        work: Callable[[Any], Any],
        given: Sequence[Any],
        beat: Callable[[], None],
        every: float,
    ) -> list[Any]:
        futures: list[Future[Any]] = []
        executor = self._ready()
        try:
            with suppress(BrokenProcessPool):
                futures.extend(executor.submit(work, what) for what in given)
            while wait(futures, timeout=every).not_done:
                beat()
        finally:
            for one in futures:
                one.cancel()
        found = [one.exception() or one.result() for one in futures]
        found += [BrokenProcessPool()] * (len(given) - len(found))
        if any(isinstance(one, BrokenProcessPool) for one in found):
            self._give_up(executor)
        return found

    def _ready(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None:
                context = get_context("forkserver")
                context.set_forkserver_preload(list(self.preload))
                self._executor = ProcessPoolExecutor(
                    self.processes, mp_context=context, max_tasks_per_child=_CALLS_A_PROCESS
                )
            return self._executor
