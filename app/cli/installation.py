"""The installation that a command works on: opened, checked, and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.database import make_engine, schema_is_current, session_scope
from app.settings import Settings, load_settings
from governance.errors import Conflict, Unreachable
from governance.tenancy import EVERYTHING

_MIGRATE = "run `plumbline migrate`"


class Installation(NamedTuple):
    """What a command works on."""

    engine: Engine
    settings: Settings


class Work(NamedTuple):
    """The same, in one transaction that sees all engagements."""

    session: Session
    settings: Settings


@contextmanager
def open_database(settings: Settings) -> Iterator[Engine]:
    """The database of the settings, whatever its schema; connections are closed at the end."""
    engine = make_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def installation() -> Iterator[Installation]:
    """The installation that the settings name; its connections are closed at the end.

    Raises BadInput for unsafe settings, Conflict where there is no database of this release's
    schema, Unreachable where it doesn't answer.
    """
    settings = load_settings()
    check_schema(settings)
    with open_database(settings) as engine:
        yield Installation(engine, settings)


@contextmanager
def changing() -> Iterator[Work]:
    """One transaction on the installation; raises what `installation` does."""
    with installation() as (engine, settings), session_scope(engine, sees=EVERYTHING) as session:
        yield Work(session, settings)


@contextmanager
def reading() -> Iterator[Work]:
    """The same, read only."""
    with (
        installation() as (engine, settings),
        session_scope(engine, sees=EVERYTHING, read_only=True) as session,
    ):
        yield Work(session, settings)


def check_schema(settings: Settings) -> None:
    """Refuse a database that this release can't work with, before anything else fails on it.

    Where there is none, asking for it must not leave an empty file behind.
    """
    file = settings.data_dir / "plumbline.db"
    if not settings.database_url and not file.exists():
        raise Conflict(f"there is no database {file}: look at PLUMBLINE_DATA_DIR, or {_MIGRATE}")
    with open_database(settings) as engine:
        where, current = address_of(engine), is_current(engine)
    if not current:
        raise Conflict(f"the database {where} isn't of this release's schema: {_MIGRATE}")


def is_current(engine: Engine) -> bool:
    """Whether the schema is this release's; Unreachable where the database doesn't answer."""
    try:
        return schema_is_current(engine)
    except OperationalError as error:
        where = address_of(engine)
        raise Unreachable(f"the database {where} can't be opened: {error.orig}") from None


def address_of(engine: Engine) -> str:
    """The database's address without its password."""
    return engine.url.render_as_string(hide_password=True)
