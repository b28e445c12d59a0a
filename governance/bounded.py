"""Work on what strangers hand in, done by a process of its own with limits on time and memory.

A file that makes a parser loop, crash or fill the memory costs its own process and nothing else.
The process gets what it needs as JSON, answers with JSON, and has no secrets in its environment.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter

from governance.errors import BadInput, Problem

Given = TypeVar("Given")
Result = TypeVar("Result")
_LOG = logging.getLogger("plumbline.bounded")
_ROOM = BoundedSemaphore(2)
"""How many workers of one server work at a time, so that their memory adds up to twice the bound;
others wait their turn."""
_LOOK_SECONDS = 1.0
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH")
"""All that a worker sees of the environment; the settings hold secrets."""
_LOGGED_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one piece of work may use."""

    seconds: int = 300
    """From start to end, waiting included."""
    memory_mb: int = 2048
    """Beyond what the program itself takes."""
    file_mb: int = 8192
    """Size of the largest file that it may write, temporary ones too."""


class Overran(BadInput):
    """The work needed more time or memory than it may have."""


class Unwanted(BadInput):
    """Nobody waits for the work any more."""


class Crashed(BadInput):
    """The work's process ended without an answer; the log says how."""


def run_bounded(
    work: Callable[[Given], Result],
    given: Given,
    bounds: Bounds,
    name: str = "",
    unwanted: Callable[[], bool] | None = None,
) -> Result:
    """Call `work` with `given` in a process of its own, which is ended when it oversteps.

    `work` is a function of a module, annotated, from one dataclass to another; its temporary files
    are removed whatever happens. `name` is what messages call the thing that is worked on;
    `unwanted` is asked every second whether to end the work.

    Raises what `work` raises as BadInput, Overran beyond a limit, Unwanted where it was ended,
    Crashed where the process ends otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        request = _request(work, given, bounds, Path(folder))
        said, status = _answer(work.__module__, request, bounds, name, unwanted or _never)
    if status != 0:
        raise _ended(said.decode(errors="replace"), status, bounds, name)
    answer = json.loads(said)
    if "problems" in answer:
        raise BadInput(Problem(**problem) for problem in answer["problems"])
    if "too_large" in answer:
        raise _too_large(bounds, name)
    if "failed" in answer:
        raise _ended(answer["failed"], status, bounds, name)
    adapter: TypeAdapter[Result] = TypeAdapter(get_type_hints(work)["return"])
    return adapter.validate_json(answer["result"])


def _never() -> bool:
    return False


def _answer(
    module: str, request: bytes, bounds: Bounds, name: str, unwanted: Callable[[], bool]
) -> tuple[bytes, int]:
    """What the worker wrote, or its last words where it ended by itself, and its exit status."""
    if not _ROOM.acquire(timeout=bounds.seconds):
        raise _too_slow(bounds, name)
    try:
        return _worked(module, request, bounds, name, unwanted)
    finally:
        _ROOM.release()


def _worked(
    module: str, request: bytes, bounds: Bounds, name: str, unwanted: Callable[[], bool]
) -> tuple[bytes, int]:
    process = _SPARES.take(module)
    try:
        said, complaint = _communicated(process, request, bounds.seconds, unwanted)
    except subprocess.TimeoutExpired:
        _end(process)
        raise _too_slow(bounds, name) from None
    except BaseException:
        _end(process)
        raise
    _SPARES.put(module)
    return said if process.returncode == 0 else complaint[-_LOGGED_CHARACTERS:], process.returncode


def _communicated(
    process: subprocess.Popen[bytes], request: bytes, seconds: int, unwanted: Callable[[], bool]
) -> tuple[bytes, bytes]:
    """Output and errors; raises TimeoutExpired after so many seconds, Unwanted where asked to."""
    until = monotonic() + seconds
    sent: bytes | None = request
    while True:
        try:
            return process.communicate(sent, timeout=min(_LOOK_SECONDS, until - monotonic()))
        except subprocess.TimeoutExpired:
            if monotonic() >= until:
                raise
        # What was begun to be sent goes on by itself.
        sent = None
        if unwanted():
            raise Unwanted([Problem("was ended, since nobody waits for it")])


def _request(work: Callable[[Given], Any], given: Given, bounds: Bounds, folder: Path) -> bytes:
    adapter: TypeAdapter[Given] = TypeAdapter(_parameter_type(work))
    return json.dumps(
        {
            "module": work.__module__,
            "function": work.__qualname__,
            "given": adapter.dump_json(given).decode(),
            "folder": str(folder),
            "memory_mb": bounds.memory_mb,
            "file_mb": bounds.file_mb,
            "seconds": bounds.seconds,
        }
    ).encode()


def _parameter_type(work: Callable[[Given], Any]) -> type[Given]:
    hints = get_type_hints(work)
    (name,) = hints.keys() - {"return"}
    kind: type[Given] = hints[name]
    return kind


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker with all that it started, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _too_slow(bounds: Bounds, name: str) -> Overran:
    what = f"takes longer than {bounds.seconds} seconds to read, and was given up"
    return Overran([Problem(what, name, allowed=_SMALLER)])


def _too_large(bounds: Bounds, name: str) -> Overran:
    what = f"needs more than {bounds.memory_mb} MB of memory to read, and was given up"
    return Overran([Problem(what, name, allowed=_SMALLER)])


def _ended(words: str, status: int, bounds: Bounds, name: str) -> BadInput:
    """The error for a worker that gave no answer; what it said last is for the log alone."""
    if status in _OUT_OF_MEMORY or any(sign in words for sign in _MEMORY_WORDS):
        return _too_large(bounds, name)
    _LOG.error("reading %s ended with status %s: %s", name or "an upload", status, words)
    what = "can't be read: reading it failed, and nothing was stored"
    allowed = "the table saved anew, as CSV or as a workbook"
    return Crashed([Problem(what, name, allowed=allowed)])


_SMALLER = "a smaller file, or one file after another"
_OUT_OF_MEMORY = (-signal.SIGKILL,)
_MEMORY_WORDS = ("bad_alloc", "MemoryError", "Out of Memory", "Cannot allocate memory")


class _Spares:
    """Workers that have loaded their modules and wait for work, one a module."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, subprocess.Popen[bytes]] = {}
        self._owner = os.getpid()

    def take(self, module: str) -> subprocess.Popen[bytes]:
        """A worker for functions of the module."""
        with self._lock:
            self._forget_others()
            process = self._waiting.pop(module, None)
        return process if process is not None and process.poll() is None else _start(module)

    def put(self, module: str) -> None:
        """Start the next worker, so that it has loaded everything when it is asked."""
        with self._lock:
            if module not in self._waiting:
                self._waiting[module] = _start(module)

    def end(self) -> None:
        """End all that wait."""
        with self._lock:
            self._forget_others()
            while self._waiting:
                _end(self._waiting.popitem()[1])

    def _forget_others(self) -> None:
        """A process that was split off its parent has no right to the parent's workers."""
        if self._owner != os.getpid():
            self._waiting, self._owner = {}, os.getpid()


_SPARES = _Spares()
atexit.register(_SPARES.end)


def _start(module: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (this interpreter, its arguments never pass a shell)
        [sys.executable, "-m", "governance.bounded_worker", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    )


def _environment() -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # Arenas of the C library are address space that is set aside and never used.
    return kept | {"MALLOC_ARENA_MAX": "2", "PYTHONSAFEPATH": "1"}
