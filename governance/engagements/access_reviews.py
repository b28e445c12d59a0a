"""Access reviews: the chair looks at who holds what, and what isn't needed goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission, Role
from governance.audit.models import Action
from governance.audit.service import Change, one_line, record
from governance.engagements.members import Member, take_away
from governance.engagements.models import (
    AccessReview,
    AccessReviewItem,
    Engagement,
    ReviewDecision,
)
from governance.engagements.queries import lock_engagement, require
from governance.engagements.terms import term_of
from governance.errors import BadInput, Conflict, Forbidden, NotFound, Problem
from governance.parties.models import Membership, Organisation, User

DUE_AFTER = timedelta(days=90)
"""So long after the last review the next one is due."""
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class ReviewedRole:
    """One role in a review."""

    item: AccessReviewItem
    user: User
    organisation: Organisation


@dataclass(frozen=True, slots=True)
class Review:
    """One review with all its roles."""

    review: AccessReview
    roles: tuple[ReviewedRole, ...]

    @property
    def undecided(self) -> tuple[ReviewedRole, ...]:
        """Roles on which nobody has decided."""
        return tuple(one for one in self.roles if one.item.decision is None)

    @property
    def removed(self) -> int:
        """Roles that go, or went."""
        return sum(one.item.decision is ReviewDecision.REMOVE for one in self.roles)


def reviews_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[Review, ...]:
    """All reviews of an engagement, newest first."""
    require(session, actor, engagement, Permission.VIEW_DUTIES)
    found = session.scalars(
        select(AccessReview)
        .where(col(AccessReview.engagement_id) == engagement.id)
        .order_by(col(AccessReview.id).desc())
    ).all()
    return tuple(Review(one, _roles(session, one)) for one in found)


def get_review(session: Session, actor: Actor, engagement: Engagement, review_id: int) -> Review:
    """One review; NotFound where the engagement has none of that id."""
    require(session, actor, engagement, Permission.VIEW_DUTIES)
    return _get(session, engagement, review_id)


def _get(session: Session, engagement: Engagement, review_id: int) -> Review:
    review = session.get(AccessReview, review_id)
    if review is None or review.engagement_id != engagement.id:
        raise NotFound(f"{engagement.reference} has no such access review")
    return Review(review, _roles(session, review))


def _roles(session: Session, review: AccessReview) -> tuple[ReviewedRole, ...]:
    rows = session.execute(
        select(AccessReviewItem, User, Organisation)
        .join(User, col(User.id) == col(AccessReviewItem.user_id))
        .join(Organisation, col(Organisation.id) == col(User.organisation_id))
        .where(col(AccessReviewItem.review_id) == review.id)
        .order_by(col(User.name), col(User.id), col(AccessReviewItem.role))
    )
    return tuple(ReviewedRole(row.AccessReviewItem, row.User, row.Organisation) for row in rows)


def is_due(reviews: tuple[Review, ...], at: datetime) -> bool:
    """Whether the last completed review is older than 90 days, or there is none."""
    done = [one.review.completed_at for one in reviews if one.review.completed_at]
    return not done or at - max(done) > DUE_AFTER


def start_review(session: Session, actor: Actor, engagement: Engagement) -> Review:
    """Write down who holds what now or is to hold it; Conflict while another review is open."""
    require(session, actor, engagement, Permission.REVIEW_ACCESS)
    lock_engagement(session, engagement)
    unfinished = select(AccessReview).where(
        col(AccessReview.engagement_id) == engagement.id, col(AccessReview.completed_at).is_(None)
    )
    if session.scalars(unfinished).first() is not None:
        raise Conflict("an access review is open already; complete it first")
    review = AccessReview(
        engagement_id=engagement.id, started_at=actor.at, started_by_id=actor.signed_in_id
    )
    session.add(review)
    session.flush()
    for membership in _held(session, actor, engagement):
        session.add(
            AccessReviewItem(review_id=review.id, user_id=membership.user_id, role=membership.role)
        )
    session.flush()
    found = _get(session, engagement, review.id)
    _record(session, actor, found, Action.ACCESS_REVIEW_STARTED, {"roles": len(found.roles)})
    return found


def _held(session: Session, actor: Actor, engagement: Engagement) -> list[Membership]:
    day = actor.at.date()
    found = session.scalars(
        select(Membership)
        .where(col(Membership.engagement_id) == engagement.id)
        .order_by(col(Membership.id))
    )
    return [one for one in found if not term_of(one).is_over(day)]


def decide_on_role(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    review_id: int,
    item_id: int,
    *,
    decision: ReviewDecision,
    reason: str = "",
) -> None:
    """Keep a role or let it go; it goes when the review is completed.

    Raises Forbidden for a role of one's own, BadInput for a removal without a reason, Conflict
    where the review is completed.
    """
    require(session, actor, engagement, Permission.REVIEW_ACCESS)
    found = _open(session, engagement, review_id)
    role = next((one for one in found.roles if one.item.id == item_id), None)
    if role is None:
        raise NotFound("the access review has no such role")
    if role.item.user_id == actor.user_id:
        raise Forbidden("nobody decides on their own role; another chair has to")
    role.item.reason = _checked_reason(decision, reason)
    before = {"decision": role.item.decision}
    role.item.decision = decision
    role.item.decided_at, role.item.decided_by_id = actor.at, actor.signed_in_id
    session.flush()
    _record_decision(session, actor, engagement, role, before)


def _open(session: Session, engagement: Engagement, review_id: int) -> Review:
    lock_engagement(session, engagement)
    found = _get(session, engagement, review_id)
    if found.review.completed_at is not None:
        raise Conflict("the access review is completed and can't change")
    return found


def _checked_reason(decision: ReviewDecision, reason: str) -> str:
    text = one_line(reason).strip()
    if len(text) > _LONGEST_REASON:
        problem = Problem(
            "the reason is too long",
            column="reason",
            found=f"{len(text)} characters",
            allowed=f"at most {_LONGEST_REASON}",
        )
        raise BadInput.one(problem)
    if decision is ReviewDecision.REMOVE and not text:
        problem = Problem(
            "a removal needs its reason", column="reason", allowed="say why the role goes"
        )
        raise BadInput.one(problem)
    return text


def complete_review(
    session: Session, actor: Actor, engagement: Engagement, review_id: int
) -> Review:
    """Take away the roles that go, all in this transaction, and close the review.

    Raises Conflict while a role is undecided. Only the role of the one who completes it may be,
    where nobody else could decide on it; it stays. Conflict too where a side would lose its lead.
    """
    require(session, actor, engagement, Permission.REVIEW_ACCESS)
    found = _open(session, engagement, review_id)
    _check_decided(session, actor, engagement, found)
    for role in found.roles:
        if role.item.decision is ReviewDecision.REMOVE:
            _remove(session, actor, engagement, role)
    found.review.completed_at, found.review.completed_by_id = actor.at, actor.signed_in_id
    session.flush()
    after = {"removed": found.removed, "undecided": len(found.undecided)}
    _record(session, actor, found, Action.ACCESS_REVIEW_COMPLETED, after)
    return found


def _check_decided(session: Session, actor: Actor, engagement: Engagement, found: Review) -> None:
    alone = not _other_chairs(session, actor, engagement)
    left = [one for one in found.undecided if not (alone and one.item.user_id == actor.user_id)]
    if left:
        names = ", ".join(dict.fromkeys(one.user.name for one in left))
        raise Conflict(f"nobody has decided yet on the roles of: {names}")


def _other_chairs(session: Session, actor: Actor, engagement: Engagement) -> bool:
    """Whether somebody else could decide: who leads the client today, with an open account."""
    found = session.scalars(
        select(Membership)
        .join(User, and_(col(User.id) == col(Membership.user_id), col(User.active)))
        .where(
            col(Membership.engagement_id) == engagement.id,
            col(Membership.role) == Role.COMMITTEE_CHAIR,
            col(Membership.user_id) != actor.user_id,
        )
    )
    return any(term_of(one).runs_on(actor.at.date()) for one in found)


def _remove(session: Session, actor: Actor, engagement: Engagement, role: ReviewedRole) -> None:
    """Take the role away; it may have gone since the review began."""
    held = session.scalars(
        select(Membership).where(
            col(Membership.engagement_id) == engagement.id,
            col(Membership.user_id) == role.item.user_id,
            col(Membership.role) == role.item.role,
        )
    ).first()
    if held is not None:
        member = Member(role.user, held)
        take_away(session, actor, engagement, member, reason=role.item.reason)


def _record(
    session: Session, actor: Actor, found: Review, action: Action, after: dict[str, int]
) -> None:
    review = found.review
    label = f"of {review.started_at.date().isoformat()}"
    record(
        session,
        actor,
        Change(action, "access_review", review.id, label, review.engagement_id, after=after),
    )


def _record_decision(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    role: ReviewedRole,
    before: dict[str, ReviewDecision | None],
) -> None:
    item = role.item
    after = {"email": role.user.email, "role": item.role, "decision": item.decision}
    record(
        session,
        actor,
        Change(
            Action.ACCESS_REVIEW_DECIDED,
            "access_review_item",
            item.id,
            role.user.name,
            engagement.id,
            before,
            after,
            item.reason,
            person_id=item.user_id,
        ),
    )
