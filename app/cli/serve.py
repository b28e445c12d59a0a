"""`plumbline serve`: the web application."""

from __future__ import annotations

import logging

import click
import uvicorn

from app.asgi import create_app
from app.audit_log import key_folder, sequencer
from app.cli.common import reports_problems
from app.settings import load_settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@reports_problems
def serve(host: str, port: int) -> None:
    """Serve the web application until it is stopped.

    Put a proxy with https in front of it before others reach it, and name its address in
    PLUMBLINE_PUBLIC_URL.
    """
    settings = load_settings()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s %(name)s %(message)s"
    )
    application = create_app(settings)
    with sequencer(application.state.engine, key_folder(settings)):
        uvicorn.run(
            application,
            host=host,
            port=port,
            log_level=settings.log_level.lower(),
            proxy_headers=False,
            server_header=False,
        )
