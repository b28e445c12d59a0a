"""Accounting: the journal of either party's books, and the three-way check of a period."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from app.journal_files import JournalFormat, journal_bytes
from app.security.guards import limited, requires
from app.security.throttle import EXPORT, PREVIEW
from app.web.addresses import HOME
from app.web.downloads import attachment
from app.web.exports import note_bytes
from app.web.forms import choice_of_form
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render
from app.web.terms import charge_rule
from app.web.unit_of_work import Work, allowed, engagement_work
from billing.accounting.queries import (
    Wanted,
    checked_rate,
    journal_of,
    months_between,
    usual_side,
)
from billing.accounting.three_way_queries import check_of_period
from billing.accounting.values import Journal
from governance.access import Permission
from governance.access_terms import Side
from governance.engagements.models import Engagement

_Request = Request[Any, Any, Any]
JOURNAL = f"{HOME}/{{reference:str}}/journal"
Short = Annotated[str, QueryParameter(max_length=20)]
MOST_SHOWN = 100
"""Entries on the page; the files have all of them."""


def _wanted(unit: Work, engagement: Engagement, asked: dict[str, str]) -> Wanted:
    """What the address asks for: this year so far, in one's own books, where it doesn't say."""
    today: date = unit.actor.at.date()
    period = months_between(
        asked["first"] or f"{today.year:04}-01", asked["last"] or f"{today:%Y-%m}"
    )
    side = (
        choice_of_form(Side, asked["side"], "side")
        if asked["side"]
        else usual_side(unit.session, unit.actor, engagement)
    )
    return Wanted(period, side, checked_rate(asked["own_tax"]))


@get(JOURNAL, guards=[requires(Permission.EXPORT_JOURNAL)], sync_to_thread=True)
def show_journal(
    request: _Request, first: Short = "", last: Short = "", side: Short = "", own_tax: Short = ""
) -> Response[str]:
    """Totals by account and the entries of the chosen months, and the files to take away."""
    asked = {"first": first, "last": last, "side": side, "own_tax": own_tax}
    with engagement_work(request, Permission.EXPORT_JOURNAL) as (unit, engagement):
        wanted = _wanted(unit, engagement, asked)
        journal = journal_of(unit.session, unit.actor, engagement, wanted)
        chosen = {
            "first": f"{wanted.period.start:%Y-%m}",
            "last": f"{wanted.period.end:%Y-%m}",
            "side": wanted.side.value,
            "own_tax": own_tax.strip(),
        }
        return render(
            request,
            "accounting/journal.html",
            engagement=engagement,
            journal=journal,
            shown=journal.entries[:MOST_SHOWN],
            chosen=chosen,
            query=urlencode(chosen),
            own_only=usual_side(unit.session, unit.actor, engagement) is Side.CLIENT,
        )


def _download(request: _Request, kind: JournalFormat, asked: dict[str, str]) -> Response[bytes]:
    with engagement_work(request, Permission.EXPORT_JOURNAL) as (unit, engagement):
        wanted = _wanted(unit, engagement, asked)
        journal: Journal = journal_of(unit.session, unit.actor, engagement, wanted)
        engagement_id = engagement.id
    data, name = journal_bytes(journal, kind), kind.file_name(journal)
    note_bytes(request, engagement_id, name, data)
    return attachment(data, name, kind.media_type)


_exports = [requires(Permission.EXPORT_JOURNAL), limited(EXPORT)]


@get(f"{JOURNAL}/entries.csv", guards=_exports, sync_to_thread=True)
def download_csv(
    request: _Request, first: Short = "", last: Short = "", side: Short = "", own_tax: Short = ""
) -> Response[bytes]:
    """The journal as a table, one posting a line."""
    asked = {"first": first, "last": last, "side": side, "own_tax": own_tax}
    return _download(request, JournalFormat.CSV, asked)


@get(f"{JOURNAL}/entries.journal", guards=_exports, sync_to_thread=True)
def download_hledger(
    request: _Request, first: Short = "", last: Short = "", side: Short = "", own_tax: Short = ""
) -> Response[bytes]:
    """The journal in hledger's format."""
    asked = {"first": first, "last": last, "side": side, "own_tax": own_tax}
    return _download(request, JournalFormat.HLEDGER, asked)


_THREE_WAY = f"{PERIOD}/three-way"


@get(_THREE_WAY, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_three_way(request: _Request, label: FromPath[str]) -> Response[str]:
    """Contract, sealed figures and invoice of a period side by side."""
    return _three_way(request, label, again=False)


@post(
    _THREE_WAY,
    guards=[requires(Permission.VIEW), limited(PREVIEW)],
    status_code=200,
    sync_to_thread=True,
)
def compute_three_way(request: _Request, label: FromPath[str]) -> Response[str]:
    """The same, with the sealed charges computed again from their evidence; nothing is kept."""
    return _three_way(request, label, again=True)


def _three_way(request: _Request, label: str, *, again: bool) -> Response[str]:
    period = period_of_address(label)
    with engagement_work(request, reading=True) as (unit, engagement):
        find = unit.store.local if again else None
        check = check_of_period(unit.session, unit.actor, engagement, period, find)
        may = allowed(unit, engagement)
    terms = {line.term.id: line.term for line in check.lines if line.term}
    rules = {key: charge_rule(term, engagement.currency) for key, term in terms.items()}
    return render(
        request,
        "accounting/three_way.html",
        engagement=engagement,
        period=period,
        check=check,
        rules=rules,
        may=may,
    )


ROUTER = Router(
    "/",
    route_handlers=[
        show_journal,
        download_csv,
        download_hledger,
        show_three_way,
        compute_three_way,
    ],
)
