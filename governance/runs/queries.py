"""Find runs: each is seen by those who may do its work in one of its engagements."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission, Role, permits
from governance.engagements.models import Engagement
from governance.engagements.queries import memberships_of, require, visible
from governance.errors import NotFound
from governance.parties.models import Membership
from governance.runs.models import Run, RunItem
from governance.runs.values import ItemState, RunStatus
from governance.values import Period


def handled(
    session: Session, actor: Actor, engagement_id: int, permission: Permission
) -> Engagement:
    """The engagement, where the actor may do `permission` in it now.

    Raises NotFound for one of others, Forbidden for a member whose roles don't carry it.
    """
    found = session.scalars(visible(actor).where(col(Engagement.id) == engagement_id)).one_or_none()
    if found is None:
        raise NotFound("who started the run is no member of the engagement any more")
    require(session, actor, found, permission)
    return found


def all_handled(session: Session, actor: Actor, permission: Permission) -> tuple[Engagement, ...]:
    """The engagements in which a role of the actor carries `permission`, by their references."""
    carrying = [role for role in Role if permits([role], permission)]
    found = session.scalars(
        select(Engagement)
        .where(col(Engagement.id).in_(_engagements(actor, carrying)))
        .order_by(col(Engagement.reference))
    )
    return tuple(found)


def _engagements(actor: Actor, roles: Sequence[Role]) -> Select[int]:
    mine = memberships_of(actor).where(col(Membership.role).in_(roles))
    return mine.with_only_columns(col(Membership.engagement_id))


def visible_runs(actor: Actor, permission: Permission) -> Select[Run]:
    """The runs that go through an engagement in which the actor may do `permission`, newest first.

    Of their items the session shows those of the actor's engagements only.
    """
    carrying = [role for role in Role if permits([role], permission)]
    through = select(col(RunItem.run_id)).where(
        col(RunItem.engagement_id).in_(_engagements(actor, carrying))
    )
    return select(Run).where(col(Run.id).in_(through)).order_by(col(Run.id).desc())


def get_run(session: Session, actor: Actor, run_id: int, permission: Permission) -> Run:
    """The run, where the actor sees it; NotFound otherwise."""
    found = session.scalars(
        visible_runs(actor, permission).where(col(Run.id) == run_id)
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such run")
    return found


def items_of(session: Session, run: Run, *states: ItemState) -> tuple[RunItem, ...]:
    """The items in one of these states, of the engagements that the session sees."""
    found = session.scalars(
        select(RunItem)
        .where(col(RunItem.run_id) == run.id, col(RunItem.state).in_(states))
        .order_by(col(RunItem.position))
    )
    return tuple(found)


def open_items(session: Session, kind: str, period: Period) -> frozenset[int]:
    """The engagements that an unfinished run of the kind and period still has before it."""
    found = session.scalars(
        select(col(RunItem.engagement_id))
        .join(Run, col(Run.id) == col(RunItem.run_id))
        .where(
            col(Run.kind) == kind,
            col(Run.period_start) == period.start,
            col(Run.period_end) == period.end,
            col(Run.status).in_([one for one in RunStatus if one.open]),
            col(RunItem.state) == ItemState.WAITING,
        )
    )
    return frozenset(found)


def steps_of(session: Session, run: Run) -> dict[str, dict[ItemState, int]]:
    """How many items each step has in each state, of the engagements that the session sees."""
    found = session.execute(
        select(col(RunItem.step), col(RunItem.state), func.count())
        .where(col(RunItem.run_id) == run.id)
        .group_by(col(RunItem.step), col(RunItem.state))
    )
    counts: dict[str, dict[ItemState, int]] = {}
    for step, state, number in found:
        counts.setdefault(step, {})[state] = number
    return counts
