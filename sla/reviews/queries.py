"""Find reviews and seals again; the callers have checked the permission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Item, Side, State
from governance.engagements.models import Engagement
from governance.errors import NotFound
from governance.parties.models import User
from governance.values import Period
from sla.reviews.models import (
    FiguresSeal,
    FiguresSubmission,
    PeriodReview,
    ReviewItem,
    ReviewRemark,
)
from sla.reviews.values import ItemState, Stage


@dataclass(frozen=True, slots=True)
class Seal:
    """Figures that both sides agreed on, frozen."""

    id: int
    period: Period
    restatement: int
    """0 for the period itself, else the number of its restatement."""
    measured_period_id: int
    contract_version_id: int
    sealed_at: datetime
    sealed_by_id: int
    sha256: str
    document: bytes
    """Canonical JSON (RFC 8785), whose SHA-256 is `sha256`."""


def seal_of(session: Session, measured_period_id: int) -> Seal | None:
    """The seal of a measured period; None while its figures aren't sealed."""
    row = session.execute(
        _seals().where(col(FiguresSeal.measured_period_id) == measured_period_id)
    ).one_or_none()
    return None if row is None else _seal(row.FiguresSeal, row.PeriodReview)


def sealed_periods(session: Session, engagement: Engagement) -> tuple[Seal, ...]:
    """Every seal of an engagement, by period, each before its restatements."""
    rows = session.execute(
        _seals()
        .where(col(PeriodReview.engagement_id) == engagement.id)
        .order_by(col(PeriodReview.period_start), col(PeriodReview.restatement))
    )
    return tuple(_seal(row.FiguresSeal, row.PeriodReview) for row in rows)


def seal_of_period(
    session: Session, engagement: Engagement, period: Period, restatement: int = 0
) -> Seal | None:
    """The seal of a period or of one of its restatements; None while there is none."""
    row = session.execute(
        _seals().where(
            col(PeriodReview.engagement_id) == engagement.id,
            col(PeriodReview.period_start) == period.start,
            col(PeriodReview.period_end) == period.end,
            col(PeriodReview.restatement) == restatement,
        )
    ).one_or_none()
    return None if row is None else _seal(row.FiguresSeal, row.PeriodReview)


def _seals() -> Select[FiguresSeal, PeriodReview]:
    return select(FiguresSeal, PeriodReview).join(
        PeriodReview, col(PeriodReview.id) == col(FiguresSeal.review_id)
    )


def _seal(row: FiguresSeal, review: PeriodReview) -> Seal:
    return Seal(
        id=row.id,
        period=Period(review.period_start, review.period_end),
        restatement=review.restatement,
        measured_period_id=row.measured_period_id,
        contract_version_id=row.contract_version_id,
        sealed_at=row.sealed_at,
        sealed_by_id=row.sealed_by_id,
        sha256=row.sha256,
        document=row.document,
    )


def find_review(
    session: Session, engagement: Engagement, period: Period, restatement: int = 0
) -> PeriodReview | None:
    """All that was said about a period; None while nothing of it was submitted."""
    return session.scalars(
        select(PeriodReview).where(
            col(PeriodReview.engagement_id) == engagement.id,
            col(PeriodReview.period_start) == period.start,
            col(PeriodReview.period_end) == period.end,
            col(PeriodReview.restatement) == restatement,
        )
    ).one_or_none()


def submissions_of(session: Session, review: PeriodReview) -> tuple[FiguresSubmission, ...]:
    """Everything that was submitted for a review, newest first."""
    found = session.scalars(
        select(FiguresSubmission)
        .where(col(FiguresSubmission.review_id) == review.id)
        .order_by(col(FiguresSubmission.number).desc())
    )
    return tuple(found)


def latest_submission(session: Session, review: PeriodReview) -> FiguresSubmission | None:
    """What was submitted last, whether or not it still counts."""
    return next(iter(submissions_of(session, review)), None)


def submission_of(session: Session, measured_period_id: int) -> FiguresSubmission | None:
    """The latest submission of a calculation; None where it was never submitted."""
    return session.scalars(
        select(FiguresSubmission)
        .where(col(FiguresSubmission.measured_period_id) == measured_period_id)
        .order_by(col(FiguresSubmission.id).desc())
        .limit(1)
    ).first()


def stage_of(session: Session, submission: FiguresSubmission | None) -> Stage:
    """How far a submission has come; None is a calculation that was never submitted."""
    if submission is None or submission.recalled_at or submission.replaced_at:
        return Stage.DRAFT
    if seal_of(session, submission.measured_period_id) is not None:
        return Stage.SEALED
    return Stage.SUBMITTED if submission.begun_at is None else Stage.UNDER_REVIEW


def items_of(session: Session, review: PeriodReview) -> tuple[ReviewItem, ...]:
    """The items of the last submission, in their order."""
    found = session.scalars(
        select(ReviewItem)
        .where(col(ReviewItem.review_id) == review.id, col(ReviewItem.present))
        .order_by(col(ReviewItem.position))
    )
    return tuple(found)


def item_of(session: Session, review: PeriodReview, item_id: int) -> ReviewItem:
    """One item of the last submission; NotFound where it has none of that number."""
    item = session.get(ReviewItem, item_id)
    if item is None or item.review_id != review.id or not item.present:
        raise NotFound("there is no such figure")
    return item


def proposal_of(session: Session, item: ReviewItem) -> ReviewRemark | None:
    """The decision that is or was last proposed for an item; None where there is none."""
    return session.get(ReviewRemark, item.proposal_id) if item.proposal_id is not None else None


def policy_item(
    session: Session, submission: FiguresSubmission | None, author_id: int | None
) -> Item:
    """What the policy asks of figures that `author_id` prepared or submitted."""
    return Item(policy_state(session, submission), author_id, Side.PROVIDER)


