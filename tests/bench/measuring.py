"""Times and memory of a piece of work, in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One line of the table that stands first: a job beside its reference, in seconds."""

    what: str
    beside: str
    reference: float
    seconds: float
    mebibytes: int

    @property
    def row(self) -> str:
        """As a row of a Markdown table."""
        ratio = self.seconds / self.reference
        return (
            f"| {self.what} | {self.seconds:.2f} | {self.beside} | {self.reference:.2f} |"
            f" {ratio:.1f} | {self.mebibytes} |"
        )


def seconds(work: Callable[[], object]) -> float:
    """How long one run takes."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def best_seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest of several runs, in seconds: the one that was disturbed least."""
    return min(seconds(work) for _ in range(rounds))


def side_by_side(
    first: Callable[[], object], second: Callable[[], object], rounds: int = ROUNDS
) -> tuple[float, float]:
    """The shortest run of each, taken in turn, so that both meet the same machine."""
    pairs = [(seconds(first), seconds(second)) for _ in range(rounds)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def _with_memory(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, int]:
    answer = work(*arguments)
    return answer, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def in_own_process(work: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    """The answer of `work`, and the most memory that its process took, in MiB.

    What `work` raises is raised here, and BrokenProcessPool where its process is gone.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as alone:
        return alone.submit(_with_memory, work, arguments).result()
