"""Statements of account and ageing: pages, tables to take away, and statements that are kept."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from app.documents.statement import render_statement
from app.documents.template_version import template_version
from app.security.guards import limited, requires, requires_somewhere
from app.security.throttle import EXPORT, PDF
from app.web.addresses import HOME, engagement_path, row_id
from app.web.downloads import attachment
from app.web.exports import note_bytes, note_export
from app.web.forms import TextForm, choice_of_form, day_of_form, text_of
from app.web.reminders_mail import send_statement, sending_of
from app.web.rendering import render, see_other
from app.web.statements_view import (
    AGEING_COLUMNS,
    MOVEMENT_WORDS,
    STATEMENT_COLUMNS,
    Seen,
    StatementView,
    ageing_rows,
    seen_accounts,
    shares,
    statement_rows,
    statement_views,
)
from app.web.tables import CSV_TYPE, csv_bytes
from app.web.unit_of_work import Work, allowed, engagement_work, work
from billing.deliveries.values import DeliverySubject
from billing.statements.ageing import ageing, totals
from billing.statements.keeping import keep_statement, kept_statement, kept_statements
from billing.statements.queries import (
    account_in,
    ageing_everywhere,
    checked_day,
    span_of,
    terms_of,
)
from governance.access import Permission
from governance.access_terms import Side
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.values import Period

_Request = Request[Any, Any, Any]
AGEING = "/ageing"
_OWN_AGEING = f"{HOME}/{{reference:str}}/ageing"
STATEMENT = f"{HOME}/{{reference:str}}/statement"
_KEPT = f"{HOME}/{{reference:str}}/statements"
_ONE_KEPT = f"{_KEPT}/{{statement:int}}"
_EVERYWHERE = [requires_somewhere(Permission.RECORD_PAYMENT)]
_VIEWS = [requires(Permission.VIEW)]
_EXPORTS = [requires(Permission.VIEW), limited(EXPORT)]
Short = Annotated[str, QueryParameter(max_length=20)]


@get(AGEING, guards=_EVERYWHERE, sync_to_thread=True)
def show_everywhere(request: _Request, day: Short = "") -> Response[str]:
    """What is open in every engagement of the provider's person, by days past due."""
    with work(request) as unit:
        today = unit.actor.at.date()
        chosen = checked_day(day_of_form(day, "day"), today)
        found = ageing_everywhere(unit.session, unit.actor, chosen)
    return render(
        request,
        "statements/everywhere.html",
        ageings=[one for one in found if one.invoices or one.sums.balance],
        totals=totals(found),
        shares=shares,
        day=chosen,
        today=today,
    )


@get(f"{AGEING}/open-invoices.csv", guards=[*_EVERYWHERE, limited(EXPORT)], sync_to_thread=True)
def download_everywhere(request: _Request, day: Short = "") -> Response[bytes]:
    """The same as a table, one open invoice a line."""
    with work(request) as unit:
        chosen = checked_day(day_of_form(day, "day"), unit.actor.at.date())
        found = ageing_everywhere(unit.session, unit.actor, chosen)
    data, name = csv_bytes(AGEING_COLUMNS, ageing_rows(found)), f"ageing-{chosen}.csv"
    note_bytes(request, None, name, data)
    return attachment(data, name, CSV_TYPE)


@get(_OWN_AGEING, guards=_VIEWS, sync_to_thread=True)
def show_ageing(request: _Request, day: Short = "", side: Short = "") -> Response[str]:
    """The open invoices of one engagement at the end of a day."""
    with engagement_work(request) as (unit, engagement):
        seen = _seen(unit, engagement, side)
        chosen = checked_day(day_of_form(day, "day"), seen.terms.today)
        found = [ageing(one, chosen) for one in seen.accounts]
        return render(
            request,
            "statements/ageing.html",
            engagement=engagement,
            ageings=found,
            shares=shares,
            day=chosen,
            seen=seen,
            query=urlencode({"day": chosen.isoformat(), "side": seen.side.value}),
            may=allowed(unit, engagement),
        )


@get(f"{_OWN_AGEING}/open-invoices.csv", guards=_EXPORTS, sync_to_thread=True)
def download_ageing(request: _Request, day: Short = "", side: Short = "") -> Response[bytes]:
    """The same as a table."""
    with engagement_work(request) as (unit, engagement):
        seen = _seen(unit, engagement, side)
        chosen = checked_day(day_of_form(day, "day"), seen.terms.today)
        rows = ageing_rows([ageing(one, chosen) for one in seen.accounts])
    data, name = csv_bytes(AGEING_COLUMNS, rows), f"{engagement.reference}-ageing-{chosen}.csv"
    note_bytes(request, engagement.id, name, data)
    return attachment(data, name, CSV_TYPE)


def _seen(unit: Work, engagement: Engagement, side: str) -> Seen:
    asked = choice_of_form(Side, side, "side") if side else None
    return seen_accounts(unit, engagement, asked)


def _span(seen: Seen, first: str, last: str) -> Period:
    return span_of(day_of_form(first, "first"), day_of_form(last, "last"), seen.terms.today)


@get(STATEMENT, guards=_VIEWS, sync_to_thread=True)
def show_statement(
    request: _Request, first: Short = "", last: Short = "", side: Short = ""
) -> Response[str]:
    """Opening balance, movements, closing balance and what is open at the end, by currency."""
    with engagement_work(request) as (unit, engagement):
        seen = _seen(unit, engagement, side)
        period = _span(seen, first, last)
        days = {"first": period.start.isoformat(), "last": period.end.isoformat()}
        return render(
            request,
            "statements/statement.html",
            engagement=engagement,
            views=statement_views(unit, engagement, seen, period),
            period=period,
            days=days,
            seen=seen,
            words=MOVEMENT_WORDS,
            shares=shares,
            kept=kept_statements(unit.session, unit.actor, engagement),
            may=allowed(unit, engagement),
        )


