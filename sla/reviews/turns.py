"""One person's turn in a review: checks, moves and records that all acts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from governance.access import Actor, Permission, Side
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.errors import BadInput, Conflict, Forbidden, NotFound, Problem
from governance.values import Period
from sla.reviews.models import FiguresSubmission, PeriodReview, ReviewItem, ReviewRemark
from sla.reviews.queries import policy_item, proposal_of, stage_of
from sla.reviews.transitions import Place, Refused, after
from sla.reviews.values import Act, ItemState, Ruling, Stage

LONGEST_TEXT = 2_000
"""Characters of a reason or a remark."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """How one side would decide a contested item."""

    ruling: Ruling
    reason: str
    value: str | None = None
    """A decimal as text, for `Ruling.VALUE` only."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who does something with a submission."""

    session: Session
    actor: Actor
    engagement: Engagement
    submission: FiguresSubmission
    review: PeriodReview

    @property
    def stage(self) -> Stage:
        """How far the period has come."""
        return stage_of(self.session, self.submission)

    @property
    def label(self) -> str:
        """How people call what is reviewed."""
        return label_of(self.engagement, self.review)

    def require_judge(self, permission: Permission = Permission.REVIEW_FIGURES) -> None:
        """Neither who prepared the figures nor who submitted them judges them."""
        for author in {self.submission.prepared_by_id, self.submission.submitted_by_id}:
            item = policy_item(self.session, self.submission, author)
            require(self.session, self.actor, self.engagement, permission, item)

    def move_period(self, act: Act, side: Side) -> None:
        """Conflict where the act isn't possible for the period as it stands."""
        moved = after(Place(self.stage), act, side)
        if isinstance(moved, Refused):
            raise Conflict(moved.why)

    def move(self, item: ReviewItem, act: Act, side: Side) -> None:
        """Take an item on; Conflict where the act isn't possible as it stands."""
        waiting = item.state is ItemState.PROPOSED
        proposal = proposal_of(self.session, item) if waiting else None
        place = Place(
            self.stage,
            item.state,
            proposal.side if proposal else None,
            proposal.ruling if proposal else None,
        )
        moved = after(place, act, side)
        if isinstance(moved, Refused):
            raise Conflict(f"{item.label}: {moved.why}")
        item.state = moved.item or item.state

    def say(
        self,
        item: ReviewItem,
        act: Act,
        side: Side,
        text: str = "",
        proposal: Proposal | None = None,
    ) -> ReviewRemark:
        """Keep what was done, and what was said with it."""
        remark = ReviewRemark(
            item_id=item.id,
            submission_id=self.submission.id,
            act=act,
            side=side,
            made_by_id=self.actor.signed_in_id,
            made_at=self.actor.at,
            text=text,
            ruling=proposal.ruling if proposal else None,
            value=proposal.value if proposal else None,
        )
        self.session.add(remark)
        self.session.flush()
        return remark

    def record(self, action: Action, reason: str = "") -> None:
        """The act on the whole period, in the log."""
        stated = {
            "submission": str(self.submission.number),
            "measured_period": str(self.submission.measured_period_id),
            "prepared_by": str(self.submission.prepared_by_id),
        }
        self._record(
            Change(
                action,
                "figures_submission",
                self.submission.id,
                self.label,
                self.engagement.id,
                None,
                stated,
                reason,
            )
        )

    def record_item(
        self,
        action: Action,
        item: ReviewItem,
        reason: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """The act on one item, in the log."""
        stated = {"state": item.state.value, "figure": item.figure, **(more or {})}
        label = f"{self.label} {item.key}"
        key = self.engagement.id
        self._record(Change(action, "review_item", item.id, label, key, None, stated, reason))

    def _record(self, change: Change) -> None:
        record(self.session, self.actor, change)


def take_turn(
    session: Session, actor: Actor, engagement: Engagement, submission: FiguresSubmission
) -> Turn:
    """Begin to work on a submission: what changes one engagement follows one another.

    Raises NotFound where the submission is another engagement's.
    """
    lock_engagement(session, engagement)
    review = session.get_one(PeriodReview, submission.review_id)
    if review.engagement_id != engagement.id:
        raise NotFound("there is no such submission")
    session.refresh(submission)
    return Turn(session, actor, engagement, submission, review)


def label_of(engagement: Engagement, review: PeriodReview) -> str:
    """How people call a review: "ENG-1 2026-01", with the number of a restatement."""
    period = Period(review.period_start, review.period_end)
    number = f", restatement {review.restatement}" if review.restatement else ""
    return f"{engagement.reference} {period.label}{number}"


def side_of(session: Session, actor: Actor, engagement: Engagement) -> Side:
    """The side that the actor speaks for; Forbidden for who acts for both or for none."""
    sides = standing_of(session, actor, engagement).sides
    if len(sides) != 1:
        raise Forbidden("only who acts for one side can speak for it")
    return next(iter(sides))


def text_of(text: str, *, required: bool = True) -> str:
    """What a person wrote, trimmed, in plain lines; BadInput where it is missing or too long."""
    found = plain_lines(text).strip()
    if required and not found:
        raise BadInput.one(Problem("a reason is missing", column="reason", allowed="a sentence"))
    if len(found) > LONGEST_TEXT:
        what = f"the text is longer than {LONGEST_TEXT} characters"
        raise BadInput.one(Problem(what, column="reason", found=f"{len(found)} characters"))
    return found
