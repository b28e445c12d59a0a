"""What both sides decided on contested service levels, as the calculation takes it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.engagements.models import Engagement
from governance.values import Period
from sla.reviews.models import PeriodReview, ReviewItem, ReviewRemark
from sla.reviews.values import Act, DecidedValue, ItemKind, Ruling


def decisions_of(
    session: Session, engagement: Engagement, period: Period, *, restatement: int = 0
) -> Mapping[str, DecidedValue]:
    """By service level, what one side proposed for the period and the other one accepted.

    `restatement` is 0 for the period itself, else the number of its restatement. A decision
    that upholds the figure as computed isn't among them, as it sets nothing. The caller has
    checked the permission.
    """
    items = session.scalars(
        select(ReviewItem)
        .join(PeriodReview, col(PeriodReview.id) == col(ReviewItem.review_id))
        .where(
            col(PeriodReview.engagement_id) == engagement.id,
            col(PeriodReview.period_start) == period.start,
            col(PeriodReview.period_end) == period.end,
            col(PeriodReview.restatement) == restatement,
            col(ReviewItem.kind) == ItemKind.SERVICE_LEVEL,
            col(ReviewItem.proposal_id).is_not(None),
        )
    ).all()
    found = {item.key: decided_value(session, item) for item in items}
    return {key: decided for key, decided in found.items() if decided is not None}


def decided_value(session: Session, item: ReviewItem) -> DecidedValue | None:
    """What both sides decided on one service level.

    None while there is no proposal that the other side accepted, and where the figure is upheld.
    """
    if item.proposal_id is None:
        return None
    proposal = session.get_one(ReviewRemark, item.proposal_id)
    accepted = session.scalars(
        select(ReviewRemark)
        .where(
            col(ReviewRemark.item_id) == item.id,
            col(ReviewRemark.id) > proposal.id,
            col(ReviewRemark.act) == Act.ACCEPT,
        )
        .order_by(col(ReviewRemark.id))
        .limit(1)
    ).first()
    if accepted is None or proposal.ruling is Ruling.UPHELD:
        return None
    return DecidedValue(
        service_level=item.key,
        value=None if proposal.value is None else Decimal(proposal.value),
        reason=proposal.text,
        proposed_side=proposal.side,
        proposed_by_id=proposal.made_by_id,
        accepted_by_id=accepted.made_by_id,
        accepted_at=accepted.made_at,
    )
