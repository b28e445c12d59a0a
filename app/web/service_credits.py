"""The service credits of an engagement: what was credited when, why, and on which invoice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from app.documents.formatting import period
from app.security.guards import limited, requires
from app.security.throttle import EXPORT
from app.web.addresses import HOME
from app.web.exports import note_bytes
from app.web.periods import period_of_address
from app.web.rendering import render
from app.web.tables import Cell, csv_download
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.settlement.credit_history import PeriodCredit, credit_history, credit_of_period
from billing.settlement.queries import get_settled_period
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.engagements.service import contract_of
from governance.errors import NotFound
from governance.values import Period
from sla.claims.queries import incidents_of
from sla.claims.service import claim_views
from sla.service_credits.values import ServiceCredits

_Request = Request[Any, Any, Any]
CREDITS = f"{HOME}/{{reference:str}}/credits"
_COLUMNS = (
    "period",
    "part",
    "id",
    "value",
    "status",
    "before_cap",
    "amount",
    "currency",
    "why",
    "claim",
    "invoice_period",
    "invoice",
)


@get(CREDITS, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_credits(request: _Request) -> Response[str]:
    """What can be claimed until when, and the credit of every settled period."""
    with engagement_work(request) as (unit, engagement):
        at = unit.actor.at
        views = claim_views(unit.session, engagement, at)
        context: dict[str, Any] = {
            "history": credit_history(unit.session, unit.actor, engagement, at),
            "claimable": [one for one in views if one.may_be_claimed],
            "asks_for_claims": bool(views),
            "may": allowed(unit, engagement),
        }
    return render(request, "credits/list.html", engagement=engagement, **context)


@get(f"{CREDITS}/{{label:str}}", guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_credit(request: _Request, label: FromPath[str]) -> Response[str]:
    """One period's credit, part by part; each figure opens to its measurement."""
    with engagement_work(request) as (unit, engagement):
        context = credit_context(unit, engagement, period_of_address(label))
    return render(request, "credits/period.html", **context)


def credit_context(unit: Work, engagement: Engagement, days: Period) -> dict[str, Any]:
    """Everything that the page needs; NotFound where the period has no service credit."""
    one = credit_of_period(unit.session, unit.actor, engagement, days, unit.actor.at)
    return {
        "engagement": engagement,
        "period": days,
        "one": one,
        "titles": _titles(unit, engagement, one),
        "more": list(_more_parts(one.credits)),
        "incidents": incidents_of(unit.session, engagement, days),
        "may": allowed(unit, engagement),
    }


def _more_parts(
    given: ServiceCredits,
) -> Iterator[tuple[str, list[tuple[str, str, Decimal]]]]:
    """What a credit consists of besides service levels: a heading, with what, why and amount."""
    yield (
        "Persistent failures",
        [(one.service_level, one.why, one.credit) for one in given.persistent_failures],
    )
    yield "Critical milestones", [(one.title, one.why, one.credit) for one in given.milestones]
    yield (
        "Earned back",
        [
            (f"{one.service_level}, {period(one.period)}", one.why, one.amount)
            for one in given.earn_backs
        ],
    )


def _titles(unit: Work, engagement: Engagement, one: PeriodCredit) -> dict[str, str]:
    """The titles of the credited service levels, by id."""
    try:
        settled = get_settled_period(unit.session, unit.actor, engagement, one.period)
    except NotFound:
        return {}
    contract = contract_of(settled.contract_version)
    measured = {row.service_level for row in settled.measurements}
    return {
        level.id: settled.terms_of(contract, level.id).title
        for level in one.credits.service_levels
        if level.id in measured
    }


@get(f"{CREDITS}.csv", guards=[requires(Permission.VIEW), limited(EXPORT)], sync_to_thread=True)
def download_credits(request: _Request) -> Response[bytes]:
    """The same as a table: a row for each part of each period's credit."""
    with engagement_work(request) as (unit, engagement):
        found = credit_history(unit.session, unit.actor, engagement, unit.actor.at)
        rows = [row for one in found for row in _rows(one)]
        day = unit.actor.at.date().isoformat()
    table = csv_download(_COLUMNS, rows, f"{engagement.reference}-credits-{day}.csv")
    note_bytes(request, engagement.id, f"Credits of {engagement.reference}", table.content)
    return table


def _rows(one: PeriodCredit) -> Iterator[tuple[Cell, ...]]:
    given = one.credits
    claim = one.claim.state.value if one.claim else "not needed"
    invoiced = (one.comes_off.label if one.comes_off else "", one.invoice)
    for part in (*_levels(given), *_more(given), *_totals(given)):
        name, key, value, status, before, amount, why = part
        yield (
            one.period.label,
            name,
            key,
            value,
            status,
            before,
            amount,
            given.currency,
            why,
            claim,
            *invoiced,
        )


_Part = tuple[str, str, Cell, str, Cell, Cell, str]


def _levels(given: ServiceCredits) -> Iterator[_Part]:
    for level in given.service_levels:
        status, before = level.status.value, level.before_cap
        why = level.why
        yield "service level", level.id, level.value, status, before, level.credit, why
        if level.bonus:
            yield "bonus", level.id, level.value, status, None, -level.bonus, why


def _more(given: ServiceCredits) -> Iterator[_Part]:
    for failure in given.persistent_failures:
        key, before, why = failure.service_level, failure.before_cap, failure.why
        yield "persistent failure", key, None, "", before, failure.credit, why
    for late in given.milestones:
        yield "milestone", late.id, late.days_late, "", late.before_cap, late.credit, late.why
    for earned in given.earn_backs:
        key, why = earned.service_level, earned.why
        yield "earned back", key, None, "", None, -earned.amount, why


def _totals(given: ServiceCredits) -> Iterator[_Part]:
    yield "base", "", None, "", None, given.base, ""
    yield "cap", "", None, "", None, given.cap, ""
    yield "credit", "", None, "", given.before_cap, given.credit, ""
    yield "net", "", None, "", None, given.net, ""


ROUTER = Router("/", route_handlers=[list_credits, show_credit, download_credits])
