"""Access reviews: who holds what is written down, decided on, and what goes is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from governance.access import Actor, Role
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.access_reviews import (
    Review,
    complete_review,
    decide_on_role,
    get_review,
    is_due,
    reviews_of,
    start_review,
)
from governance.engagements.members import members
from governance.engagements.models import Engagement, ReviewDecision
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.parties.models import User
from governance.parties.service import deactivate
from tests.factories import make_actor, make_engagement, make_member

KEEP, REMOVE = ReviewDecision.KEEP, ReviewDecision.REMOVE


class Scene:
    """An engagement with its manager, a chair, a finance person and an auditor."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.manager = make_actor(session)
        self.engagement: Engagement = make_engagement(session, self.manager)
        self.chair = make_member(session, self.engagement, Role.COMMITTEE_CHAIR)
        self.finance = make_member(session, self.engagement, Role.CLIENT_FINANCE)
        self.auditor = make_member(session, self.engagement, Role.AUDITOR)

    def start(self) -> Review:
        """A review by the chair."""
        return start_review(self.session, self.chair, self.engagement)

    def decide(
        self,
        review: Review,
        about: Actor,
        decision: ReviewDecision,
        reason: str = "",
        by: Actor | None = None,
    ) -> None:
        """The chair's decision on the role of one person."""
        item = next(one.item for one in review.roles if one.item.user_id == about.user_id)
        decide_on_role(
            self.session,
            by or self.chair,
            self.engagement,
            review.review.id,
            item.id,
            decision=decision,
            reason=reason,
        )


@pytest.fixture
def scene(session: Session) -> Scene:
    """One of each."""
    return Scene(session)


def test_a_review_writes_down_who_holds_what(scene: Scene) -> None:
    review = scene.start()
    assert {(one.item.user_id, one.item.role) for one in review.roles} == {
        (one.user.id, one.membership.role)
        for one in members(scene.session, scene.chair, scene.engagement)
    }
    with pytest.raises(Conflict, match="open already"):
        scene.start()
    assert events_of(scene.session, scene.engagement.id)[0].action is Action.ACCESS_REVIEW_STARTED


def test_a_role_that_goes_is_gone_when_the_review_is_completed(scene: Scene) -> None:
    review = scene.start()
    scene.decide(review, scene.manager, KEEP)
    scene.decide(review, scene.auditor, KEEP)
    with pytest.raises(Conflict, match="nobody has decided yet"):
        complete_review(scene.session, scene.chair, scene.engagement, review.review.id)
    scene.decide(review, scene.finance, REMOVE, "left the company")
    held = {one.user.id for one in members(scene.session, scene.chair, scene.engagement)}
    assert scene.finance.user_id in held
    done = complete_review(scene.session, scene.chair, scene.engagement, review.review.id)
    held = {one.user.id for one in members(scene.session, scene.chair, scene.engagement)}
    assert scene.finance.user_id not in held
    assert (done.removed, len(done.undecided)) == (1, 1)
    completed, removed = events_of(scene.session, scene.engagement.id)[:2]
    assert completed.action is Action.ACCESS_REVIEW_COMPLETED
    assert (removed.action, removed.reason) == (Action.MEMBER_REMOVED, "left the company")
    with pytest.raises(Conflict, match="is completed"):
        scene.decide(review, scene.auditor, KEEP)


def test_a_removal_needs_its_reason(scene: Scene) -> None:
    review = scene.start()
    with pytest.raises(BadInput, match="a removal needs its reason"):
        scene.decide(review, scene.finance, REMOVE, "  \n")
    with pytest.raises(BadInput, match="too long"):
        scene.decide(review, scene.finance, KEEP, "x" * 501)


def test_nobody_decides_on_their_own_role(scene: Scene) -> None:
    review = scene.start()
    with pytest.raises(Forbidden, match="own role"):
        scene.decide(review, scene.chair, KEEP)


def test_another_chair_decides_on_the_first_one(scene: Scene) -> None:
    second = make_member(scene.session, scene.engagement, Role.COMMITTEE_CHAIR)
    review = scene.start()
    for about in (scene.manager, scene.auditor, scene.finance, second):
        scene.decide(review, about, KEEP)
    with pytest.raises(Conflict, match="nobody has decided yet"):
        complete_review(scene.session, scene.chair, scene.engagement, review.review.id)
    scene.decide(review, scene.chair, KEEP, by=second)
    complete_review(scene.session, scene.chair, scene.engagement, review.review.id)


def test_the_last_lead_of_a_side_stays(scene: Scene) -> None:
    review = scene.start()
    scene.decide(review, scene.manager, REMOVE, "no reason")
    for about in (scene.auditor, scene.finance):
        scene.decide(review, about, KEEP)
    with pytest.raises(Conflict, match="the last one to lead"):
        complete_review(scene.session, scene.chair, scene.engagement, review.review.id)


def test_a_closed_account_is_no_other_chair(scene: Scene) -> None:
    second = make_member(scene.session, scene.engagement, Role.COMMITTEE_CHAIR)
    review = scene.start()
    for one in (scene.manager, scene.finance, scene.auditor, second):
        scene.decide(review, one, KEEP)
    with pytest.raises(Conflict, match="nobody has decided"):
        complete_review(scene.session, scene.chair, scene.engagement, review.review.id)
    deactivate(scene.session, scene.chair, scene.session.get_one(User, second.signed_in_id))
    complete_review(scene.session, scene.chair, scene.engagement, review.review.id)


def test_only_the_chair_reviews_and_members_of_duty_read(scene: Scene) -> None:
    review = scene.start()
    for actor in (scene.manager, scene.auditor):
        assert len(reviews_of(scene.session, actor, scene.engagement)) == 1
        with pytest.raises(Forbidden):
            scene.decide(review, scene.finance, KEEP, by=actor)
        with pytest.raises(Forbidden):
            start_review(scene.session, actor, scene.engagement)
    with pytest.raises(Forbidden):
        reviews_of(scene.session, scene.finance, scene.engagement)


def test_a_review_of_others_is_not_there(scene: Scene) -> None:
    review = scene.start()
    other = make_engagement(scene.session, scene.manager, "ENG-2")
    with pytest.raises(NotFound):
        get_review(scene.session, scene.manager, other, review.review.id)


def test_a_review_is_due_after_ninety_days(scene: Scene) -> None:
    assert is_due((), scene.chair.at)
    review = scene.start()
    for about in (scene.manager, scene.auditor, scene.finance):
        scene.decide(review, about, KEEP)
    assert is_due(reviews_of(scene.session, scene.chair, scene.engagement), scene.chair.at)
    complete_review(scene.session, scene.chair, scene.engagement, review.review.id)
    done = reviews_of(scene.session, scene.chair, scene.engagement)
    assert not is_due(done, scene.chair.at + timedelta(days=90))
    later = replace(scene.chair, at=scene.chair.at + timedelta(days=90, seconds=1))
    assert is_due(done, later.at)
