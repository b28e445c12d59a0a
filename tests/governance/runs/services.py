"""Every service of runs in one transaction."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from governance.access import Actor
from governance.engagements.models import Engagement
from governance.runs.service import (
    NewRun,
    cancel_run,
    pause_run,
    resume_run,
    retry_items,
    start_run,
)
from governance.runs.values import ItemState, Outcome
from governance.runs.working import claim, held_run, tasks_ahead, write_down
from tests.factories import JANUARY
from tests.governance.runs.toys import toy_kind


def run_in_every_way(session: Session, actor: Actor, engagement: Engagement) -> None:
    """A run that is paused, resumed, worked on, set aside, tried again and then cancelled."""
    kind, lease = toy_kind(), timedelta(seconds=60)
    new = NewRun(kind, engagement.provider_id, JANUARY, [engagement])
    run = start_run(session, actor, new)
    pause_run(session, actor, run)
    resume_run(session, actor, run)
    held = claim(session, [kind.name], "worker", actor.at, lease)
    assert held is not None
    assert held_run(session, held) is run
    (task,) = tasks_ahead(session, run, 1)
    failed = Outcome(task.item_id, ItemState.SET_ASIDE, "it is broken")
    write_down(session, run, [failed], actor.at, lease)
    assert retry_items(session, actor, run) == 1
    cancel_run(session, actor, run)
