"""The KPI catalogue: what each KPI means, and the SQL that computes it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from app.security.guards import SIGNED_IN_ONLY
from app.web.addresses import identifier
from app.web.rendering import render
from governance.errors import NotFound
from sla.kpis.catalogue import load_catalogue


@get("/kpis", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def list_kpis(request: Request[Any, Any, Any]) -> Response[str]:
    """All KPIs, by title."""
    kpis = sorted(load_catalogue().values(), key=lambda kpi: kpi.title)
    return render(request, "kpis/list.html", kpis=kpis)


@get("/kpis/{name:str}", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def show_kpi(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[str]:
    """Definition, parameters, datasets and SQL of one KPI."""
    kpi = load_catalogue().get(identifier(name))
    if kpi is None:
        raise NotFound(f"the catalogue has no KPI {identifier(name)}")
    return render(request, "kpis/kpi.html", kpi=kpi)


ROUTER = Router("/", route_handlers=[list_kpis, show_kpi])
