"""Who belongs to an engagement, in which role and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import LEADS, Actor, Permission, Role, Side, manageable
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.grants import check_conflicts, check_grant, led_sides
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.engagements.terms import ALWAYS, Term, term_of
from governance.errors import Conflict, Forbidden, NotFound
from governance.parties.models import Membership, User

__all__ = [
    "Member",
    "Term",
    "add_member",
    "change_term",
    "enrol",
    "get_member",
    "members",
    "remove_member",
    "take_away",
]


@dataclass(frozen=True, slots=True)
class Member:
    """One person in one role."""

    user: User
    membership: Membership

    @property
    def term(self) -> Term:
        """The days of the role."""
        return term_of(self.membership)


def add_member(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    user: User,
    role: Role,
    *,
    term: Term = ALWAYS,
) -> Membership:
    """Give a user a role in the engagement.

    Raises what `check_grant` raises, and Conflict where the user has the role already.
    """
    lock_engagement(session, engagement)
    check_grant(session, actor, engagement, user, role, term=term)
    return enrol(session, actor, engagement, user, role, term=term)


def enrol(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    user: User,
    role: Role,
    *,
    term: Term = ALWAYS,
) -> Membership:
    """The same where somebody who may has given the role before, as by an invitation.

    Raises Conflict for a closed account, a role that the user has already, and one that can't
    be held with the others.
    """
    if not user.active:
        raise Conflict(f"the account of {user.name} is closed")
    check_conflicts(session, engagement, user, role, term=term, day=actor.at.date())
    membership = _membership(session, actor, engagement, user, role)
    membership.starts_on, membership.ends_on = term.starts_on, term.ends_on
    session.add(membership)
    session.flush()
    _record(session, actor, Action.MEMBER_ADDED, Member(user, membership))
    return membership


def _membership(
    session: Session, actor: Actor, engagement: Engagement, user: User, role: Role
) -> Membership:
    """A new row, or that of the same role in earlier days."""
    held = session.scalars(
        select(Membership).where(
            col(Membership.user_id) == user.id,
            col(Membership.engagement_id) == engagement.id,
            col(Membership.role) == role,
        ),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if held is None:
        return Membership(user_id=user.id, engagement_id=engagement.id, role=role)
    if not term_of(held).is_over(actor.at.date()):
        words = role.value.replace("_", " ")
        raise Conflict(f"{user.name} is {words} of {engagement.reference} already")
    return held


def change_term(
    session: Session, actor: Actor, engagement: Engagement, member: Member, term: Term
) -> None:
    """Change from when to when a role is held; one's own may be cut short, and nothing else.

    Raises Forbidden for a role of the other side and a longer term of one's own, BadInput for a
    term without a day from today on, Conflict where the side would be left without a lead or the
    role would meet one that it can't be held with; NotFound where the role is gone meanwhile.
    """
    _check_own(session, actor, engagement, member)
    today, role = actor.at.date(), member.membership.role
    term.check(today)
    if member.user.id == actor.user_id and not term.is_within(member.term):
        raise Forbidden("nobody extends their own role; another lead of your side has to")
    if not term.runs_on(today) or term.ends_on is not None:
        _check_led(session, actor, engagement, member)
    check_conflicts(session, engagement, member.user, role, term=term, day=today)
    before = _days(member.membership)
    member.membership.starts_on, member.membership.ends_on = term.starts_on, term.ends_on
    session.flush()
    _record(session, actor, Action.MEMBER_CHANGED, member, before)


def remove_member(session: Session, actor: Actor, engagement: Engagement, member: Member) -> None:
    """Take a role away; it is gone with the member's next request.

    Raises Forbidden for a role of the other side, Conflict for the last lead of a side, NotFound
    where the role is gone meanwhile.
    """
    _check_own(session, actor, engagement, member)
    take_away(session, actor, engagement, member)


def take_away(
    session: Session, actor: Actor, engagement: Engagement, member: Member, reason: str = ""
) -> None:
    """The same for a role of either side, where the caller has checked the permission."""
    lock_engagement(session, engagement)
    _reload(session, engagement, member)
    _check_led(session, actor, engagement, member)
    before = _days(member.membership)
    session.delete(member.membership)
    # The entry comes after, so that it is the one that names the end of the row.
    session.flush()
    _record(session, actor, Action.MEMBER_REMOVED, member, before, reason=reason)


def _check_own(session: Session, actor: Actor, engagement: Engagement, member: Member) -> None:
    """A lead decides on its own side; roles that mean nothing here either lead takes away."""
    require(session, actor, engagement, Permission.MANAGE_MEMBERS)
    lock_engagement(session, engagement)
    _reload(session, engagement, member)
    roles = standing_of(session, actor, engagement).roles
    if member.membership.role not in manageable(roles) | {Role.OPERATOR}:
        raise Forbidden("each lead decides on the roles of their own side only")


def _reload(session: Session, engagement: Engagement, member: Member) -> None:
    """The role as it stands under the lock: others may have changed it since it was read."""
    now = session.get(Membership, member.membership.id, populate_existing=True)
    if now is None or now.engagement_id != engagement.id:
        raise NotFound(f"this is no membership of {engagement.reference}")
    session.refresh(member.user)


def _check_led(session: Session, actor: Actor, engagement: Engagement, member: Member) -> None:
    """A side whose lead goes has another one who stays: without an end, where theirs had none."""
    side, day = _led_side(member.membership.role), actor.at.date()
    if side is None or not member.user.active or member.term.is_over(day):
        return
    lasting = member.term.ends_on is None
    left = led_sides(session, engagement, day, without=member.membership, lasting=lasting)
    if side not in left:
        until_further_notice = " until further notice" if lasting else ""
        raise Conflict(
            f"{member.user.name} is the last one to lead the {side.value}'s"
            f" side{until_further_notice}; name another {LEADS[side].value.replace('_', ' ')} first"
        )


def _led_side(role: Role) -> Side | None:
    return next((side for side, lead in LEADS.items() if lead is role), None)


def members(session: Session, actor: Actor, engagement: Engagement) -> tuple[Member, ...]:
    """Everyone in the engagement, by name."""
    require(session, actor, engagement, Permission.VIEW)
    rows = session.execute(
        select(User, Membership)
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(col(Membership.engagement_id) == engagement.id)
        .order_by(col(User.name), col(User.id), col(Membership.role))
    )
    return tuple(Member(row.User, row.Membership) for row in rows)


def get_member(
    session: Session, actor: Actor, engagement: Engagement, membership_id: int
) -> Member:
    """One role of one person; NotFound where the engagement has none of that id."""
    for one in members(session, actor, engagement):
        if one.membership.id == membership_id:
            return one
    raise NotFound(f"{engagement.reference} has no such member")


def _days(membership: Membership) -> dict[str, str | None]:
    days = (("starts_on", membership.starts_on), ("ends_on", membership.ends_on))
    return {name: day.isoformat() if day else None for name, day in days}


def _record(
    session: Session,
    actor: Actor,
    action: Action,
    member: Member,
    before: dict[str, str | None] | None = None,
    *,
    reason: str = "",
) -> None:
    membership = member.membership
    after = {"email": member.user.email, "role": membership.role.value} | _days(membership)
    record(
        session,
        actor,
        Change(
            action,
            "membership",
            membership.id,
            member.user.name,
            membership.engagement_id,
            before,
            after,
            reason,
            person_id=member.user.id,
        ),
    )
