"""A version of the contract: who proposed it, what it changes, and accepting it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.contract_linting import contract_warnings
from app.security.guards import requires
from app.web.addresses import HOME, engagement_path
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, engagement_work
from governance.access import Permission
from governance.contract.lint import ContractWarning
from governance.engagements.acceptance import VersionView, accept_contract, amendment, version_of
from governance.engagements.service import contract_of

_VERSION = f"{HOME}/{{reference:str}}/contracts/{{number:int}}"


@get(f"{_VERSION}/review", guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_version(request: Request[Any, Any, Any], number: FromPath[int]) -> Response[str]:
    """What the version changes in the one agreed before it, what is unwise, and who agreed."""
    with engagement_work(request) as (unit, engagement):
        view = version_of(unit.session, unit.actor, engagement, number)
        found = amendment(unit.session, engagement, view.version)
        warnings = _warnings(unit, view)
    return render(
        request,
        "contracts/version.html",
        engagement=engagement,
        view=view,
        diff=found,
        contract=contract_of(view.version),
        warnings=warnings,
    )


def _warnings(unit: Work, view: VersionView) -> tuple[ContractWarning, ...]:
    """What is unwise about the version: as of today while it is proposed, then as of the day on
    which it was accepted, since later days make every date past.
    """
    version = view.version
    day = view.acceptance.accepted_at if view.acceptance else unit.actor.at
    contract, file = contract_of(version), version.file_name
    return contract_warnings(contract, version.document, file, day.date(), unit.settings.kpi_dir)


@post(f"{_VERSION}/accept", guards=[requires(Permission.ACCEPT_CONTRACT)], sync_to_thread=True)
def accept(request: Request[Any, Any, Any], number: FromPath[int]) -> Response[Any]:
    """Agree to the version for the other side; it governs from then on."""
    with engagement_work(request, Permission.ACCEPT_CONTRACT) as (unit, engagement):
        view = version_of(unit.session, unit.actor, engagement, number)
        accept_contract(unit.session, unit.actor, engagement, view.version)
    return see_other(request, engagement_path(engagement.reference))


ROUTER = Router("/", route_handlers=[show_version, accept])
