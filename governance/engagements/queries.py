"""The only way to engagements: every query starts from what the actor belongs to."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import (
    NO_ITEM,
    Actor,
    DutyConflict,
    Item,
    Permission,
    Role,
    Side,
    Standing,
    conflicts,
    decide,
)
from governance.engagements.models import DutyException, Engagement
from governance.errors import NotFound
from governance.parties.models import Membership, User
from governance.parties.operators import is_operator
from governance.tenancy import NO_ENGAGEMENT, beyond_tenancy, bind


def memberships_of(actor: Actor) -> Select[int, Role]:
    """Engagement and role, for each membership of the active actor that runs on the day.

    Running the installation is no role in an engagement and opens none.
    """
    today: date = actor.at.date()
    return (
        select(col(Membership.engagement_id), col(Membership.role))
        .join(User, and_(col(User.id) == col(Membership.user_id), col(User.active)))
        .where(
            col(Membership.user_id) == actor.user_id,
            col(Membership.role) != Role.OPERATOR,
            or_(col(Membership.starts_on).is_(None), col(Membership.starts_on) <= today),
            or_(col(Membership.ends_on).is_(None), col(Membership.ends_on) >= today),
        )
    )


def visible(actor: Actor) -> Select[Engagement]:
    """The engagements that the actor is a member of."""
    mine = memberships_of(actor).with_only_columns(col(Membership.engagement_id))
    return select(Engagement).where(col(Engagement.id).in_(mine))


def engagements_of(session: Session, actor: Actor) -> frozenset[int]:
    """The ids of the engagements that the actor is a member of now."""
    mine = memberships_of(actor).with_only_columns(col(Membership.engagement_id))
    with beyond_tenancy(session, "a person's memberships decide what the session sees"):
        return frozenset(session.scalars(mine))


def bind_to_actor(session: Session, actor: Actor, *, installation: bool = False) -> None:
    """Let the session see the actor's engagements and nothing else.

    `installation` adds the rows that belong to no engagement, for those who run the system.
    """
    none = {NO_ENGAGEMENT} if installation else set()
    bind(session, engagements_of(session, actor) | none)


def roles_in(session: Session, actor: Actor, engagement: Engagement) -> frozenset[Role]:
    """The roles that the actor has in the engagement now."""
    rows = session.execute(
        memberships_of(actor).where(col(Membership.engagement_id) == engagement.id)
    )
    return frozenset(row.role for row in rows)


def standing_of(session: Session, actor: Actor, engagement: Engagement) -> Standing:
    """What the actor is to the engagement now, with the conflicts that no exception covers."""
    rows = session.execute(
        memberships_of(actor)
        .add_columns(col(User.organisation_id))
        .where(col(Membership.engagement_id) == engagement.id)
    ).all()
    if not rows:
        return Standing(actor.user_id or 0, frozenset())
    user_id, day = actor.signed_in_id, actor.at.date()
    roles = frozenset(row.role for row in rows)
    employer = employer_side(engagement, rows[0].organisation_id)
    found = conflicts(roles, employer, operator=is_operator(session, user_id, day))
    if found:
        found -= covered_conflicts(session, engagement, user_id, day)
    return Standing(user_id, roles, employer, found)


def employer_side(engagement: Engagement, organisation_id: int) -> Side | None:
    """The party that an organisation is; None for others, and where both parties are the same."""
    sides = {engagement.client_id: Side.CLIENT, engagement.provider_id: Side.PROVIDER}
    return sides.get(organisation_id) if len(sides) > 1 else None


def running_exceptions(engagement: Engagement, day: date) -> Select[DutyException]:
    """The exceptions of an engagement that hold on a day."""
    return select(DutyException).where(
        col(DutyException.engagement_id) == engagement.id,
        col(DutyException.revoked_at).is_(None),
        or_(col(DutyException.ends_on).is_(None), col(DutyException.ends_on) >= day),
    )


def covered_conflicts(
    session: Session, engagement: Engagement, user_id: int, day: date
) -> frozenset[DutyConflict]:
    """The conflicts that a person may have on a day, by exceptions."""
    own = running_exceptions(engagement, day).where(col(DutyException.user_id) == user_id)
    return frozenset(one.conflict for one in session.scalars(own))


def require(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    permission: Permission,
    item: Item = NO_ITEM,
) -> None:
    """Raise unless the actor may do `permission` to `item`.

    NotFound where the actor is no member, Forbidden where no role carries the permission or a
    duty stands against it, Conflict where the item's state doesn't allow it.
    """
    decide(standing_of(session, actor, engagement), permission, item).enforce()


def lock_engagement(session: Session, engagement: Engagement) -> None:
    """What changes one engagement follows one another; taken before anything is read."""
    session.execute(
        select(col(Engagement.id))
        .where(col(Engagement.id) == engagement.id)
        .with_for_update(key_share=True)
    )


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
