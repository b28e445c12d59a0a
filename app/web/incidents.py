"""Misses of one incident, as the client marks them while it reviews a period."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import FromPath

from app.security.guards import requires
from app.web import review_mail
from app.web.addresses import engagement_path
from app.web.forms import TextForm, text_of, texts_of
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import see_other
from app.web.review_mail import tell_other_side
from app.web.reviews import seen_of
from app.web.unit_of_work import Work, engagement_work
from billing.settlement.reviewing import submission_seen
from governance.access import Permission, Side
from governance.engagements.models import Engagement
from governance.values import Period
from sla.claims.incidents import NewIncident, mark_incident, remove_incident
from sla.claims.models import CreditIncident
from sla.reviews.models import FiguresSubmission

_Request = Request[Any, Any, Any]
_INCIDENTS = f"{PERIOD}/incidents"


@post(_INCIDENTS, guards=[requires(Permission.REVIEW_FIGURES)], sync_to_thread=True)
def mark(request: _Request, label: FromPath[str], data: TextForm) -> Response[Any]:
    """Mark several misses as of one incident."""
    new = NewIncident(
        texts_of(data, "service_levels"), text_of(data, "reason"), text_of(data, "counts")
    )

    def act(unit: Work, engagement: Engagement, submission: FiguresSubmission) -> CreditIncident:
        return mark_incident(unit.session, unit.actor, engagement, submission, new)

    return _done(request, label, data, act, review_mail.INCIDENT)


@post(
    f"{_INCIDENTS}/{{incident:int}}/remove",
    guards=[requires(Permission.REVIEW_FIGURES)],
    sync_to_thread=True,
)
def remove(
    request: _Request, label: FromPath[str], incident: FromPath[int], data: TextForm
) -> Response[Any]:
    """Let its misses count by themselves again."""

    def act(unit: Work, engagement: Engagement, submission: FiguresSubmission) -> CreditIncident:
        return remove_incident(unit.session, unit.actor, engagement, submission, incident)

    return _done(request, label, data, act, review_mail.NO_INCIDENT)


def _done(
    request: _Request,
    label: str,
    form: TextForm,
    act: Callable[[Work, Engagement, FiguresSubmission], CreditIncident],
    what: str,
) -> Response[Any]:
    period = period_of_address(label)
    with engagement_work(request, Permission.REVIEW_FIGURES) as (unit, engagement):
        submission = _submission(unit, engagement, period, form)
        incident = act(unit, engagement, submission)
        tell_other_side(unit, engagement, period, Side.CLIENT, what, item=incident.reference)
    path = engagement_path(engagement.reference, "periods", period.label)
    return see_other(request, f"{path}#incidents")


def _submission(
    unit: Work, engagement: Engagement, period: Period, form: TextForm
) -> FiguresSubmission:
    seen = seen_of(form, "submission")
    return submission_seen(unit.session, unit.actor, engagement, period, seen)


ROUTER = Router("/", route_handlers=[mark, remove])
