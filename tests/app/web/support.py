"""An application with a small world in it, and browsers that are signed in to it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from sqlalchemy import Engine, func, select

from app.asgi import create_app
from app.database import session_scope
from app.models import METADATA
from app.security.authentication import cookie_name
from app.security.csrf import csrf_token
from app.security.sessions import start_session
from app.settings import Settings
from billing.settlement.service import settle_period
from governance.access import Role
from governance.parties.models import User
from governance.parties.service import get_user
from sla.evidence.service import Upload, hand_in
from tests.factories import (
    JANUARY,
    TextRenderer,
    actor_of,
    make_contract,
    make_member,
    make_user,
    write_evidence_folder,
)

Browser = TestClient[Litestar]
HOSTILE = '"><img src=x onerror=alert(1)>'
HOSTILE_PROVIDER = "Others' <img src=x> Ltd"


@dataclass(frozen=True, slots=True)
class World:
    """ENG-1 with a settled January, its members, and ENG-2, which belongs to others."""

    app: Litestar
    settings: Settings
    manager: User
    finance: User
    auditor: User
    stranger: User
    evidence_sha256: str

    @property
    def engine(self) -> Engine:
        """The application's own engine."""
        engine: Engine = self.app.state.engine
        return engine

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """A browser that nobody has signed in with; it shows redirects instead of following."""
        with TestClient(self.app, base_url=self.settings.public_url) as client:
            client.follow_redirects = False
            yield client

    def start_session(self, user: User) -> str:
        """A new session of the user; returns the secret that its cookie would hold."""
        with session_scope(self.engine) as session:
            return start_session(session, user, datetime.now(UTC))

    @contextmanager
    def signed_in(self, user: User) -> Iterator[tuple[Browser, str]]:
        """A browser with the user's session, and the token that its forms carry."""
        token = self.start_session(user)
        with self.browser() as browser:
            browser.cookies.set(cookie_name(self.settings, "session"), token)
            yield browser, csrf_token(token)

    def counts(self) -> dict[str, int]:
        """How many rows each table has, without those that signing in writes."""
        with session_scope(self.engine, read_only=True) as session:
            return {
                name: session.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in METADATA.tables.items()
                if name != "sign_in_session"
            }

    def stored_files(self) -> set[str]:
        """The names of the evidence tables in the store, and of uploads left behind."""
        folders = (self.settings.evidence_dir, self.settings.data_dir / "uploads")
        return {path.name for folder in folders if folder.exists() for path in folder.iterdir()}


def make_world(template: Path, folder: Path, public_url: str = "http://testserver.local") -> World:
    """The world in `folder`, whose database is a copy of `template`."""
    shutil.copyfile(template, folder / "plumbline.db")
    settings = Settings(data_dir=folder, database_url="", public_url=public_url)
    app = create_app(settings, TextRenderer())
    with session_scope(app.state.engine) as session:
        manager, stranger = make_user(session), make_user(session, organisation=HOSTILE_PROVIDER)
        actor = actor_of(manager)
        engagement = make_contract(session, actor).engagement
        ledgers = Upload(write_evidence_folder(folder / "ledgers"), "ledgers")
        hand_in(session, actor, engagement, ledgers, settings.evidence_dir)
        settle_period(session, actor, engagement, JANUARY, app.state.workshop)
        finance = make_member(session, engagement, Role.CLIENT_FINANCE)
        auditor = make_member(session, engagement, Role.AUDITOR)
        make_contract(session, actor_of(stranger), "ENG-2", HOSTILE_PROVIDER)
        members = [get_user(session, one.signed_in_id) for one in (finance, auditor)]
    digest = next(iter(settings.evidence_dir.glob("*.parquet"))).stem
    return World(app, settings, manager, members[0], members[1], stranger, digest)


def routes(app: Litestar) -> list[tuple[str, str, Mapping[str, object]]]:
    """Method, path pattern and options of every handler but those of static files."""
    return [
        (method, route.path_format, handler.opt | {"guards": handler.guards or ()})
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/static")
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    ]


def address(pattern: str, world: World, **values: str) -> str:
    """A path pattern with values of ENG-1, or other values, in it."""
    known = {
        "reference": "ENG-1",
        "label": "2026-01",
        "level": "SL-01",
        "number": "1",
        "position": "2",
        "sha256": world.evidence_sha256,
        "hand_in_id": "1",
        "file_name": "invoice.json",
        "name": "dso",
    } | values
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: known[found[1]], pattern)


def form_token(page: str) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf_token" value="(\w+)"', page)
    assert found, "the page has no form"
    return found[1]
