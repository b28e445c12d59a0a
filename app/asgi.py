"""The composition root: settings in, application out."""

from __future__ import annotations

from pathlib import Path

from litestar import Litestar
from litestar.datastructures import CacheControlHeader, State
from litestar.middleware import DefineMiddleware
from litestar.router import Router
from litestar.static_files import create_static_files_router

from app.database import make_engine
from app.documents.renderer import PdfRenderer
from app.security.authentication import SessionAuthentication
from app.security.guards import PUBLIC, admit
from app.security.headers import security_headers
from app.settings import Settings
from app.web import (
    audit,
    contracts,
    engagements,
    evidence,
    invoices,
    kpis,
    periods,
    results,
    sign_in,
)
from app.web.errors import EXCEPTION_HANDLERS
from app.web.health import health
from billing.settlement.service import DocumentRenderer, Workshop
from sla.kpis.catalogue import load_catalogue

_STATIC = Path(__file__).resolve().parent / "static"
_FORM_MAX_BYTES = 64 * 1024
"""Enough for every form that hands in no file."""


def create_app(settings: Settings, render: DocumentRenderer | None = None) -> Litestar:
    """The web application. The database must be migrated before it serves.

    `render` makes the PDFs; by default WeasyPrint does.
    """
    engine = make_engine(settings.database_address)
    workshop = Workshop(settings.evidence_dir, load_catalogue(), render or PdfRenderer())
    return Litestar(
        route_handlers=[
            health,
            sign_in.ROUTER,
            engagements.ROUTER,
            contracts.router(settings),
            evidence.router(settings),
            periods.ROUTER,
            results.ROUTER,
            invoices.ROUTER,
            kpis.ROUTER,
            audit.ROUTER,
            _static_files(),
        ],
        state=State({"engine": engine, "settings": settings, "workshop": workshop}),
        middleware=[DefineMiddleware(SessionAuthentication, exclude="^/static/")],
        guards=[admit],
        exception_handlers=EXCEPTION_HANDLERS,
        before_send=[security_headers(https=settings.secure_cookies)],
        request_max_body_size=_FORM_MAX_BYTES,
        on_shutdown=[engine.dispose],
        openapi_config=None,
        logging_config=None,
        debug=settings.debug,
    )


def _static_files() -> Router:
    return create_static_files_router(
        path="/static",
        directories=[_STATIC],
        opt=PUBLIC,
        cache_control=CacheControlHeader(public=True, max_age=3600),
        include_in_schema=False,
    )
