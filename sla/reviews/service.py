"""Figures go from the provider to the client: submitted, taken back, taken up."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from governance.access import Actor, Permission, Side
from governance.audit.models import Action
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import Conflict
from governance.values import Period
from sla.measurements.models import MeasuredPeriodRecord
from sla.reviews.carrying import carry_over
from sla.reviews.models import FiguresSubmission, PeriodReview
from sla.reviews.queries import find_review, latest_submission, stage_of, submission_of
from sla.reviews.transitions import Place, Refused, after
from sla.reviews.turns import Turn, take_turn, text_of
from sla.reviews.values import Act, Figure, Stage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A calculation that is ready to be submitted."""

    measured: MeasuredPeriodRecord
    prepared_by_id: int
    figures: tuple[Figure, ...]
    restatement: int = 0
    """0 for the period itself, else the number of its restatement."""


def submit_figures(
    session: Session, actor: Actor, engagement: Engagement, prepared: Prepared, note: str = ""
) -> FiguresSubmission:
    """Hand a calculation over to the client; what was agreed or contested before carries over.

    Raises Forbidden for all but the provider's people, Conflict where figures of the period are
    with the client already, or sealed.
    """
    require(session, actor, engagement, Permission.SUBMIT_FIGURES)
    lock_engagement(session, engagement)
    said = text_of(note, required=False)
    review = _review_for(session, engagement, prepared)
    last = latest_submission(session, review)
    moved = after(Place(stage_of(session, last)), Act.SUBMIT, Side.PROVIDER)
    if isinstance(moved, Refused):
        raise Conflict(moved.why)
    submission = FiguresSubmission(
        review_id=review.id,
        number=last.number + 1 if last else 1,
        measured_period_id=prepared.measured.id,
        prepared_by_id=prepared.prepared_by_id,
        submitted_at=actor.at,
        submitted_by_id=actor.signed_in_id,
        note=said,
    )
    session.add(submission)
    session.flush()
    carry_over(session, review, prepared.figures)
    turn = Turn(session, actor, engagement, submission, review)
    turn.record(Action.FIGURES_SUBMITTED, said)
    return submission


def _review_for(session: Session, engagement: Engagement, prepared: Prepared) -> PeriodReview:
    period = Period(prepared.measured.period_start, prepared.measured.period_end)
    review = find_review(session, engagement, period, prepared.restatement)
    if review is None:
        review = PeriodReview(
            engagement_id=engagement.id,
            period_start=period.start,
            period_end=period.end,
            restatement=prepared.restatement,
        )
        session.add(review)
        session.flush()
    return review


def recall_figures(
    session: Session, actor: Actor, engagement: Engagement, submission: FiguresSubmission
) -> None:
    """Take a submission back; Conflict once the client has begun to review it."""
    require(session, actor, engagement, Permission.SUBMIT_FIGURES)
    turn = take_turn(session, actor, engagement, submission)
    turn.move_period(Act.RECALL, Side.PROVIDER)
    submission.recalled_at, submission.recalled_by_id = actor.at, actor.signed_in_id
    session.flush()
    turn.record(Action.FIGURES_RECALLED)


def replace_submission(session: Session, actor: Actor, measured_period_id: int) -> None:
    """Note that a newer calculation took the place of what was submitted, if anything was.

    The client has nothing to judge until that one is submitted too. The caller has checked the
    permission, holds the engagement's lock and records what it does.
    """
    submission = submission_of(session, measured_period_id)
    if submission is not None and stage_of(session, submission) is not Stage.DRAFT:
        submission.replaced_at = actor.at
        session.flush()


def begin_review(
    session: Session, actor: Actor, engagement: Engagement, submission: FiguresSubmission
) -> None:
    """The client takes up what was submitted; from now on it can't be taken back."""
    turn = take_turn(session, actor, engagement, submission)
    turn.require_judge()
    _begin(turn)


def ensure_begun(turn: Turn) -> None:
    """Begin the review where nobody has: who judges a figure is reviewing."""
    if turn.stage is Stage.SUBMITTED:
        _begin(turn)


def _begin(turn: Turn) -> None:
    turn.move_period(Act.BEGIN, Side.CLIENT)
    turn.submission.begun_at = turn.actor.at
    turn.submission.begun_by_id = turn.actor.signed_in_id
    turn.session.flush()
    turn.record(Action.REVIEW_BEGUN)
