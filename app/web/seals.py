"""Sealing a period, and what is kept under the seal."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath
from litestar.response import File

from app.seal_bundle import write_bundle
from app.security.guards import RECENT, limited, requires
from app.security.throttle import EXPORT
from app.web import review_mail
from app.web.addresses import engagement_path
from app.web.downloads import attachment, stored_file
from app.web.exports import note_export
from app.web.forms import TextForm
from app.web.period_page import period_context
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other
from app.web.review_mail import tell_other_side
from app.web.reviews import seen_of
from app.web.unit_of_work import Work, engagement_work
from billing.settlement.reviewing import seal_period
from governance.access import Permission, Side
from governance.engagements.models import ContractVersion, Engagement
from governance.errors import NotFound
from governance.values import Period
from sla.reviews.queries import Seal, seal_of_period

_Request = Request[Any, Any, Any]
SEAL = f"{PERIOD}/seal"


@get(SEAL, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_seal(request: _Request, label: FromPath[str]) -> Response[str]:
    """The digest, who agreed to what, and the files to take away; not found before the seal."""
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        _seal(unit, engagement, period)
        context = period_context(unit, engagement, period)
    return render(request, "periods/seal.html", **context)


def _seal(unit: Work, engagement: Engagement, period: Period) -> Seal:
    seal = seal_of_period(unit.session, engagement, period)
    if seal is None:
        raise NotFound(f"the figures of {period.label} aren't sealed")
    return seal


@get(
    f"{SEAL}/confirm",
    guards=[requires(Permission.ACCEPT_FIGURES)],
    opt=RECENT,
    sync_to_thread=True,
)
def confirm_seal(request: _Request, label: FromPath[str]) -> Response[str]:
    """What sealing does: every figure that is agreed with it, and what can't change after."""
    with engagement_work(request) as (unit, engagement):
        context = period_context(unit, engagement, period_of_address(label))
    return render(request, "periods/seal_confirm.html", **context)


@post(
    f"{SEAL}/confirm",
    guards=[requires(Permission.ACCEPT_FIGURES)],
    opt=RECENT,
    sync_to_thread=True,
)
def seal(request: _Request, label: FromPath[str], data: TextForm) -> Response[Any]:
    """Agree, for the client, to all that is left, and seal: the figures seen, and no others."""
    period, seen = period_of_address(label), seen_of(data, "submission")
    with engagement_work(request, Permission.ACCEPT_FIGURES) as (unit, engagement):
        seal_period(
            unit.session,
            unit.actor,
            engagement,
            period,
            unit.workshop.catalogue,
            seen=seen,
        )
        tell_other_side(unit, engagement, period, Side.CLIENT, review_mail.SEALED)
    return see_other(
        request, engagement_path(engagement.reference, "periods", period.label, "seal")
    )


@get(
    f"{SEAL}/document",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_seal(request: _Request, label: FromPath[str]) -> Response[bytes]:
    """The sealed document, byte for byte."""
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        found = _seal(unit, engagement, period)
    name = f"{engagement.reference}-{period.label}-seal.json"
    size = len(found.document)
    note_export(request, engagement.id, name, sha256=found.sha256, size=size)
    return attachment(found.document, name, "application/json")


@get(
    f"{SEAL}/bundle",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_bundle(request: _Request, label: FromPath[str]) -> File:
    """Everything to compute the figures again elsewhere: seal, contract, evidence, one command."""
    period = period_of_address(label)
    with engagement_work(request) as (unit, engagement):
        found = _seal(unit, engagement, period)
        version = unit.session.get_one(ContractVersion, found.contract_version_id)
        bundle = write_bundle(unit.scratch, found, version.document, unit.store)
    name = f"{engagement.reference}-{period.label}-sealed.zip"
    note_export(request, engagement.id, name, sha256=bundle.sha256, size=bundle.path.stat().st_size)
    answer = stored_file(bundle.path, name, "application/zip")
    # The file is made for this answer alone.
    answer.background = BackgroundTask(bundle.path.unlink)
    return answer


ROUTER = Router("/", route_handlers=[show_seal, confirm_seal, seal, download_seal, download_bundle])
