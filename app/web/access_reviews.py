"""Access reviews: the chair decides role by role, auditors and leads read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from app.documents.formatting import words
from app.security.guards import RECENT, limited, requires
from app.security.throttle import EXPORT
from app.web.addresses import HOME, engagement_path, row_id
from app.web.downloads import attachment
from app.web.exports import note_bytes
from app.web.forms import choice_of_form
from app.web.rendering import render, see_other
from app.web.tables import CSV_TYPE, Cell, csv_bytes
from app.web.unit_of_work import allowed, engagement_work
from governance.access import Permission
from governance.engagements.access_reviews import (
    DUE_AFTER,
    Review,
    complete_review,
    decide_on_role,
    get_review,
    is_due,
    reviews_of,
    start_review,
)
from governance.engagements.models import ReviewDecision

_REVIEWS = f"{HOME}/{{reference:str}}/access-reviews"
_REVIEW = f"{_REVIEWS}/{{review_id:int}}"
_COLUMNS = ("person", "e-mail", "organisation", "role", "decision", "reason", "decided at (UTC)")
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class DecisionForm:
    """What the form on one role sends."""

    decision: str = ""
    reason: str = ""


@get(_REVIEWS, guards=[requires(Permission.VIEW_DUTIES)], sync_to_thread=True)
def list_reviews(request: _Request) -> Response[str]:
    """All reviews, and whether the next one is due."""
    with engagement_work(request, Permission.VIEW_DUTIES) as (unit, engagement):
        reviews = reviews_of(unit.session, unit.actor, engagement)
        may = allowed(unit, engagement)
    return render(
        request,
        "access_reviews/list.html",
        engagement=engagement,
        reviews=reviews,
        due=is_due(reviews, request.user.actor.at),
        days=DUE_AFTER.days,
        may=may,
    )


@post(
    _REVIEWS,
    guards=[requires(Permission.REVIEW_ACCESS)],
    sync_to_thread=True,
)
def start(request: _Request) -> Response[Any]:
    """Write down who holds what, to be decided on."""
    with engagement_work(request, Permission.REVIEW_ACCESS) as (unit, engagement):
        review = start_review(unit.session, unit.actor, engagement)
    return see_other(request, _path(engagement.reference, review.review.id))


@get(_REVIEW, guards=[requires(Permission.VIEW_DUTIES)], sync_to_thread=True)
def show_review(request: _Request, review_id: FromPath[int]) -> Response[str]:
    """Each role with its decision, or the form for it."""
    with engagement_work(request, Permission.VIEW_DUTIES) as (unit, engagement):
        review = get_review(unit.session, unit.actor, engagement, row_id(review_id))
        may = allowed(unit, engagement)
    return render(
        request,
        "access_reviews/review.html",
        engagement=engagement,
        review=review,
        here=_path(engagement.reference, review.review.id),
        own_id=request.user.actor.user_id,
        may=may,
    )


@post(
    f"{_REVIEW}/roles/{{item_id:int}}",
    guards=[requires(Permission.REVIEW_ACCESS)],
    sync_to_thread=True,
)
def decide(
    request: _Request,
    review_id: FromPath[int],
    item_id: FromPath[int],
    data: Annotated[DecisionForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Keep one role, or let it go."""
    with engagement_work(request, Permission.REVIEW_ACCESS) as (unit, engagement):
        decide_on_role(
            unit.session,
            unit.actor,
            engagement,
            row_id(review_id),
            row_id(item_id),
            decision=choice_of_form(ReviewDecision, data.decision, "decision"),
            reason=data.reason,
        )
    return see_other(request, f"{_path(engagement.reference, review_id)}#role-{item_id}")


@post(
    f"{_REVIEW}/complete",
    guards=[requires(Permission.REVIEW_ACCESS)],
    opt=RECENT,
    sync_to_thread=True,
)
def complete(request: _Request, review_id: FromPath[int]) -> Response[Any]:
    """Take away what goes, and close the review."""
    with engagement_work(request, Permission.REVIEW_ACCESS) as (unit, engagement):
        complete_review(unit.session, unit.actor, engagement, row_id(review_id))
    return see_other(request, _path(engagement.reference, review_id))


@get(
    f"{_REVIEW}/roles.csv",
    guards=[requires(Permission.VIEW_DUTIES), limited(EXPORT)],
    sync_to_thread=True,
)
def download_review(request: _Request, review_id: FromPath[int]) -> Response[bytes]:
    """The review as a table."""
    with engagement_work(request, Permission.VIEW_DUTIES) as (unit, engagement):
        review = get_review(unit.session, unit.actor, engagement, row_id(review_id))
    data = csv_bytes(_COLUMNS, _rows(review))
    day = review.review.started_at.date().isoformat()
    name = f"{engagement.reference}-access-review-{day}.csv"
    note_bytes(request, engagement.id, name, data)
    return attachment(data, name, CSV_TYPE)


def _rows(review: Review) -> list[list[Cell]]:
    return [
        [
            one.user.name,
            one.user.email,
            one.organisation.name,
            words(one.item.role.value),
            one.item.decision.value if one.item.decision else "undecided",
            one.item.reason,
            one.item.decided_at,
        ]
        for one in review.roles
    ]


def _path(reference: str, review_id: int) -> str:
    return engagement_path(reference, "access-reviews", str(review_id))


ROUTER = Router(
    "/", route_handlers=[list_reviews, start, show_review, decide, complete, download_review]
)
