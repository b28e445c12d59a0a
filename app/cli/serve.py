"""`plumbline serve`: the web application."""

from __future__ import annotations

import click
import uvicorn

from app.asgi import create_app
from app.audit_log import key_folder, sequencer
from app.cli.common import reports_problems
from app.cli.installation import check_schema
from app.mail.sending import mailer
from app.operation.changes_log import log_changes
from app.operation.logging import logs
from app.run_kinds import run_pool
from app.running import workers
from app.settings import Settings, load_settings
from app.simulating import simulator
from app.timestamping import Stamper


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@reports_problems
def serve(host: str, port: int) -> None:
    """Serve the web application until it is stopped.

    Put a proxy with https in front of it before others reach it, name its public address in
    PLUMBLINE_PUBLIC_URL and the proxy itself in PLUMBLINE_TRUSTED_PROXIES.
    """
    settings = load_settings()
    check_schema(settings)
    settings.secret()
    with logs(settings):
        _serve(settings, host, port)


def _serve(settings: Settings, host: str, port: int) -> None:
    log_changes()
    application = create_app(settings)
    engine = application.state.engine
    stamper = Stamper(engine, settings.timestamp_authority)
    store = application.state.workshop.store
    pool = run_pool(settings)
    with (
        sequencer(engine, key_folder(settings), stamper),
        mailer(engine, settings),
        simulator(engine, settings, store),
        workers(engine, application.state.runs, pool, settings.run_workers),
    ):
        uvicorn.run(
            application,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
