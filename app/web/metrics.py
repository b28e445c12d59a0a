"""Metrics, for operators and for the collector that holds the token; for nobody else."""

from __future__ import annotations

import hmac
from typing import Any

from litestar import Request, Response, get

from app.operation.metrics import CONTENT_TYPE, Metrics
from app.security.guards import PUBLIC
from app.security.people import Person
from app.settings import Settings
from governance.errors import NotFound


@get("/metrics", opt=PUBLIC, sync_to_thread=True)
def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What Prometheus reads; anybody else can't tell that there is anything here.

    It is public only as far as the collector has a token in place of a session.
    """
    if not _holds_token(request) and not _is_operator(request):
        raise NotFound("There is nothing here, or nothing that you may see.")
    found: Metrics = request.app.state.metrics
    return Response(found.exposition(), media_type=CONTENT_TYPE)


def _holds_token(request: Request[Any, Any, Any]) -> bool:
    settings: Settings = request.app.state.settings
    expected = settings.metrics_token.get_secret_value()
    sent = request.headers.get("Authorization", "")
    return bool(expected) and hmac.compare_digest(f"Bearer {expected}".encode(), sent.encode())


def _is_operator(request: Request[Any, Any, Any]) -> bool:
    person: Person | None = request.scope.get("user")
    return person is not None and person.operator and not person.must_enrol
