"""Contested figures that both sides settle by decision."""

from __future__ import annotations

import json

import pytest
from sqlmodel import Session

from billing.settlement.reviewing import (
    apply_decisions,
)
from governance.errors import BadInput, Conflict, Forbidden
from sla.reviews.deciding import answer_proposal, propose_decision
from sla.reviews.decisions import decisions_of
from sla.reviews.judging import contest_item
from sla.reviews.queries import sealed_periods
from sla.reviews.turns import Proposal
from sla.reviews.values import ItemState, Ruling
from tests.billing.settlement.scenes import Scene
from tests.factories import (
    JANUARY,
    agree,
)


def test_a_decision_needs_both_sides_and_counts_when_it_is_settled_again(
    session: Session, scene: Scene
) -> None:
    agree(session, scene.engagement)
    submission, item = scene.submit(), scene.item("SL-01")
    place = (scene.engagement, submission, item)
    contest_item(session, scene.chair, *place, reason="the bank was closed")
    proposal = Proposal(Ruling.VALUE, "the bank confirms it", "85.5")
    propose_decision(session, scene.manager, *place, proposal=proposal)
    for actor in (scene.manager, scene.finance):
        with pytest.raises(Forbidden):
            answer_proposal(session, actor, *place, accepts=True)
    with pytest.raises(Conflict, match="waits for an answer"):
        propose_decision(session, scene.chair, *place, proposal=proposal)
    assert decisions_of(session, scene.engagement, JANUARY) == {}
    answer_proposal(session, scene.chair, *place, accepts=True)
    decided = decisions_of(session, scene.engagement, JANUARY)["SL-01"]
    assert (str(decided.value), decided.reason) == ("85.5", "the bank confirms it")
    assert (decided.proposed_by_id, decided.accepted_by_id) == (
        scene.manager.user_id,
        scene.chair.user_id,
    )
    assert scene.states()["SL-01"] == "decided"
    with pytest.raises(Conflict, match="not every figure"):
        scene.seal()
    apply_decisions(session, scene.manager, scene.engagement, JANUARY, scene.workshop)
    assert scene.states()["SL-01"] == "agreed"
    assert "85.5%" in next(one.item.figure for one in scene.review.items if one.item.id == item)
    scene.seal()
    seal = sealed_periods(session, scene.engagement)[0]
    (kept,) = json.loads(seal.document)["decisions"]
    assert (kept["value"], kept["excused"], kept["proposed_side"]) == ("85.5", False, "provider")


def test_a_level_may_be_excused_by_decision(session: Session, scene: Scene) -> None:
    submission, item = scene.submit(), scene.item("SL-01")
    place = (scene.engagement, submission, item)
    contest_item(session, scene.chair, *place, reason="our bank was closed")
    excused = Proposal(Ruling.EXCUSED, "nobody could pay")
    propose_decision(session, scene.chair, *place, proposal=excused)
    answer_proposal(session, scene.manager, *place, accepts=True)
    assert decisions_of(session, scene.engagement, JANUARY)["SL-01"].excused
    apply_decisions(session, scene.manager, scene.engagement, JANUARY, scene.workshop)
    assert scene.states()["SL-01"] == "agreed"


def test_a_refused_proposal_leaves_the_figure_contested(session: Session, scene: Scene) -> None:
    submission, item = scene.submit(), scene.item("CH-02")
    place = (scene.engagement, submission, item)
    contest_item(session, scene.chair, *place, reason="one invoice too many")
    with pytest.raises(BadInput, match="a charge follows from"):
        propose_decision(session, scene.manager, *place, proposal=Proposal(Ruling.VALUE, "so", "3"))
    upheld = Proposal(Ruling.UPHELD, "three were issued")
    propose_decision(session, scene.manager, *place, proposal=upheld)
    with pytest.raises(BadInput, match="a reason is missing"):
        answer_proposal(session, scene.chair, *place, accepts=False)
    answer_proposal(session, scene.chair, *place, accepts=False, reason="we see two")
    assert scene.states()["CH-02"] == ItemState.CONTESTED
    propose_decision(session, scene.manager, *place, proposal=upheld)
    answer_proposal(session, scene.chair, *place, accepts=True)
    assert scene.states()["CH-02"] == ItemState.AGREED
    assert decisions_of(session, scene.engagement, JANUARY) == {}


@pytest.mark.parametrize("value", ["", "about 90", "NaN", "1" * 41])
def test_a_proposed_value_is_a_number(session: Session, scene: Scene, value: str) -> None:
    submission, item = scene.submit(), scene.item("SL-01")
    place = (scene.engagement, submission, item)
    contest_item(session, scene.chair, *place, reason="wrong")
    with pytest.raises(BadInput, match="no number"):
        propose_decision(
            session, scene.manager, *place, proposal=Proposal(Ruling.VALUE, "so", value)
        )
