"""A run as rows, for tests that ask who sees it."""

from __future__ import annotations

from datetime import datetime

from governance.engagements.models import Engagement
from governance.runs.models import Run, RunItem
from governance.runs.values import ItemState, RunStatus
from tests.factories import JANUARY


def queued_run(engagement: Engagement, user_id: int, at: datetime) -> Run:
    """A run of two items that waits; the first one is set aside."""
    return Run(
        kind="billing",
        organisation_id=engagement.provider_id,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        status=RunStatus.QUEUED,
        cursor=1,
        last_position=2,
        total=2,
        set_aside=1,
        chunk=1,
        started_by_id=user_id,
        started_at=at,
    )


def items_of_run(run: Run, engagement: Engagement) -> tuple[RunItem, RunItem]:
    """Both items of it."""
    states = {"issue": ItemState.SET_ASIDE, "draw": ItemState.WAITING}
    first, second = (
        RunItem(
            run_id=run.id,
            engagement_id=engagement.id,
            position=position,
            step=step,
            state=state,
            text="it is broken" if state is ItemState.SET_ASIDE else "",
        )
        for position, (step, state) in enumerate(states.items(), start=1)
    )
    return first, second
