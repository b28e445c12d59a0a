"""The only way to engagements: every query starts from what the actor belongs to."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission, Role, permits
from governance.engagements.models import Engagement
from governance.errors import Forbidden, NotFound
from governance.parties.models import Membership, User


def memberships_of(actor: Actor) -> Select[int, Role]:
    """Engagement and role, for each membership of the active actor that runs on the day."""
    today: date = actor.at.date()
    return (
        select(col(Membership.engagement_id), col(Membership.role))
        .join(User, and_(col(User.id) == col(Membership.user_id), col(User.active)))
        .where(
            col(Membership.user_id) == actor.user_id,
            or_(col(Membership.starts_on).is_(None), col(Membership.starts_on) <= today),
            or_(col(Membership.ends_on).is_(None), col(Membership.ends_on) >= today),
        )
    )


def visible(actor: Actor) -> Select[Engagement]:
    """The engagements that the actor is a member of."""
    mine = memberships_of(actor).with_only_columns(col(Membership.engagement_id))
    return select(Engagement).where(col(Engagement.id).in_(mine))


def roles_in(session: Session, actor: Actor, engagement: Engagement) -> frozenset[Role]:
    """The roles that the actor has in the engagement now."""
    rows = session.execute(
        memberships_of(actor).where(col(Membership.engagement_id) == engagement.id)
    )
    return frozenset(row.role for row in rows)


def require(session: Session, actor: Actor, engagement: Engagement, permission: Permission) -> None:
    """NotFound where the actor is no member, Forbidden where no role carries the permission."""
    roles = roles_in(session, actor, engagement)
    if not roles:
        raise NotFound("there is no such engagement")
    if not permits(roles, permission):
        raise Forbidden(f"none of your roles in {engagement.reference} allows {permission.value}")


def get_engagement(
    session: Session, actor: Actor, reference: str, permission: Permission = Permission.VIEW
) -> Engagement:
    """The engagement of that reference, if the actor may do `permission` in it.

    Raises NotFound for an unknown one and for one of others, alike; Forbidden for a member
    whose roles don't carry the permission.
    """
    # PostgreSQL's text has no NUL: such a reference is unknown, not an error of the database.
    engagement = (
        session.execute(
            visible(actor).where(col(Engagement.reference) == reference)
        ).scalar_one_or_none()
        if reference.isprintable()
        else None
    )
    if engagement is None:
        raise NotFound(f"there is no engagement {reference}")
    require(session, actor, engagement, permission)
    return engagement