@get(f"{STATEMENT}/movements.csv", guards=_EXPORTS, sync_to_thread=True)
def download_statement(
    request: _Request,
    first: Short = "",
    last: Short = "",
    side: Short = "",
    currency: Short = "",
) -> Response[bytes]:
    """The movements of one currency as a table, with both balances."""
    with engagement_work(request) as (unit, engagement):
        seen = _seen(unit, engagement, side)
        view = _view(unit, engagement, seen, _span(seen, first, last), currency)
    data = csv_bytes(STATEMENT_COLUMNS, statement_rows(view.statement))
    name = _file_name(engagement, view, "csv")
    note_bytes(request, engagement.id, name, data)
    return attachment(data, name, CSV_TYPE)


def _view(
    unit: Work, engagement: Engagement, seen: Seen, period: Period, currency: str
) -> StatementView:
    account = account_in(seen.accounts, currency)
    one = Seen(seen.terms, seen.side, seen.own, (account,))
    return statement_views(unit, engagement, one, period)[0]


def _file_name(engagement: Engagement, view: StatementView, ending: str) -> str:
    span, currency = view.statement.period, view.statement.account.currency
    name = f"{engagement.reference}-statement-{span.start}-{span.end}-{currency}.{ending}"
    return name.replace("/", "_")


def _for_client(
    request: _Request, first: str, last: str, currency: str
) -> tuple[Engagement, Contract, StatementView]:
    """The statement as the client has it, read while nothing is locked."""
    with engagement_work(request, reading=True) as (unit, engagement):
        seen = seen_accounts(unit, engagement, Side.CLIENT)
        view = _view(unit, engagement, seen, _span(seen, first, last), currency)
    return engagement, seen.terms.contract, view


@get(
    f"{STATEMENT}/statement.pdf",
    guards=[requires(Permission.VIEW), limited(PDF)],
    sync_to_thread=True,
)
def download_pdf(
    request: _Request, first: Short = "", last: Short = "", currency: Short = ""
) -> Response[bytes]:
    """The statement of one currency as the client gets it; nothing is kept."""
    engagement, contract, view = _for_client(request, first, last, currency)
    data = render_statement(contract, view.statement, view.uncharged)
    name = _file_name(engagement, view, "pdf")
    note_bytes(request, engagement.id, name, data)
    return attachment(data, name, "application/pdf")


@post(_KEPT, guards=[requires(Permission.SEND_INVOICE), limited(PDF)], sync_to_thread=True)
def keep(request: _Request, data: TextForm) -> Response[Any]:
    """Draw the statement as the client gets it, and keep it so that it can be sent."""
    asked = (text_of(data, "first"), text_of(data, "last"), text_of(data, "currency"))
    _, contract, view = _for_client(request, *asked)
    pdf = render_statement(contract, view.statement, view.uncharged)
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement)
        row = keep_statement(*place, view.statement, pdf, template_version())
        number = row.number
    path = engagement_path(engagement.reference, "statements", str(number))
    return see_other(request, path)


@get(_ONE_KEPT, guards=_VIEWS, sync_to_thread=True)
def show_kept(request: _Request, statement: FromPath[int]) -> Response[str]:
    """A statement that was kept, and where it was sent."""
    with engagement_work(request) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, row_id(statement))
        row, document = kept_statement(*place)
        return render(
            request,
            "statements/kept.html",
            engagement=engagement,
            statement=row,
            document=document,
            made_by=unit.session.get_one(User, row.made_by_id),
            sending=sending_of(unit, engagement, DeliverySubject.STATEMENT, row.id),
            may=allowed(unit, engagement),
        )


@post(
    f"{_ONE_KEPT}/send",
    guards=[requires(Permission.SEND_INVOICE), limited(PDF)],
    sync_to_thread=True,
)
def send(request: _Request, statement: FromPath[int], data: TextForm) -> Response[Any]:
    """Queue it as a mail to the addresses of the form."""
    with engagement_work(request, Permission.SEND_INVOICE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, row_id(statement))
        row, document = kept_statement(*place)
        contract = terms_of(unit.session, engagement, unit.actor).contract
        send_statement(unit, engagement, row, document, contract, data)
        path = engagement_path(engagement.reference, "statements", str(row.number))
    return see_other(request, path)


@get(f"{_ONE_KEPT}/statement.pdf", guards=_EXPORTS, sync_to_thread=True)
def download_kept(request: _Request, statement: FromPath[int]) -> Response[bytes]:
    """A statement that was kept, byte for byte."""
    with engagement_work(request) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, row_id(statement))
        row, document = kept_statement(*place)
        name = f"{engagement.reference}-statement-{row.first_day}-{row.last_day}.pdf"
        data, sha256 = document.data, document.sha256
    note_export(request, engagement.id, name, sha256=sha256, size=len(data))
    return attachment(data, name, "application/pdf")


ROUTER = Router(
    "/",
    route_handlers=[
        show_everywhere,
        download_everywhere,
        show_ageing,
        download_ageing,
        show_statement,
        download_statement,
        download_pdf,
        keep,
        show_kept,
        send,
        download_kept,
    ],
)
