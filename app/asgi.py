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
from app.evidence_store import engine_of, store_of
from app.operation.metrics import Metrics
from app.operation.requests import surround
from app.run_kinds import run_kinds
from app.security.authentication import SessionAuthentication
from app.security.guards import PUBLIC, admit
from app.security.headers import security_headers
from app.security.openid import provider_of
from app.security.refusals import note_refusal
from app.settings import Settings
from app.web import (
    access_reviews,
    account,
    accounting,
    audit,
    audit_downloads,
    claims,
    confirm,
    contracts,
    corrected_invoices,
    credit_notes,
    deliveries,
    disputes,
    duties,
    engagements,
    evidence,
    hand_ins,
    import_profiles,
    imports,
    incidents,
    invitations,
    invoice_life,
    invoices,
    kpis,
    members,
    meters,
    operation,
    operation_log,
    passkeys,
    paying_out,
    payment_imports,
    payments,
    periods,
    provider_invoices,
    provider_invoices_contests,
    relief,
    reminders,
    replacements,
    resets,
    restatements,
    results,
    reviews,
    rounding,
    runs,
    seals,
    second_factor,
    second_step,
    service_credits,
    sign_in,
    simulation,
    single_sign_on,
    statements,
    tokens,
    trends,
    unsent,
    users,
    versions,
    write_offs,
)
from app.web.detours import DETOURS
from app.web.errors import EXCEPTION_HANDLERS
from app.web.head import head_like_get
from app.web.health import health, ready
from app.web.metrics import metrics
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
    catalogue = load_catalogue(settings.kpi_dir)
    workshop = Workshop(
        store_of(settings), catalogue, render or PdfRenderer(catalogue), engine_of(settings)
    )
    counted = Metrics(engine)
    app = Litestar(
        route_handlers=[
            health,
            ready,
            metrics,
            sign_in.ROUTER,
            confirm.ROUTER,
            resets.ROUTER,
            account.ROUTER,
            tokens.ROUTER,
            invitations.ROUTER,
            users.ROUTER,
            second_step.ROUTER,
            second_factor.ROUTER,
            passkeys.ROUTER,
            single_sign_on.ROUTER,
            engagements.ROUTER,
            contracts.router(settings),
            versions.ROUTER,
            members.ROUTER,
            duties.ROUTER,
            evidence.router(settings),
            hand_ins.router(settings),
            imports.ROUTER,
            replacements.ROUTER,
            import_profiles.ROUTER,
            periods.ROUTER,
            reviews.ROUTER,
            seals.ROUTER,
            results.ROUTER,
            relief.ROUTER,
            service_credits.ROUTER,
            claims.ROUTER,
            incidents.ROUTER,
            restatements.ROUTER,
            trends.ROUTER,
            simulation.router(settings),
            invoices.ROUTER,
            runs.ROUTER,
            invoice_life.ROUTER,
            deliveries.ROUTER,
            unsent.ROUTER,
            payments.ROUTER,
            write_offs.ROUTER,
            paying_out.ROUTER,
            accounting.ROUTER,
            payment_imports.ROUTER,
            credit_notes.ROUTER,
            corrected_invoices.ROUTER,
            disputes.ROUTER,
            statements.ROUTER,
            reminders.ROUTER,
            provider_invoices.ROUTER,
            provider_invoices_contests.ROUTER,
            kpis.ROUTER,
            meters.ROUTER,
            rounding.ROUTER,
            audit.ROUTER,
            audit_downloads.ROUTER,
            access_reviews.ROUTER,
            operation.ROUTER,
            operation_log.ROUTER,
            _static_files(),
        ],
        state=State(
            {
                "engine": engine,
                "settings": settings,
                "workshop": workshop,
                "metrics": counted,
                "runs": run_kinds(workshop, settings),
                "provider": provider_of(settings),
            }
        ),
        middleware=[DefineMiddleware(SessionAuthentication, exclude="^/static/")],
        guards=[admit],
        exception_handlers={**EXCEPTION_HANDLERS, **DETOURS},
        after_exception=[note_refusal],
        before_send=[security_headers(https=settings.secure_cookies)],
        request_max_body_size=_FORM_MAX_BYTES,
        on_shutdown=[engine.dispose],
        openapi_config=None,
        logging_config=None,
        debug=settings.debug,
    )
    app.asgi_handler = head_like_get(app.asgi_handler)
    surround(app, settings, counted)
    return app


def _static_files() -> Router:
    return create_static_files_router(
        path="/static",
        directories=[_STATIC],
        opt=PUBLIC,
        cache_control=CacheControlHeader(public=True, max_age=3600),
        include_in_schema=False,
    )
