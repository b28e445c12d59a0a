"""What both sides say about single figures: agreed, contested, answered."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from governance.access import Actor, Permission, Side
from governance.audit.models import Action
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from sla.reviews.models import FiguresSubmission, ReviewItem
from sla.reviews.queries import item_of, items_of
from sla.reviews.service import ensure_begun
from sla.reviews.turns import Turn, side_of, take_turn, text_of
from sla.reviews.values import Act, ItemState


def agree_items(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    item_ids: Sequence[int] | None = None,
) -> int:
    """Agree, for the client, to these items, or to all on which nothing is said; answers how many.

    Raises Forbidden for the provider's people and who prepared or submitted the figures,
    Conflict for what can't be agreed to as it stands.
    """
    turn = _judging(session, actor, engagement, submission)
    if item_ids is None:
        present = items_of(session, turn.review)
        chosen = [one for one in present if one.state is ItemState.OPEN]
    else:
        chosen = [item_of(session, turn.review, item_id) for item_id in item_ids]
    for item in chosen:
        turn.move(item, Act.AGREE, Side.CLIENT)
        item.agreed_at, item.agreed_by_id = actor.at, actor.signed_in_id
        turn.say(item, Act.AGREE, Side.CLIENT)
        turn.record_item(Action.ITEM_AGREED, item)
    return len(chosen)


def contest_item(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    item_id: int,
    *,
    reason: str,
) -> ReviewItem:
    """Contest an item for the client; BadInput without a reason."""
    text = text_of(reason)
    turn = _judging(session, actor, engagement, submission)
    item = item_of(session, turn.review, item_id)
    turn.move(item, Act.CONTEST, Side.CLIENT)
    item.agreed_at, item.agreed_by_id, item.proposal_id = None, None, None
    turn.say(item, Act.CONTEST, Side.CLIENT, text)
    turn.record_item(Action.ITEM_CONTESTED, item, text)
    return item


def withdraw_contest(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    item_id: int,
    *,
    reason: str = "",
) -> ReviewItem:
    """The client no longer contests an item, which is then open again."""
    text = text_of(reason, required=False)
    turn = _judging(session, actor, engagement, submission)
    item = item_of(session, turn.review, item_id)
    turn.move(item, Act.WITHDRAW, Side.CLIENT)
    item.proposal_id = None
    turn.say(item, Act.WITHDRAW, Side.CLIENT, text)
    turn.record_item(Action.ITEM_WITHDRAWN, item, text)
    return item


def reply(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    item_id: int,
    *,
    text: str,
) -> ReviewItem:
    """Say something on a contested item, for one's side; BadInput where nothing is said."""
    said = text_of(text)
    require(session, actor, engagement, Permission.DISCUSS_FIGURES)
    turn = take_turn(session, actor, engagement, submission)
    side = side_of(session, actor, engagement)
    item = item_of(session, turn.review, item_id)
    turn.move(item, Act.REPLY, side)
    turn.say(item, Act.REPLY, side, said)
    turn.record_item(Action.ITEM_ANSWERED, item, said)
    return item


def _judging(
    session: Session, actor: Actor, engagement: Engagement, submission: FiguresSubmission
) -> Turn:
    turn = take_turn(session, actor, engagement, submission)
    turn.require_judge()
    ensure_begun(turn)
    return turn