_STATES = {
    Stage.DRAFT: State.SETTLED,
    Stage.SUBMITTED: State.SUBMITTED,
    Stage.UNDER_REVIEW: State.UNDER_REVIEW,
    Stage.SEALED: State.SEALED,
}


def policy_state(session: Session, submission: FiguresSubmission | None) -> State:
    """The state as the policy knows it: under review until every item is agreed."""
    stage = stage_of(session, submission)
    if stage is Stage.UNDER_REVIEW and submission is not None:
        review = session.get_one(PeriodReview, submission.review_id)
        if all(one.state is ItemState.AGREED for one in items_of(session, review)):
            return State.AGREED
    return _STATES[stage]


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody did or said about an item."""

    remark: ReviewRemark
    by: User


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item with all that was said of it, oldest first."""

    item: ReviewItem
    thread: tuple[Remark, ...]
    proposal: ReviewRemark | None
    agreed_by: User | None

    @property
    def carried(self) -> bool:
        """Whether it is agreed from an earlier submission, as nothing of it has changed."""
        return self.item.state is ItemState.AGREED and self.item.earlier_figure is not None


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A review as its page shows it."""

    review: PeriodReview
    submission: FiguresSubmission
    """The latest one, whether or not it still counts."""
    stage: Stage
    items: tuple[ItemView, ...]
    gone: tuple[ItemView, ...]
    """Items of earlier submissions that the latest one no longer has."""
    people: dict[int, User]
    """Everyone who is named, by id."""

    def count(self, state: ItemState) -> int:
        """How many items stand there."""
        return sum(one.item.state is state for one in self.items)

    @property
    def settled(self) -> int:
        """How many items need nothing more."""
        return self.count(ItemState.AGREED)

    @property
    def disputed(self) -> int:
        """How many items are contested, with or without a proposal."""
        return self.count(ItemState.CONTESTED) + self.count(ItemState.PROPOSED)


def review_of(
    session: Session, engagement: Engagement, period: Period, restatement: int = 0
) -> ReviewView | None:
    """A review with its items and threads; None while nothing of the period was submitted."""
    review = find_review(session, engagement, period, restatement)
    submission = latest_submission(session, review) if review else None
    if review is None or submission is None:
        return None
    people = {one.id: one for one in session.scalars(_people(review, submission))}
    remarks = session.scalars(
        select(ReviewRemark)
        .join(ReviewItem, col(ReviewItem.id) == col(ReviewRemark.item_id))
        .where(col(ReviewItem.review_id) == review.id)
        .order_by(col(ReviewRemark.id))
    ).all()
    items = session.scalars(
        select(ReviewItem)
        .where(col(ReviewItem.review_id) == review.id)
        .order_by(col(ReviewItem.position))
    )
    views = [_item_view(one, remarks, people) for one in items]
    return ReviewView(
        review=review,
        submission=submission,
        stage=stage_of(session, submission),
        items=tuple(one for one in views if one.item.present),
        gone=tuple(one for one in views if not one.item.present),
        people=people,
    )


def _people(review: PeriodReview, submission: FiguresSubmission) -> Select[User]:
    speakers = (
        select(col(ReviewRemark.made_by_id))
        .join(ReviewItem, col(ReviewItem.id) == col(ReviewRemark.item_id))
        .where(col(ReviewItem.review_id) == review.id)
    )
    agreeing = select(col(ReviewItem.agreed_by_id)).where(
        col(ReviewItem.review_id) == review.id, col(ReviewItem.agreed_by_id).is_not(None)
    )
    named = [
        one
        for one in (
            submission.prepared_by_id,
            submission.submitted_by_id,
            submission.begun_by_id,
            submission.recalled_by_id,
        )
        if one is not None
    ]
    key = col(User.id)
    return select(User).where(or_(key.in_(speakers), key.in_(agreeing), key.in_(named)))


def _item_view(
    item: ReviewItem, remarks: Sequence[ReviewRemark], people: dict[int, User]
) -> ItemView:
    thread = [one for one in remarks if one.item_id == item.id]
    return ItemView(
        item=item,
        thread=tuple(Remark(one, people[one.made_by_id]) for one in thread),
        proposal=next((one for one in thread if one.id == item.proposal_id), None),
        agreed_by=people.get(item.agreed_by_id or 0),
    )


def states_by_measured(session: Session, engagement: Engagement) -> dict[int, State]:
    """Where each calculation stands that was ever submitted, by the measured period's id."""
    rows = session.execute(
        select(FiguresSubmission, PeriodReview)
        .join(PeriodReview, col(PeriodReview.id) == col(FiguresSubmission.review_id))
        .where(col(PeriodReview.engagement_id) == engagement.id)
        .order_by(col(FiguresSubmission.id))
    )
    sealed = {one.measured_period_id for one in sealed_periods(session, engagement)}
    unsettled = set(
        session.scalars(
            select(col(ReviewItem.review_id))
            .join(PeriodReview, col(PeriodReview.id) == col(ReviewItem.review_id))
            .where(
                col(PeriodReview.engagement_id) == engagement.id,
                col(ReviewItem.present),
                col(ReviewItem.state) != ItemState.AGREED,
            )
        )
    )
    return {
        row.FiguresSubmission.measured_period_id: _state(row.FiguresSubmission, sealed, unsettled)
        for row in rows
    }


def _state(submission: FiguresSubmission, sealed: set[int], unsettled: set[int]) -> State:
    if submission.recalled_at or submission.replaced_at:
        return State.SETTLED
    if submission.measured_period_id in sealed:
        return State.SEALED
    if submission.begun_at is None:
        return State.SUBMITTED
    return State.UNDER_REVIEW if submission.review_id in unsettled else State.AGREED
