"""Find simulations again: each side sees its own, and nobody the other side's."""

from __future__ import annotations

from typing import cast

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, defer
from sqlmodel import col

from billing.simulation.models import SimulationRecord, SimulationState
from governance.access import Actor, Permission, Side, Standing
from governance.engagements.models import Engagement
from governance.engagements.queries import require, standing_of
from governance.errors import NotFound

# SQLModel types columns as what they hold; here they are named.
_DOCUMENT = cast("InstrumentedAttribute[str]", SimulationRecord.document)
_DRAFT = cast("InstrumentedAttribute[bytes]", SimulationRecord.draft)


def side_of(standing: Standing) -> Side | None:
    """The one side that a person acts for; None for those of neither, or of both.

    Who has roles of both sides acts for the employer. The auditor acts for nobody.
    """
    sides = {role.side for role in standing.roles if role.side}
    if len(sides) > 1:
        return standing.employer
    return next(iter(sides), None)


def own_simulations(
    session: Session, actor: Actor, engagement: Engagement
) -> Select[SimulationRecord]:
    """The simulations of the actor's side; of who acts for neither, the person's own."""
    side = side_of(standing_of(session, actor, engagement))
    return select(SimulationRecord).where(
        col(SimulationRecord.engagement_id) == engagement.id, _belongs(side, actor)
    )


def _belongs(side: Side | None, actor: Actor) -> ColumnElement[bool]:
    if side is not None:
        return col(SimulationRecord.side) == side
    return and_(
        col(SimulationRecord.side).is_(None), col(SimulationRecord.asked_by_id) == actor.user_id
    )


def simulations(
    session: Session, actor: Actor, engagement: Engagement, limit: int = 50
) -> tuple[SimulationRecord, ...]:
    """The newest simulations that the actor may see, without their results."""
    require(session, actor, engagement, Permission.VIEW)
    query = own_simulations(session, actor, engagement).order_by(col(SimulationRecord.id).desc())
    light = query.limit(limit).options(defer(_DOCUMENT), defer(_DRAFT))
    return tuple(session.scalars(light))


def waiting(session: Session, actor: Actor, engagement: Engagement) -> int:
    """How many of the actor's side aren't finished."""
    own = own_simulations(session, actor, engagement)
    query = own.where(col(SimulationRecord.state) == SimulationState.ASKED)
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def get_simulation(
    session: Session, actor: Actor, engagement: Engagement, simulation_id: int
) -> SimulationRecord:
    """One simulation; NotFound where there is none, and where it is the other side's, alike."""
    require(session, actor, engagement, Permission.VIEW)
    query = own_simulations(session, actor, engagement)
    row = session.scalars(query.where(col(SimulationRecord.id) == simulation_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no simulation {simulation_id}")
    return row
