"""Service levels over time: thirteen months, baseline, targets and how this month may end."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.documents.trend_view import TrendView
from app.documents.wording import WINDOW
from app.security.guards import limited, requires
from app.security.throttle import IMPORT
from app.web.addresses import HOME, engagement_path, identifier
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from governance.access import Permission
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import contract_of
from governance.errors import NotFound
from sla.trends.models import TrendReport
from sla.trends.service import is_up_to_date, latest_trends, update_trends

_LEVELS = f"{HOME}/{{reference:str}}/service-levels"


@get(_LEVELS, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_trends(request: Request[Any, Any, Any]) -> Response[str]:
    """All service levels: trend, distance to the target, and how the running month may end."""
    with engagement_work(request) as (unit, engagement):
        context = _context(unit, engagement)
    return render(request, "trends/list.html", **context)


@get(f"{_LEVELS}/{{level:str}}", guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_trend(request: Request[Any, Any, Any], level: FromPath[str]) -> Response[str]:
    """One service level: chart, months, baseline, forecast and what it rests on."""
    wanted = identifier(level)
    with engagement_work(request) as (unit, engagement):
        context = _context(unit, engagement)
    view = next((one for one in context["levels"] if one.terms.id == wanted), None)
    if view is None:
        raise NotFound(f"{engagement.reference} has no trend of a service level {wanted} yet")
    return render(request, "trends/level.html", **context, view=view, window_words=WINDOW)


@post(
    _LEVELS,
    guards=[requires(Permission.UPDATE_TRENDS), limited(IMPORT)],
    sync_to_thread=True,
)
def bring_up_to_date(request: Request[Any, Any, Any]) -> Response[Any]:
    """Compute the trends from the evidence as it is now."""
    with engagement_work(request, Permission.UPDATE_TRENDS) as (unit, engagement):
        shop = unit.workshop
        update_trends(unit.session, unit.actor, engagement, shop.store, shop.catalogue)
    return see_other(request, engagement_path(engagement.reference, "service-levels"))


def _context(unit: Work, engagement: Engagement) -> dict[str, Any]:
    report = latest_trends(unit.session, engagement)
    return {
        "engagement": engagement,
        "may": allowed(unit, engagement),
        "report": report,
        "levels": () if report is None else _views(unit, engagement, report),
        "current": report is not None
        and is_up_to_date(unit.session, engagement, report, unit.actor.at),
    }


def _views(unit: Work, engagement: Engagement, report: TrendReport) -> tuple[TrendView, ...]:
    version = unit.session.get_one(ContractVersion, report.contract_version_id)
    contract = contract_of(version)
    return tuple(
        TrendView(contract.service_level(one.service_level), one, engagement.currency)
        for one in report.trends.levels
    )


ROUTER = Router("/", route_handlers=[show_trends, show_trend, bring_up_to_date])
