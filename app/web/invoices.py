"""The fee invoice of a period: shown from its frozen document, each line open to its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import RECENT, limited, requires
from app.security.throttle import PDF
from app.web.addresses import engagement_path
from app.web.credit_notes import corrections_of
from app.web.deliveries_view import invoice_deliveries
from app.web.invoice_life import draw_issued
from app.web.invoice_view import LOOKS, STAGES, STEP_WORDS, life_of
from app.web.periods import PERIOD, period_of_address
from app.web.reminders_view import late_of_invoice
from app.web.rendering import page_or_part, period_label, render, see_other
from app.web.results import ROWS_A_PAGE, FirstRow, RowsView
from app.web.terms import charge_rule
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.invoices.issuing import commit_issue, prepare_issue
from billing.invoices.service import require_issuable
from billing.invoices.steps import steps_of
from billing.metering.names import find_meter
from billing.settlement.acceptance import agreement_of
from billing.settlement.drill_down import Page, drill_down_quantity
from billing.settlement.models import DocumentKind
from billing.settlement.queries import get_document, get_settled_period, settled_periods
from governance.access import Permission
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.engagements.service import contract_of, parties_of
from governance.errors import Conflict, NotFound
from governance.values import Period
from governance.zones import local_day


@get(f"{PERIOD}/invoice", guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_invoice(request: Request[Any, Any, Any], label: FromPath[str]) -> Response[str]:
    """Parties, lines with their arithmetic, service credits, taxes and totals."""
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        settled = get_settled_period(unit.session, unit.actor, engagement, period)
        document = _document(unit, engagement, period)
        others = settled_periods(unit.session, unit.actor, engagement)
        agreement = agreement_of(unit.session, unit.actor, engagement, period)
        life = life_of(unit, engagement, settled)
        corrections = corrections_of(unit, engagement, settled.invoice)
        deliveries = invoice_deliveries(unit, engagement, settled.invoice)
        late = late_of_invoice(unit, engagement, settled.invoice)
        may = allowed(unit, engagement)
    contract = contract_of(settled.contract_version)
    rules = {one.id: charge_rule(one, engagement.currency) for one in contract.charges}
    return render(
        request,
        "invoices/invoice.html",
        engagement=engagement,
        period=period,
        settled=settled,
        document=document,
        rules=rules,
        open_periods={one.period.label for one in others},
        agreement=agreement,
        life=life,
        may=may,
        invoice_payments=life.payments,
        corrections=corrections,
        late=late,
        deliveries=deliveries,
        stages=STAGES,
        looks=LOOKS,
        step_words=STEP_WORDS,
    )


def _document(unit: Work, engagement: Engagement, period: Period) -> dict[str, Any]:
    frozen = get_document(unit.session, unit.actor, engagement, period, DocumentKind.INVOICE)
    document: dict[str, Any] = json.loads(frozen.data)
    return document


@get(
    f"{PERIOD}/invoice/lines/{{position:int}}",
    guards=[requires(Permission.VIEW)],
    sync_to_thread=True,
)
def show_line(
    request: Request[Any, Any, Any],
    label: FromPath[str],
    position: FromPath[int],
    offset: FirstRow = 0,
) -> Response[str]:
    """One line: its charge, its arithmetic, and the ledger rows that its quantity counts."""
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        settled = get_settled_period(unit.session, unit.actor, engagement, period)
        lines = _document(unit, engagement, period)["lines"]
        if not 1 <= position <= len(lines):
            raise NotFound(f"the invoice has no line {position}")
        line = lines[position - 1]
        rows = _rows(unit, engagement, period, line, offset)
    contract = contract_of(settled.contract_version)
    return page_or_part(
        request,
        "invoices/line.html",
        "periods/_rows.html",
        engagement=engagement,
        period=period,
        position=position,
        line=line,
        rule=_rule(contract, line, engagement.currency),
        meter=find_meter(line["meter"] or ""),
        tables={table.sha256: table for table in settled.evidence},
        rows=rows,
        rows_path=request.url.path,
    )


def _rule(contract: Contract, line: Mapping[str, Any], currency: str) -> tuple[str, ...]:
    """What a line follows from: its charge, late rows, or the restatement that it makes good."""
    if "restatement" in line:
        period, _, number = line["restatement"].rpartition("/")
        what = f"Makes good restatement {number} of {period}: restated, less what counted before."
        return (what,)
    charges = [one for one in contract.charges if one.id == line["charge"]]
    rule = charge_rule(charges[0], currency) if charges else ()
    if "late" in line:
        late = period_label(line["late"])
        return (f"Rows of {late} that came after its figures were sealed.", *rule)
    return rule


def _rows(
    unit: Work, engagement: Engagement, period: Period, line: Mapping[str, Any], offset: int
) -> RowsView | None:
    """The rows of a metered line, or its late rows; None for one that counts nothing."""
    meter = line["meter"]
    if meter is None:
        return None
    try:
        page = drill_down_quantity(
            unit.session,
            unit.actor,
            engagement,
            period,
            meter,
            workshop=unit.workshop,
            page=Page(offset, ROWS_A_PAGE),
            late=line.get("late", ""),
        )
    except (Conflict, NotFound) as error:
        return RowsView(None, 0, str(error))
    return RowsView(page, offset)


@get(
    f"{PERIOD}/invoice/issue",
    guards=[requires(Permission.ISSUE_INVOICE)],
    opt=RECENT,
    sync_to_thread=True,
)
def confirm_issue(request: Request[Any, Any, Any], label: FromPath[str]) -> Response[str]:
    """What issuing does: the number's pattern, what is payable, and what can't change after."""
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        settled = get_settled_period(unit.session, unit.actor, engagement, period)
        agreement = agreement_of(unit.session, unit.actor, engagement, period)
        provider = parties_of(unit.session, engagement)[1]
        steps = steps_of(unit.session, settled.invoice)
    contract = contract_of(settled.contract_version)
    return render(
        request,
        "invoices/issue.html",
        engagement=engagement,
        period=period,
        settled=settled,
        agreement=agreement,
        provider=provider,
        steps=steps,
        invoicing=contract.invoicing,
        today=local_day(contract.engagement.time_zone, unit.actor.at),
    )


@post(
    f"{PERIOD}/invoice/issue",
    guards=[requires(Permission.ISSUE_INVOICE), limited(PDF)],
    opt=RECENT,
    sync_to_thread=True,
)
def issue(request: Request[Any, Any, Any], label: FromPath[str]) -> Response[Any]:
    """Number the draft and freeze it; figures and PDF are computed while nothing is locked."""
    period = period_of_address(label)
    with engagement_work(request, Permission.ISSUE_INVOICE, reading=True) as (unit, engagement):
        require_issuable(unit.session, unit.actor, engagement, period)
        prepared = prepare_issue(unit.session, unit.actor, engagement, period, unit.workshop)
    with engagement_work(request, Permission.ISSUE_INVOICE) as (unit, engagement):
        commit_issue(unit.session, unit.actor, engagement, prepared)
    draw_issued(request, period)
    return see_other(
        request, engagement_path(engagement.reference, "periods", period.label, "invoice")
    )


ROUTER = Router("/", route_handlers=[show_invoice, show_line, confirm_issue, issue])
