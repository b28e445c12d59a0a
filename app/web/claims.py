"""Claiming a period's service credit for the client."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import requires
from app.web.addresses import engagement_path
from app.web.periods import period_of_address
from app.web.rendering import render, see_other
from app.web.service_credits import CREDITS, credit_context
from app.web.unit_of_work import allowed, engagement_work
from governance.access import Permission
from governance.errors import NotFound
from sla.claims.service import claim_credit, claim_view_of

_Request = Request[Any, Any, Any]
CLAIM = f"{CREDITS}/{{label:str}}/claim"


@get(CLAIM, guards=[requires(Permission.CLAIM_CREDIT)], sync_to_thread=True)
def confirm_claim(request: _Request, label: FromPath[str]) -> Response[str]:
    """What is claimed, until when it can be, and which invoice it comes off."""
    period = period_of_address(label)
    with engagement_work(request, Permission.CLAIM_CREDIT) as (unit, engagement):
        view = claim_view_of(unit.session, engagement, period, unit.actor.at)
        if view is None:
            raise NotFound(f"the credit of {period.label} needs no claim")
        settled = view.amount is not None
        context = credit_context(unit, engagement, period) if settled else {}
        common = {
            "engagement": engagement,
            "period": period,
            "view": view,
            "may": allowed(unit, engagement),
        }
    return render(request, "credits/claim.html", **(context | common))


@post(CLAIM, guards=[requires(Permission.CLAIM_CREDIT)], sync_to_thread=True)
def claim(request: _Request, label: FromPath[str]) -> Response[Any]:
    """Claim it."""
    period = period_of_address(label)
    with engagement_work(request, Permission.CLAIM_CREDIT) as (unit, engagement):
        claim_credit(unit.session, unit.actor, engagement, period)
    return see_other(request, engagement_path(engagement.reference, "credits"))


ROUTER = Router("/", route_handlers=[confirm_claim, claim])
