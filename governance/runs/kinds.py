"""What a kind of run must offer, so that the engine can work on it and knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.runs.values import Result, Task


class Step(Protocol):
    """What a run does to one engagement, in three parts of which only the last one writes."""

    @property
    def compute(self) -> Callable[[Any], Any] | None:
        """A function of a module that turns what `prepare` answered into what `work` takes.

        It is called in a process of its own, beside those of other items; None for nothing.
        """
        ...

    def prepare(self, session: Session, actor: Actor, engagement: Engagement, task: Task) -> Any:
        """Read and calculate what the work needs; nothing is locked, and nothing can be written.

        What it raises as PlumblineError sets the item aside. A Result ends the item without work.
        """
        ...

    def work(
        self, session: Session, actor: Actor, engagement: Engagement, task: Task, ready: Any
    ) -> Result:
        """Make the change and its audit entry, in the transaction that moves the run's cursor.

        The engagement is locked. What was prepared may have become stale meanwhile: the work
        finds that out and raises Conflict. What it raises undoes this item alone.
        """
        ...


@dataclass(frozen=True, slots=True)
class RunKind:
    """A kind of run."""

    name: str
    permission: Permission
    """What its starter must be allowed in an engagement, when it starts and while it works."""
    steps: Mapping[str, Step]
    """In their order: a run finishes one for all engagements before it begins the next."""
    chunk: int
    """Items that are prepared together, and of one transaction at most."""
