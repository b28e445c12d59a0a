"""What was said of a period's figures goes over to the figures that are submitted anew."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from sla.reviews.decisions import decided_value
from sla.reviews.models import PeriodReview, ReviewItem
from sla.reviews.transitions import EXCUSED, Earlier, carried, has_changed
from sla.reviews.values import Figure, ItemState


def carry_over(session: Session, review: PeriodReview, figures: Iterable[Figure]) -> None:
    """Make the review's items those of the new figures; none is lost with what was said of it."""
    known = {
        (one.kind, one.key): one
        for one in session.scalars(select(ReviewItem).where(col(ReviewItem.review_id) == review.id))
    }
    first = not known
    for position, figure in enumerate(figures, start=1):
        item = known.pop((figure.kind, figure.key), None)
        if item is None:
            session.add(_new(review, position, figure, first=first))
        else:
            _update(session, item, position, figure)
    for gone in known.values():
        gone.present, gone.changed = False, True
    session.flush()


def _new(review: PeriodReview, position: int, figure: Figure, *, first: bool) -> ReviewItem:
    return ReviewItem(
        review_id=review.id,
        kind=figure.kind,
        key=figure.key,
        position=position,
        label=figure.label,
        figure=figure.text,
        value=figure.value,
        inputs_sha256=figure.inputs_sha256,
        changed=not first,
        state=ItemState.OPEN,
    )


def _update(session: Session, item: ReviewItem, position: int, figure: Figure) -> None:
    decided = decided_value(session, item)
    value = None
    if decided is not None:
        value = EXCUSED if decided.value is None else str(decided.value)
    earlier = Earlier(item.state, item.figure, item.inputs_sha256, value)
    item.state = carried(earlier, figure)
    item.changed = has_changed(earlier, figure)
    item.earlier_figure = item.figure
    item.position, item.label, item.figure = position, figure.label, figure.text
    item.value, item.inputs_sha256, item.present = figure.value, figure.inputs_sha256, True
    if item.state is ItemState.OPEN:
        item.agreed_at, item.agreed_by_id = None, None
    elif item.state is ItemState.AGREED and decided is not None:
        item.agreed_at, item.agreed_by_id = decided.accepted_at, decided.accepted_by_id
