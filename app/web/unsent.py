"""All issued invoices that nobody has sent yet, and their sending in one go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.params import FromQuery

from app.database import actor_scope
from app.mail.deliveries import send_invoice
from app.security.guards import limited, requires_somewhere
from app.security.throttle import IMPORT
from app.web.forms import TextForm, text_of, texts_of
from app.web.rendering import render
from app.web.unit_of_work import Work, work
from billing.deliveries.unsent import MOST, Unsent, unsent_invoices
from billing.invoices.models import FeeInvoice
from billing.runs.preview import month_of
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Busy, Conflict, Problem
from governance.tenancy import narrow

UNSENT: Final = "/unsent"
_SENDS: Final = [requires_somewhere(Permission.SEND_INVOICE)]
_ID: Final = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refused:
    """An invoice that couldn't be queued."""

    invoice: Unsent
    why: str


@get(UNSENT, guards=_SENDS, sync_to_thread=True)
def list_unsent(
    request: Request[Any, Any, Any], month: FromQuery[str] = "", engagement: FromQuery[str] = ""
) -> Response[str]:
    """Which invoices would go to whom, and which can't be sent as they are."""
    with work(request) as unit:
        found = _found(unit, month, engagement)
    return render(
        request,
        "deliveries/unsent.html",
        found=found,
        month=month,
        engagement=engagement,
        most=MOST,
    )


def _found(unit: Work, month: str, reference: str) -> tuple[Unsent, ...]:
    period = month_of(month) if month else None
    return unsent_invoices(unit.session, unit.actor, period, reference)


@post(UNSENT, guards=[*_SENDS, limited(IMPORT)], sync_to_thread=True)
def send_unsent(request: Request[Any, Any, Any], data: TextForm) -> Response[str]:
    """Queue a mail for each invoice that was ticked, each in a transaction of its own."""
    ticked = {int(one) for one in texts_of(data, "invoice") if _ID.fullmatch(one)}
    with work(request, reading=True) as unit:
        found = _found(unit, text_of(data, "month"), text_of(data, "engagement"))
    chosen = [one for one in found if one.invoice.id in ticked]
    if not chosen:
        allowed = "at least one of the list that nobody has sent meanwhile"
        raise BadInput.one(Problem("no invoice is chosen", column="invoice", allowed=allowed))
    sent, refused = [], []
    shown = _shown(data)
    for one in chosen:
        if why := _sent(request, one, shown.get(one.invoice.id, "")):
            refused.append(Refused(one, why))
        else:
            sent.append(one)
    return render(request, "deliveries/queued.html", sent=sent, refused=refused)


def _shown(form: dict[str, Any]) -> dict[int, str]:
    """By invoice: the mark of the recipients that the page showed."""
    pairs = [one.partition(" ") for one in texts_of(form, "whom")]
    return {int(name): mark for name, _, mark in pairs if _ID.fullmatch(name)}


def _sent(request: Request[Any, Any, Any], one: Unsent, shown: str) -> str:
    """Queue one; answers why that isn't possible."""
    state, actor = request.app.state, request.user.actor
    try:
        with actor_scope(state.engine, actor) as session:
            narrow(session, one.engagement.id)
            engagement = session.get_one(Engagement, one.engagement.id)
            invoice = session.get_one(FeeInvoice, one.invoice.id)
            send_invoice(session, state.settings, actor, engagement, invoice, shown)
    except BadInput as error:
        return "; ".join(problem.what for problem in error.problems)
    except (Busy, Conflict) as error:
        return str(error)
    return ""


ROUTER = Router("/", route_handlers=[list_unsent, send_unsent])
