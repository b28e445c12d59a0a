"""Restatements of sealed periods: computed beside the seal, reviewed, and sealed themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import RECENT, limited, requires
from app.security.throttle import PDF
from app.web.addresses import engagement_path, row_id
from app.web.forms import TextForm, text_of
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other
from app.web.reviews import seen_of
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.restatements.queries import RestatementView, get_restatement
from billing.restatements.reviewing import seal_restatement, submit_restatement
from billing.restatements.service import restate_period
from governance.access import Permission, decide
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import standing_of
from governance.engagements.service import contract_of
from governance.errors import Conflict
from governance.values import Period
from sla.reviews.judging import contest_item, withdraw_contest
from sla.reviews.models import ReviewItem
from sla.reviews.queries import policy_item, review_of, submission_of

_Request = Request[Any, Any, Any]
RESTATEMENTS = f"{PERIOD}/restatements"
_ONE = f"{RESTATEMENTS}/{{restatement:int}}"


@post(
    RESTATEMENTS,
    guards=[requires(Permission.RESTATE_PERIOD), limited(PDF)],
    sync_to_thread=True,
)
def restate(request: _Request, label: FromPath[str], data: TextForm) -> Response[Any]:
    """Compute a sealed period anew, with what counts now."""
    period = period_of_address(label)
    with engagement_work(request, Permission.RESTATE_PERIOD) as (unit, engagement):
        row = restate_period(
            unit.session, unit.actor, engagement, period, unit.workshop, text_of(data, "reason")
        )
        number = row.number
    return see_other(request, _path(engagement, period, number))


def _path(engagement: Engagement, period: Period, number: int) -> str:
    reference = engagement.reference
    return engagement_path(reference, "periods", period.label, "restatements", str(number))


@get(_ONE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_restatement(
    request: _Request, label: FromPath[str], restatement: FromPath[int]
) -> Response[str]:
    """What differs, why, how far both sides are, and which invoice makes it good."""
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        found = get_restatement(unit.session, unit.actor, engagement, period, row_id(restatement))
        return render(request, "restatements/restatement.html", **_shown(unit, engagement, found))


def _shown(unit: Work, engagement: Engagement, found: RestatementView) -> dict[str, Any]:
    row = found.record
    session = unit.session
    version = session.get_one(ContractVersion, row.contract_version_id)
    levels = {one.id: one.title for one in contract_of(version).service_levels}
    submission = submission_of(session, row.measured_period_id)
    review = review_of(session, engagement, row.period, row.number)
    standing = standing_of(session, unit.actor, engagement)
    author = submission.submitted_by_id if submission else row.made_by_id
    item = policy_item(session, submission, author)
    return {
        "engagement": engagement,
        "period": row.period,
        "found": found,
        "row": row,
        "titles": levels,
        "version": version,
        "review": review if submission else None,
        "state": item.state,
        "submit": decide(standing, Permission.SUBMIT_FIGURES, item),
        "contest": decide(standing, Permission.REVIEW_FIGURES, item),
        "seal": decide(standing, Permission.ACCEPT_FIGURES, item),
        "may": allowed(unit, engagement),
    }


@post(f"{_ONE}/submit", guards=[requires(Permission.SUBMIT_FIGURES)], sync_to_thread=True)
def submit(request: _Request, label: FromPath[str], restatement: FromPath[int]) -> Response[Any]:
    """Hand the restatement over to the client."""
    period = period_of_address(label)
    with engagement_work(request, Permission.SUBMIT_FIGURES) as (unit, engagement):
        found = get_restatement(unit.session, unit.actor, engagement, period, row_id(restatement))
        submit_restatement(unit.session, unit.actor, engagement, found.record)
    return see_other(request, _path(engagement, period, restatement))


@post(f"{_ONE}/contest", guards=[requires(Permission.REVIEW_FIGURES)], sync_to_thread=True)
def contest(
    request: _Request, label: FromPath[str], restatement: FromPath[int], data: TextForm
) -> Response[Any]:
    """Contest one of its figures, with a reason."""
    return _judged(request, label, restatement, data, contest_item)


@post(f"{_ONE}/withdraw", guards=[requires(Permission.REVIEW_FIGURES)], sync_to_thread=True)
def withdraw(
    request: _Request, label: FromPath[str], restatement: FromPath[int], data: TextForm
) -> Response[Any]:
    """No longer contest one of its figures."""
    return _judged(request, label, restatement, data, withdraw_contest)


def _judged(
    request: _Request, label: str, restatement: int, form: TextForm, act: Callable[..., ReviewItem]
) -> Response[Any]:
    period = period_of_address(label)
    with engagement_work(request, Permission.REVIEW_FIGURES) as (unit, engagement):
        found = get_restatement(unit.session, unit.actor, engagement, period, row_id(restatement))
        submission = submission_of(unit.session, found.record.measured_period_id)
        if submission is None:
            raise Conflict("the provider hasn't submitted this restatement")
        text = text_of(form, "item")
        item_id = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
        reason = text_of(form, "reason")
        act(unit.session, unit.actor, engagement, submission, item_id, reason=reason)
    return see_other(request, _path(engagement, period, restatement))


@post(
    f"{_ONE}/seal",
    guards=[requires(Permission.ACCEPT_FIGURES)],
    opt=RECENT,
    sync_to_thread=True,
)
def seal(
    request: _Request, label: FromPath[str], restatement: FromPath[int], data: TextForm
) -> Response[Any]:
    """Agree to all of it for the client, and seal it: the figures seen, and no others."""
    period, seen = period_of_address(label), seen_of(data, "submission")
    with engagement_work(request, Permission.ACCEPT_FIGURES) as (unit, engagement):
        found = get_restatement(unit.session, unit.actor, engagement, period, row_id(restatement))
        seal_restatement(
            unit.session,
            unit.actor,
            engagement,
            found.record,
            unit.workshop.catalogue,
            seen=seen,
        )
    return see_other(request, _path(engagement, period, restatement))


ROUTER = Router("/", route_handlers=[restate, show_restatement, submit, contest, withdraw, seal])
