"""The engagements of the signed-in user, and one engagement with its terms and periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from app.documents.formatting import words
from app.documents.wording import MODEL, WINDOW
from app.security.guards import SIGNED_IN_ONLY, limited, requires
from app.security.throttle import EXPORT
from app.web.addresses import HOME
from app.web.credit_terms import credit_rules
from app.web.downloads import attachment
from app.web.exports import note_export
from app.web.rendering import render, see_other
from app.web.terms import charge_rule
from app.web.unit_of_work import Work, allowed, engagement_work, work
from billing.settlement.queries import settled_periods
from governance.access import Permission, State, permits
from governance.contract.document import Contract
from governance.engagements.acceptance import version_views
from governance.engagements.service import (
    EngagementSummary,
    agreed_contract,
    contract_of,
    contract_versions,
    parties_of,
    visible_engagements,
)
from governance.errors import NotFound
from governance.values import Period
from sla.claims.service import ClaimView, claim_views
from sla.evidence.service import current_tables, hand_ins
from sla.kpis.catalogue import load_catalogue
from sla.reviews.queries import states_by_measured


@dataclass(frozen=True, slots=True)
class EngagementRow:
    """One engagement in the list, with the last period that was settled."""

    summary: EngagementSummary
    roles: tuple[str, ...]
    last: Period | None
    payable: Decimal | None
    state: State | None = None
    """Where that period stands between the sides."""
    claimable: tuple[ClaimView, ...] = ()
    """The computed credits that the user can claim, the first to lapse first."""


@get("/", opt=SIGNED_IN_ONLY, sync_to_thread=False)
def start(request: Request[Any, Any, Any]) -> Response[Any]:
    """Everyone starts at their engagements."""
    return see_other(request, HOME)


@get(HOME, opt=SIGNED_IN_ONLY, sync_to_thread=True)
def list_engagements(request: Request[Any, Any, Any]) -> Response[str]:
    """The engagements that the user is a member of."""
    with work(request) as unit:
        rows = [_row(unit, one) for one in visible_engagements(unit.session, unit.actor)]
    bills = any(permits(one.summary.roles, Permission.RUN_BILLING) for one in rows)
    return render(request, "engagements/list.html", rows=rows, model_words=MODEL, bills=bills)


def _row(unit: Work, summary: EngagementSummary) -> EngagementRow:
    settled = settled_periods(unit.session, unit.actor, summary.engagement)
    roles = tuple(sorted(words(role).capitalize() for role in summary.roles))
    claimable = _claimable(unit, summary)
    if not settled:
        return EngagementRow(summary, roles, None, None, claimable=claimable)
    invoice, record = settled[0].invoice, settled[0].settlement
    states = states_by_measured(unit.session, summary.engagement)
    state = State.ISSUED if invoice.number else states.get(record.measured_period_id, State.SETTLED)
    payable = invoice.money(invoice.payable_minor).amount
    return EngagementRow(summary, roles, settled[0].period, payable, state, claimable)


def _claimable(unit: Work, summary: EngagementSummary) -> tuple[ClaimView, ...]:
    if not permits(summary.roles, Permission.CLAIM_CREDIT):
        return ()
    views = claim_views(unit.session, summary.engagement, unit.actor.at)
    return tuple(one for one in views if one.amount and one.may_be_claimed)


@get(
    f"{HOME}/{{reference:str}}",
    guards=[requires(Permission.VIEW)],
    sync_to_thread=True,
)
def show_engagement(request: Request[Any, Any, Any]) -> Response[str]:
    """Terms, service levels, charges, periods, contract versions and evidence."""
    with engagement_work(request) as (unit, engagement):
        contract = contract_of(agreed_contract(unit.session, engagement))
        settled = settled_periods(unit.session, unit.actor, engagement)
        done = {one.period for one in settled}
        unsettled = [one for one in months_over(contract, unit.actor.at.date()) if one not in done]
        context: dict[str, Any] = {
            "parties": parties_of(unit.session, engagement),
            "versions": version_views(unit.session, unit.actor, engagement),
            "periods": settled,
            "states": states_by_measured(unit.session, engagement),
            "open_periods": unsettled,
            "next_period": _next(unsettled, settled[0].period if settled else None),
            "tables": current_tables(unit.session, unit.actor, engagement),
            "hand_ins": hand_ins(unit.session, unit.actor, engagement)[:5],
            "may": allowed(unit, engagement),
        }
    return render(
        request,
        "engagements/engagement.html",
        engagement=engagement,
        contract=contract,
        charge_rules={one.id: charge_rule(one, engagement.currency) for one in contract.charges},
        credit_rules=credit_rules(contract),
        kpis=load_catalogue(request.app.state.settings.kpi_dir),
        model_words=MODEL,
        window_words=WINDOW,
        **context,
    )


def _next(unsettled: Sequence[Period], last: Period | None) -> Period | None:
    """The first period after the last settled one, which the form proposes."""
    return next((one for one in unsettled if last is None or one > last), None)


def months_over(contract: Contract, today: date) -> tuple[Period, ...]:
    """The months of the engagement that are over by `today`, oldest first.

    Each is settled, also where the contract invoices quarters or years.
    """
    starts, ends = contract.engagement.starts, contract.engagement.ends
    month = Period.month(starts.year, starts.month)
    found = []
    while month.end < today and (ends is None or month.start <= ends):
        found.append(month)
        month = month.following()
    return tuple(found)


@get(
    f"{HOME}/{{reference:str}}/contracts/{{number:int}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_contract(request: Request[Any, Any, Any], number: FromPath[int]) -> Response[bytes]:
    """A version of the contract document, byte for byte as it was handed in."""
    with engagement_work(request) as (unit, engagement):
        versions = contract_versions(unit.session, unit.actor, engagement)
        for version in versions:
            if version.number == number:
                break
        else:
            raise NotFound(f"the contract of {engagement.reference} has no version {number}")
    label = f"Contract version {number} of {engagement.reference}"
    size = len(version.document)
    note_export(request, engagement.id, label, sha256=version.sha256, size=size)
    return attachment(version.document, version.file_name, "application/yaml")


ROUTER = Router("/", route_handlers=[start, list_engagements, show_engagement, download_contract])
