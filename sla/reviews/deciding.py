"""Contested figures settled by decision: one side proposes, a person of the other answers."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from sqlalchemy.orm import Session

from governance.access import Actor, Item, Permission, Side
from governance.audit.models import Action
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import BadInput, Conflict, Problem
from governance.values import plain
from sla.reviews.models import FiguresSubmission, ReviewItem
from sla.reviews.queries import item_of, policy_item, proposal_of
from sla.reviews.turns import Proposal, Turn, side_of, take_turn, text_of
from sla.reviews.values import Act, ItemKind, ItemState, Ruling

_LONGEST_VALUE = 40


def propose_decision(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    item_id: int,
    *,
    proposal: Proposal,
) -> ReviewItem:
    """Propose, for one's side, how to decide a contested item.

    Raises Forbidden, for the client, for who prepared or submitted the figures; BadInput without
    a reason, and where the value is no number or a charge is to be given one; Conflict where the
    item isn't contested, or the other side's proposal waits.
    """
    require(session, actor, engagement, Permission.DISCUSS_FIGURES)
    turn = take_turn(session, actor, engagement, submission)
    side = side_of(session, actor, engagement)
    item = item_of(session, turn.review, item_id)
    _require_judge(turn, side)
    checked = _checked(proposal, item)
    turn.move(item, Act.PROPOSE, side)
    remark = turn.say(item, Act.PROPOSE, side, checked.reason, checked)
    item.proposal_id = remark.id
    stated = {"ruling": checked.ruling.value, "value": checked.value}
    turn.record_item(Action.DECISION_PROPOSED, item, checked.reason, stated)
    return item


def _require_judge(turn: Turn, side: Side) -> None:
    """For the client, a decision is a judgement of figures: nobody gives it on their own."""
    if side is Side.CLIENT:
        turn.require_judge()


def _checked(proposal: Proposal, item: ReviewItem) -> Proposal:
    reason = text_of(proposal.reason)
    if proposal.ruling is not Ruling.UPHELD and item.kind is not ItemKind.SERVICE_LEVEL:
        raise BadInput.one(
            Problem(
                "a charge follows from the evidence and the contract",
                column="ruling",
                found=proposal.ruling.value,
                allowed="upheld, or corrected evidence",
            )
        )
    value = _number(proposal.value or "") if proposal.ruling is Ruling.VALUE else None
    return Proposal(proposal.ruling, reason, value)


def _number(text: str) -> str:
    try:
        found = Decimal(text.strip()) if len(text) <= _LONGEST_VALUE else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise BadInput.one(
            Problem(
                "the proposed value is no number",
                column="value",
                found=text[:_LONGEST_VALUE],
                allowed="digits with a full stop before decimals, such as 93.5",
            )
        )
    return plain(found)


def answer_proposal(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    item_id: int,
    *,
    accepts: bool,
    reason: str = "",
    seen: int | None = None,
) -> ReviewItem:
    """Accept or refuse, for one's side, what the other side proposes.

    An accepted value counts when the period is settled again; an upheld figure is agreed at
    once. `seen` is the id of the proposal that the person has looked at.

    Raises Forbidden for who proposed it and their whole side, and, where the client accepts, for
    who prepared or submitted the figures; BadInput for a refusal without a reason; Conflict where
    nothing is proposed, or something else since the person looked.
    """
    text = text_of(reason, required=not accepts)
    require(session, actor, engagement, Permission.DECIDE_FIGURES)
    turn = take_turn(session, actor, engagement, submission)
    item = item_of(session, turn.review, item_id)
    proposed = proposal_of(session, item)
    if proposed is None or item.state is not ItemState.PROPOSED:
        raise Conflict(f"{item.label}: nothing is proposed")
    if seen is not None and seen != proposed.id:
        raise Conflict(f"{item.label}: something else was proposed since you looked; read it first")
    state = policy_item(session, submission, None).state
    asked = Item(state, proposed.made_by_id, proposed.side)
    require(session, actor, engagement, Permission.DECIDE_FIGURES, asked)
    side = side_of(session, actor, engagement)
    if accepts:
        _require_judge(turn, side)
    act = Act.ACCEPT if accepts else Act.REFUSE
    turn.move(item, act, side)
    if not accepts:
        item.proposal_id = None
    elif proposed.ruling is Ruling.UPHELD:
        item.agreed_at, item.agreed_by_id = actor.at, actor.signed_in_id
    turn.say(item, act, side, text)
    action = Action.DECISION_ACCEPTED if accepts else Action.DECISION_REFUSED
    turn.record_item(action, item, text)
    return item
