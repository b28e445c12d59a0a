"""Whether the application can do its work now, for whoever routes requests to it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.audit_log import key_folder
from app.database import schema_is_current
from app.evidence_store import store_of
from app.operation.state import InstallationState, read_state
from app.settings import Settings
from governance.errors import PlumblineError

_LOG = logging.getLogger("plumbline.readiness")
SEQUENCED_WITHIN = timedelta(seconds=60)
"""The sequencer works about once a second; a minute behind it is stopped or refuses."""


def unready_part(engine: Engine, settings: Settings, now: datetime) -> str:
    """The first part that keeps the application from its work; empty when it is ready.

    Parts: database, schema, storage, audit log. The reason is logged. Mail that waits is no reason
    to stop serving pages; the metrics tell of it.
    """
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("database", lambda: _database(engine)),
        ("schema", lambda: _schema(engine)),
        ("storage", lambda: _storage(settings)),
        ("audit log", lambda: _audit_log(settings, read_state(engine, now), now)),
    )
    for part, check in checks:
        try:
            why = check()
        except (SQLAlchemyError, OSError, PlumblineError):
            _LOG.exception("not ready: %s", part)
            return part
        if why:
            _LOG.warning("not ready: %s: %s", part, why)
            return part
    return ""


def _database(engine: Engine) -> str:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    return ""


def _schema(engine: Engine) -> str:
    return "" if schema_is_current(engine) else "out of date, run plumbline migrate"


def _storage(settings: Settings) -> str:
    store_of(settings).check()
    return ""


def _audit_log(settings: Settings, state: InstallationState, now: datetime) -> str:
    since = state.pending_since
    if since is not None and now - since > SEQUENCED_WITHIN:
        return f"{state.pending} entries wait since {since:%Y-%m-%d %H:%M:%S} UTC"
    held = key_folder(settings).held()
    if held is not None and held.size > state.tree_size:
        return f"{held.size} entries were signed, the database has {state.tree_size}"
    return ""
