"""Start runs, and pause, resume, cancel and retry them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.errors import Conflict, Forbidden
from governance.parties.models import Organisation
from governance.runs.kinds import RunKind
from governance.runs.models import Run, RunItem
from governance.runs.queries import handled, items_of, open_items
from governance.runs.values import ItemState, RunStatus
from governance.values import Period

_LONGEST_TEXT: Final = 500
"""Characters of what became of an item, as an entry of the log states it."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run is to do."""

    kind: RunKind
    organisation_id: int
    period: Period
    engagements: Sequence[Engagement]
    """In the order in which they are worked on, within each step."""


def start_run(session: Session, actor: Actor, new: NewRun) -> Run:
    """Queue a run; a worker takes it up.

    Whoever starts two at once gets one: starters of an organisation follow one another, and an
    engagement that waits in an unfinished run of the same kind and period isn't taken again.

    Raises Forbidden where the actor may not handle one of the engagements, Conflict where none
    is left.
    """
    lock_organisation(session, new.organisation_id)
    for engagement in new.engagements:
        handled(session, actor, engagement.id, new.kind.permission)
    waiting = open_items(session, new.kind.name, new.period)
    left = [one for one in new.engagements if one.id not in waiting]
    if not left:
        raise Conflict("there is no engagement that this run could work on")
    run = _queued(session, actor, new, len(left) * len(new.kind.steps))
    items = _items(run, new.kind, left)
    session.add_all(items)
    session.flush()
    note_change(session, actor, run, Action.RUN_STARTED, items)
    return run


def lock_organisation(session: Session, organisation_id: int) -> None:
    """Those who start runs of one organisation follow one another."""
    session.execute(
        select(col(Organisation.id))
        .where(col(Organisation.id) == organisation_id)
        .with_for_update(key_share=True)
    )


def _queued(session: Session, actor: Actor, new: NewRun, total: int) -> Run:
    run = Run(
        kind=new.kind.name,
        organisation_id=new.organisation_id,
        period_start=new.period.start,
        period_end=new.period.end,
        status=RunStatus.QUEUED,
        last_position=total,
        total=total,
        chunk=new.kind.chunk,
        started_by_id=actor.signed_in_id,
        started_at=actor.at,
    )
    session.add(run)
    session.flush()
    return run


def _items(run: Run, kind: RunKind, engagements: Sequence[Engagement]) -> list[RunItem]:
    pairs = [(step, one) for step in kind.steps for one in engagements]
    return [
        RunItem(
            run_id=run.id,
            engagement_id=one.id,
            position=position,
            step=step,
            state=ItemState.WAITING,
        )
        for position, (step, one) in enumerate(pairs, start=1)
    ]


def pause_run(session: Session, actor: Actor, run: Run) -> None:
    """Let no further chunk begin; the one at work is finished first.

    Raises Conflict where nobody works on the run and none waits to.
    """
    _turn(session, run, {RunStatus.QUEUED, RunStatus.RUNNING}, RunStatus.PAUSED)
    waiting = items_of(session, run, ItemState.WAITING)
    note_change(session, actor, run, Action.RUN_PAUSED, waiting)


def resume_run(session: Session, actor: Actor, run: Run) -> None:
    """Let a worker go on where a paused run stands; Conflict where it isn't paused.

    Only who started it may, as it acts with that person's rights: else Forbidden.
    """
    _require_starter(actor, run)
    _turn(session, run, {RunStatus.PAUSED}, RunStatus.QUEUED)
    waiting = items_of(session, run, ItemState.WAITING)
    note_change(session, actor, run, Action.RUN_RESUMED, waiting)


def cancel_run(session: Session, actor: Actor, run: Run) -> None:
    """End a run before its end: what is done stays done. Conflict where it has ended."""
    open_ones = {one for one in RunStatus if one.open}
    _turn(session, run, open_ones, RunStatus.CANCELLED)
    run.finished_at = actor.at
    note_change(session, actor, run, Action.RUN_CANCELLED, items_of(session, run, *ItemState))


