"""What workers do to a run's row: take it up, look ahead, write down a chunk, let it go.

All of it belongs to the system: the sessions see everything. What is done to engagements has
sessions of its own, which see what the run's starter sees.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.models import Action
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.runs.models import Run, RunItem
from governance.runs.queries import items_of
from governance.runs.service import note_change
from governance.runs.values import ItemState, Outcome, RunStatus, Task

CAREFUL_AFTER: Final = 2
"""Tries without any progress after which items are worked on one by one."""
MOST_TRIES: Final = 5
"""Tries without any progress after which the next item is set aside: it ends its workers."""
_ENDED_WORKERS = f"the worker ended {MOST_TRIES} times while it was at work on this"


@dataclass(frozen=True, slots=True)
class Held:
    """A run that a worker has taken up; it holds it as long as nobody raises the fence."""

    run_id: int
    fence: int
    kind: str
    chunk: int
    """Items of one transaction: one, where earlier tries came to nothing."""
    starter_id: int
    starter_name: str

    def actor(self, at: datetime) -> Actor:
        """The run's starter, whose rights the work has; the log tells the run by its request."""
        return Actor(self.starter_id, self.starter_name, at, f"run-{self.run_id}")


def _free(kinds: Collection[str], owner: str, at: datetime) -> Select[Run]:
    """The runs that wait, whose worker's lease is over, or that this very worker lost sight of."""
    given_up = or_(col(Run.lease_until) < at, col(Run.owner) == owner)
    held = and_(col(Run.status) == RunStatus.RUNNING, given_up)
    return (
        select(Run)
        .where(col(Run.kind).in_(kinds), or_(col(Run.status) == RunStatus.QUEUED, held))
        .order_by(col(Run.id))
        .limit(1)
    )


def any_free(session: Session, kinds: Collection[str], owner: str, at: datetime) -> bool:
    """Whether there is a run to take up."""
    return session.scalars(_free(kinds, owner, at)).first() is not None


def claim(
    session: Session, kinds: Collection[str], owner: str, at: datetime, lease: timedelta
) -> Held | None:
    """Take up the oldest free run and raise its fence; None where there is none.

    Workers that look at the same time take different ones: PostgreSQL passes over locked rows,
    and in SQLite writers follow one another.
    """
    free = _free(kinds, owner, at).with_for_update(skip_locked=True, of=Run)
    run = session.scalars(free.execution_options(populate_existing=True)).one_or_none()
    if run is None:
        return None
    run.status = RunStatus.RUNNING
    run.owner, run.lease_until = owner, at + lease
    run.fence += 1
    run.tries += 1
    run.paced_at, run.paced_from = at, run.worked
    session.flush()
    if run.tries > MOST_TRIES:
        _set_next_aside(session, run, at, lease)
    starter = session.get_one(User, run.started_by_id)
    chunk = 1 if run.tries > CAREFUL_AFTER else run.chunk
    return Held(run.id, run.fence, run.kind, chunk, starter.id, starter.name)


def _set_next_aside(session: Session, run: Run, at: datetime, lease: timedelta) -> None:
    ahead = tasks_ahead(session, run, 1)
    stuck = [Outcome(one.item_id, ItemState.SET_ASIDE, _ENDED_WORKERS) for one in ahead]
    write_down(session, run, stuck, at, lease)


def held_run(session: Session, held: Held, *, lock: bool = True) -> Run | None:
    """The run's row, while the worker still holds it; None once it is another's or was turned."""
    query = select(Run).where(
        col(Run.id) == held.run_id,
        col(Run.fence) == held.fence,
        col(Run.status) == RunStatus.RUNNING,
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def tasks_ahead(session: Session, run: Run, most: int) -> tuple[Task, ...]:
    """The next items after the cursor, all of the same step; none where the run is at its end."""
    found = session.scalars(
        select(RunItem)
        .where(col(RunItem.run_id) == run.id, col(RunItem.position) > run.cursor)
        .order_by(col(RunItem.position))
        .limit(most)
    )
    tasks = [one.task(run.period) for one in found]
    return tuple(one for one in tasks if one.step == tasks[0].step)


def lock_engagements(session: Session, ids: Collection[int]) -> None:
    """Keep others from changing the engagements of a chunk until it is stored.

    All at once and in their order, before any number is taken: who issues one invoice holds its
    engagement first and then the series, so nobody waits for the other way round.
    """
    session.execute(
        select(col(Engagement.id))
        .where(col(Engagement.id).in_(sorted(ids)))
        .order_by(col(Engagement.id))
        .with_for_update(key_share=True)
    )


def write_down(
    session: Session, run: Run, outcomes: Sequence[Outcome], at: datetime, lease: timedelta
) -> None:
    """What became of the next items: move the cursor behind them, count them, extend the lease.

    The run is done when nothing is left. The caller has it under its lock.
    """
    by_id = {one.item_id: one for one in outcomes}
    items = session.scalars(select(RunItem).where(col(RunItem.id).in_(by_id)))
    for item in items:
        outcome = by_id[item.id]
        item.state, item.text, item.worked_at = outcome.state, outcome.text, at
        run.cursor = max(run.cursor, item.position)
    run.done += _count(outcomes, ItemState.DONE)
    run.skipped += _count(outcomes, ItemState.SKIPPED)
    run.set_aside += _count(outcomes, ItemState.SET_ASIDE)
    run.tries, run.moved_at, run.lease_until = 0, at, at + lease
    session.flush()
    if not tasks_ahead(session, run, 1):
        _finish(session, run, at)


def _count(outcomes: Sequence[Outcome], state: ItemState) -> int:
    return sum(one.state is state for one in outcomes)


def _finish(session: Session, run: Run, at: datetime) -> None:
    run.status, run.finished_at = RunStatus.DONE, at
    run.owner = run.lease_until = None
    session.flush()
    starter = session.get_one(User, run.started_by_id)
    actor = Actor(starter.id, starter.name, at, f"run-{run.id}")
    note_change(session, actor, run, Action.RUN_FINISHED, items_of(session, run, *ItemState))


def extend(session: Session, held: Held, at: datetime, lease: timedelta) -> bool:
    """Keep the run for longer; False where it is no longer held."""
    run = held_run(session, held)
    if run is not None:
        run.lease_until = at + lease
        session.flush()
    return run is not None


def release(session: Session, held: Held) -> None:
    """Let another worker take the run up at once; nothing where it is no longer held.

    That it was taken up isn't counted: who lets go wasn't ended by it.
    """
    run = held_run(session, held)
    if run is None:
        return
    run.status = RunStatus.QUEUED
    run.owner = run.lease_until = None
    run.tries = max(run.tries - 1, 0)
    session.flush()
