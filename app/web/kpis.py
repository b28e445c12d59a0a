"""The KPI catalogue: what each KPI means, an example, and the SQL that computes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath, QueryParameter

from app.security.guards import SIGNED_IN_ONLY
from app.web.addresses import identifier
from app.web.rendering import render
from governance.errors import NotFound
from sla.kpis.definitions import KpiDefinition
from sla.kpis.examples import load_examples
from sla.kpis.pages import by_function, default_text

Sought = Annotated[str, QueryParameter(name="q", max_length=100)]


@get("/kpis", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def list_kpis(request: Request[Any, Any, Any], sought: Sought = "") -> Response[str]:
    """KPIs by what they are about, the customer's own among them; only those that are sought."""
    known = request.app.state.workshop.catalogue.values()
    found = [kpi for kpi in known if _matches(kpi, sought.casefold().split())]
    return render(
        request,
        "kpis/list.html",
        groups=by_function(found),
        sought=sought,
        found=len(found),
        known=len(known),
    )


def _matches(kpi: KpiDefinition, words: Iterable[str]) -> bool:
    """Whether every word stands somewhere in what the KPI says of itself."""
    named = (kpi.title, kpi.name.replace("_", " "), kpi.name, kpi.definition, *kpi.datasets)
    text = " ".join(named).casefold()
    return all(word in text for word in words)


@get("/kpis/{name:str}", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def show_kpi(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[str]:
    """Definition, parameters, datasets, a worked example and the SQL of one KPI."""
    kpi = request.app.state.workshop.catalogue.get(identifier(name))
    if kpi is None:
        raise NotFound(f"the catalogue has no KPI {identifier(name)}")
    example = None if kpi.own else load_examples().get(kpi.name)
    return render(request, "kpis/kpi.html", kpi=kpi, example=example, default_text=default_text)


ROUTER = Router("/", route_handlers=[list_kpis, show_kpi])
