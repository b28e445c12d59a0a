"""Settling a period, and everything that a settled period shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from app.security.guards import limited, requires
from app.security.throttle import EXPORT, PDF
from app.web.addresses import HOME, engagement_path
from app.web.downloads import attachment
from app.web.exports import note_export
from app.web.period_page import period_context
from app.web.rendering import render, see_other
from app.web.unit_of_work import engagement_work
from billing.settlement.models import DocumentKind
from billing.settlement.queries import get_document
from billing.settlement.service import settle_period
from governance.access import Permission
from governance.errors import BadInput, NotFound
from governance.values import Period

PERIOD = f"{HOME}/{{reference:str}}/periods/{{label:str}}"


@dataclass(frozen=True, slots=True)
class SettleForm:
    """What the settle form sends."""

    period: str = ""


@post(
    f"{HOME}/{{reference:str}}/periods",
    guards=[requires(Permission.SETTLE_PERIOD), limited(PDF)],
    sync_to_thread=True,
)
def settle(
    request: Request[Any, Any, Any],
    data: Annotated[SettleForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Measure, credit and price a period; a draft invoice comes out."""
    period = Period.parse(data.period)
    with engagement_work(request, Permission.SETTLE_PERIOD) as (unit, engagement):
        settle_period(unit.session, unit.actor, engagement, period, unit.workshop)
    return see_other(request, engagement_path(engagement.reference, "periods", period.label))


@get(PERIOD, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_period(request: Request[Any, Any, Any], label: FromPath[str]) -> Response[str]:
    """The review, the summary, each service level with its trend, warnings and documents."""
    with engagement_work(request) as (unit, engagement):
        context = period_context(unit, engagement, period_of_address(label))
    return render(request, "periods/period.html", **context)


def period_of_address(label: str) -> Period:
    """The period that an address names; NotFound for what isn't one."""
    try:
        return Period.parse(label)
    except BadInput:
        raise NotFound(f"{label} is not a period") from None


@get(
    f"{PERIOD}/documents/{{file_name:str}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_document(
    request: Request[Any, Any, Any], label: FromPath[str], file_name: FromPath[str]
) -> Response[bytes]:
    """One document of the settled period, byte for byte."""
    if file_name not in {kind.value for kind in DocumentKind}:
        raise NotFound(f"a settled period has no document {file_name}")
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        document = get_document(
            unit.session, unit.actor, engagement, period, DocumentKind(file_name)
        )
    name = f"{engagement.reference}-{period.label}-{file_name}"
    size = len(document.data)
    note_export(request, engagement.id, name, sha256=document.sha256, size=size)
    return attachment(document.data, name, document.kind.media_type)


ROUTER = Router("/", route_handlers=[settle, show_period, download_document])
