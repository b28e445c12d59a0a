"""A pool that has no processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from app.process_pool import ProcessPool


class InProcess(ProcessPool):
    """Calculates where it is called."""

    def each(
        self,
        work: Callable[[Any], Any],
        given: Sequence[Any],
        beat: Callable[[], None],  # noqa: ARG002 (a pool's signature)
        every: float,  # noqa: ARG002
    ) -> list[Any]:
        """The answers in order."""
        return [work(one) for one in given]
