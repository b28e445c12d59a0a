"""Who belongs to an engagement, and in which role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission, Role
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import Conflict
from governance.parties.models import Membership, User


@dataclass(frozen=True, slots=True)
class Member:
    """One person in one role."""

    user: User
    membership: Membership


@dataclass(frozen=True, slots=True)
class Term:
    """The days of a role, both included; None is unbounded."""

    starts_on: date | None = None
    ends_on: date | None = None


def add_member(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    user: User,
    role: Role,
    *,
    term: Term = Term(),
) -> Membership:
    """Give a user a role in the engagement; Conflict where the user has it already."""
    require(session, actor, engagement, Permission.MANAGE_MEMBERS)
    held = select(Membership).where(
        col(Membership.user_id) == user.id,
        col(Membership.engagement_id) == engagement.id,
        col(Membership.role) == role,
    )
    if session.execute(held).scalar_one_or_none() is not None:
        raise Conflict(f"{user.name} is {role.value} of {engagement.reference} already")
    membership = Membership(
        user_id=user.id,
        engagement_id=engagement.id,
        role=role,
        starts_on=term.starts_on,
        ends_on=term.ends_on,
    )
    session.add(membership)
    session.flush()
    _record(session, actor, engagement, Action.MEMBER_ADDED, Member(user, membership))
    return membership


def remove_member(session: Session, actor: Actor, engagement: Engagement, member: Member) -> None:
    """Take a role away; it is gone with the member's next request."""
    require(session, actor, engagement, Permission.MANAGE_MEMBERS)
    if member.membership.engagement_id != engagement.id:
        raise Conflict(f"this is no membership of {engagement.reference}")
    _record(session, actor, engagement, Action.MEMBER_REMOVED, member)
    session.delete(member.membership)
    session.flush()


def members(session: Session, actor: Actor, engagement: Engagement) -> tuple[Member, ...]:
    """Everyone in the engagement, by name."""
    require(session, actor, engagement, Permission.VIEW)
    rows = session.execute(
        select(User, Membership)
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(col(Membership.engagement_id) == engagement.id)
        .order_by(col(User.name), col(Membership.role))
    )
    return tuple(Member(row.User, row.Membership) for row in rows)


def _record(
    session: Session, actor: Actor, engagement: Engagement, action: Action, member: Member
) -> None:
    after = {"email": member.user.email, "role": member.membership.role.value}
    record(
        session,
        actor,
        Change(
            action,
            "membership",
            member.membership.id,
            member.user.name,
            engagement.id,
            after=after,
            person_id=member.user.id,
        ),
    )
