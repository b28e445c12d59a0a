"""Tries mutants: runs the tests that reach the changed function until one of them fails.

It is run as a program, in `mutants/`, with the names of the mutants on its standard input. The
tests are collected once. Each is run once without a change, to learn which functions it reaches
and how long it takes; then every mutant gets a forked process of its own, which calls the tests'
functions themselves, the quickest first. Collecting anew for each mutant would take hours.

The answer is a JSON object on standard output: exit codes by mutant, as mutmut knows them.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, settings
from mutmut.mutation import trampoline

SURVIVED, KILLED, UNREACHED, TIMED_OUT = 0, 1, 33, 36
_MEMORY = 6 << 30
_LEAST_SECONDS, _TIMES_AS_LONG = 6, 30
"""How long a test may take: a change can make a loop that never ends."""
_CHOSEN = "MUTANT_UNDER_TEST"


@dataclass(frozen=True, slots=True)
class Tried:
    """A test, and how long it takes without a change."""

    seconds: float
    call: Callable[[], Any]

    @property
    def limit(self) -> int:
        """Seconds after which it counts as one that never ends."""
        return int(_LEAST_SECONDS + _TIMES_AS_LONG * self.seconds)


class Trying:
    """A plugin that takes the place of the usual run of the collected tests."""

    def __init__(self, names: list[str], processes: int) -> None:
        self.codes: dict[str, int] = {}
        self._names, self._processes = names, processes

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learn what each test reaches, then try every mutant."""
        reaching = _reaching([_called(item) for item in session.items])
        running: dict[int, str] = {}
        for number, name in enumerate(self._names, start=1):
            tests = reaching.get(name.rpartition("__mutmut_")[0])
            if tests is None:
                self.codes[name] = UNREACHED
                continue
            if len(running) == self._processes:
                self._wait(running)
            running[_forked(name, tests)] = name
            if number % 500 == 0:
                sys.stderr.write(f"{number} of {len(self._names)} mutants\n")
        while running:
            self._wait(running)
        return True

    def _wait(self, running: dict[int, str]) -> None:
        process, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        self.codes[running.pop(process)] = code if code >= 0 else TIMED_OUT


def _called(item: pytest.Item) -> Callable[[], Any]:
    """The test's function with its parameters; a test that wants a fixture can't be tried."""
    assert isinstance(item, pytest.Function)
    parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    wanted = set(item._fixtureinfo.argnames) - parameters.keys()
    if wanted:
        raise SystemExit(f"{item.nodeid} wants {', '.join(wanted)}; take it out of tool.mutmut")
    return lambda: item.obj(**parameters)


def _reaching(calls: Iterable[Callable[[], Any]]) -> dict[str, list[Tried]]:
    """The tests that reach each function, the quickest first."""
    found: dict[str, list[Tried]] = defaultdict(list)
    for call in calls:
        os.environ[_CHOSEN] = "stats"
        began = time.process_time()
        with patch.object(trampoline, "record_trampoline_hit") as reached:
            call()
        tried = Tried(time.process_time() - began, call)
        for name in {one.args[0] for one in reached.call_args_list}:
            found[name].append(tried)
    os.environ[_CHOSEN] = ""
    return {name: sorted(tests, key=lambda one: one.seconds) for name, tests in found.items()}


def _forked(name: str, tests: list[Tried]) -> int:
    """The process that tries one mutant; its exit code is the result."""
    process = os.fork()
    if process:
        return process
    os.environ[_CHOSEN] = name
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(_result(tests))


def _result(tests: list[Tried]) -> int:
    for test in tests:
        signal.alarm(test.limit)
        try:
            test.call()
        except BaseException:  # noqa: BLE001 (whatever is raised, the change was noticed)
            return KILLED
    return SURVIVED


def main() -> None:
    """Try the mutants named on standard input and print their exit codes."""
    sys.path[0] = str(Path.cwd())
    sys.dont_write_bytecode = True
    profile = settings(
        max_examples=60,
        phases=[Phase.explicit, Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
    )
    settings.register_profile("mutants", profile)
    settings.load_profile("mutants")
    plugin = Trying(sys.stdin.read().split(), int(sys.argv[1]))
    quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain"]
    code = pytest.main([*quiet, "-o", "addopts=", *sys.argv[2:]], plugins=[plugin])
    if code:
        raise SystemExit(f"the tests could not be run without a change ({code})")
    json.dump(plugin.codes, sys.stdout)


if __name__ == "__main__":
    main()
