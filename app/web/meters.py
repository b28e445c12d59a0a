"""The meters: what charges can count, an example, and the SQL that counts it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from app.security.guards import SIGNED_IN_ONLY
from app.web.addresses import identifier
from app.web.rendering import render
from billing.metering.catalogue import load_meters
from billing.metering.pages import YIELDS, by_group, load_meter_examples
from governance.errors import NotFound


@get("/meters", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def list_meters(request: Request[Any, Any, Any]) -> Response[str]:
    """All meters by what they are about."""
    groups = by_group(load_meters().values())
    return render(request, "meters/list.html", groups=groups, yields=YIELDS)


@get("/meters/{name:str}", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def show_meter(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[str]:
    """Definition, datasets, a worked example and the SQL of one meter."""
    meter = load_meters().get(identifier(name))
    if meter is None:
        raise NotFound(f"there is no meter {identifier(name)}")
    example = load_meter_examples().get(meter.name)
    return render(
        request, "meters/meter.html", meter=meter, example=example, yields=YIELDS[meter.kind]
    )


ROUTER = Router("/", route_handlers=[list_meters, show_meter])
