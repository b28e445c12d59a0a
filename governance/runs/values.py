"""What runs are made of, as values: states, what becomes of an item, and how long is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from governance.values import Period


class RunStatus(StrEnum):
    """Whether anybody works on a run, or may."""

    QUEUED = "queued"
    """It waits for a worker."""
    RUNNING = "running"
    """A worker holds it until its lease ends."""
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"

    @property
    def open(self) -> bool:
        """Whether it may still change something by itself, or once it is resumed."""
        return self in {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED}


class ItemState(StrEnum):
    """What became of one engagement's part of a run."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    """There was nothing to do, as its text says."""
    SET_ASIDE = "set_aside"
    """It failed, as its text says, and may be tried again."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a step answers: what it made, or why there was nothing to do."""

    text: str
    state: ItemState = ItemState.DONE


@dataclass(frozen=True, slots=True)
class Task:
    """One item of a run as its worker sees it."""

    run_id: int
    item_id: int
    engagement_id: int
    step: str
    period: Period


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item, as it is written down."""

    item_id: int
    state: ItemState
    text: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run has been since a worker last took it up."""

    since: datetime
    before: int
    """Items that were behind it then."""
    moved_at: datetime
    """When the last chunk was stored."""


def time_left(pace: Pace | None, worked: int, total: int) -> timedelta | None:
    """How long the rest takes at the pace measured; None where nothing is measured yet.

    Items that are skipped or set aside count like others.
    """
    if pace is None or worked <= pace.before:
        return None
    return (pace.moved_at - pace.since) / (worked - pace.before) * (total - worked)