def retry_items(
    session: Session, actor: Actor, run: Run, item_ids: Collection[int] | None = None
) -> int:
    """Put what was set aside at the run's end to be tried again; answers how many items.

    `item_ids` chooses among those that the actor sees, by default all of these. The steps after
    one that is tried again are tried again too. A run that was done is queued anew.

    Raises Forbidden for everybody but who started the run, with whose rights it acts; Conflict
    where nothing of it is set aside, or the run was cancelled.
    """
    _require_starter(actor, run)
    lock_run(session, run)
    if run.status is RunStatus.CANCELLED:
        raise Conflict("the run was cancelled; start another one")
    aside = items_of(session, run, ItemState.SET_ASIDE)
    chosen = [one for one in aside if item_ids is None or one.id in item_ids]
    if not chosen:
        raise Conflict("nothing of this is set aside")
    again = _with_later_steps(session, run, chosen)
    for item in again:
        _count_out(run, item.state)
        run.last_position += 1
        item.position, item.state, item.text = run.last_position, ItemState.WAITING, ""
    if run.status is RunStatus.DONE:
        run.status, run.finished_at = RunStatus.QUEUED, None
    run.tries = 0
    session.flush()
    note_change(session, actor, run, Action.RUN_RETRIED, again)
    return len(again)


def _require_starter(actor: Actor, run: Run) -> None:
    """Nobody lets another person's rights approve what that person hasn't looked at since."""
    if actor.signed_in_id != run.started_by_id:
        raise Forbidden("the run acts with the rights of who started it; start a run of your own")


def _with_later_steps(session: Session, run: Run, chosen: Sequence[RunItem]) -> list[RunItem]:
    """The items, and those of the same engagements that wait or were skipped because of them."""
    affected = {one.engagement_id for one in chosen}
    others = items_of(session, run, ItemState.SKIPPED, ItemState.WAITING)
    found = [*chosen, *(one for one in others if one.engagement_id in affected)]
    return sorted(found, key=lambda one: one.position)


def _count_out(run: Run, state: ItemState) -> None:
    if state is ItemState.SET_ASIDE:
        run.set_aside -= 1
    elif state is ItemState.SKIPPED:
        run.skipped -= 1


def _turn(session: Session, run: Run, expected: Collection[RunStatus], status: RunStatus) -> None:
    """Change the status under the row's lock; whoever worked on the run holds it no more."""
    lock_run(session, run)
    if run.status not in expected:
        raise Conflict(f"the run is {run.status.value} already")
    run.status = status
    run.owner = run.lease_until = None
    run.tries = 0
    session.flush()


def lock_run(session: Session, run: Run) -> None:
    """Read the run anew and keep it as it is until the transaction ends."""
    session.refresh(run, with_for_update=True)


def note_change(
    session: Session, actor: Actor, run: Run, action: Action, items: Iterable[RunItem]
) -> None:
    """Say in the log what became of a run.

    One entry has its totals and belongs to no engagement. Each engagement of the items has one of
    its own with how far its steps are, so that whoever reads its log finds the run.
    """
    label = f"{run.kind} {run.period.label}"
    parts: dict[int, dict[str, str]] = {}
    for item in items:
        said = f"{item.state.value}: {item.text[:_LONGEST_TEXT]}" if item.text else item.state.value
        parts.setdefault(item.engagement_id, {})[item.step] = said
    for engagement_id, steps in parts.items():
        change = Change(action, "run", run.id, label, engagement_id, None, {"steps": steps})
        record(session, actor, change)
    totals = {
        "status": run.status.value,
        "total": run.total,
        "done": run.done,
        "skipped": run.skipped,
        "set_aside": run.set_aside,
    }
    record(session, actor, Change(action, "run", run.id, label, None, None, totals))
