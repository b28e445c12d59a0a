"""An application with a small world in it, and browsers that are signed in to it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from app.asgi import create_app
from app.audit_log import key_folder, sequence
from app.database import make_engine, session_scope
from app.evidence_store import store_of
from app.models import METADATA
from app.security.authentication import cookie_name
from app.security.csrf import csrf_token
from app.security.models import SignInSession
from app.security.sessions import open_session
from app.settings import Settings
from billing.settlement.service import Workshop, settle_period
from governance.access import Role
from governance.audit.models import Action, AuditEntry
from governance.engagements.models import AccessReview
from governance.parties.models import User
from governance.parties.service import get_user
from governance.tenancy import EVERYTHING
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import load_catalogue
from tests.factories import (
    JANUARY,
    NOW,
    TextRenderer,
    actor_of,
    make_contract,
    make_member,
    make_user,
    write_evidence_folder,
)

Browser = TestClient[Litestar]
_PASSING = frozenset({"sign_in_session", "api_token_use", "throttle", "audit_personal_value"})
"""Tables that every request may touch; they hold nothing of the business."""
_NOTED = (Action.DOCUMENT_EXPORTED, Action.ACCESS_REFUSED)
"""What the log notes of requests that change nothing."""
HOSTILE = '"><img src=x onerror=alert(1)>'
HOSTILE_PROVIDER = "Others' <img src=x> Ltd"
_MEMBERS = {
    "finance": Role.CLIENT_FINANCE,
    "auditor": Role.AUDITOR,
    "chair": Role.COMMITTEE_CHAIR,
    "billing": Role.PROVIDER_FINANCE,
}
"""Who is a member of ENG-1 besides the manager, who opened it."""


@dataclass(frozen=True, slots=True)
class World:
    """ENG-1 with a settled January, its members, and ENG-2, which belongs to others.

    `finance` is the client's and `billing` the provider's.
    """

    app: Litestar
    settings: Settings
    manager: User
    finance: User
    auditor: User
    stranger: User
    chair: User
    billing: User
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
        with session_scope(self.engine, sees=EVERYTHING) as session:
            return open_session(session, user, datetime.now(UTC))

    def age_sessions(self, confirmed_at: datetime) -> None:
        """Let everyone who is signed in have shown who they are at that moment, not since."""
        with session_scope(self.engine) as session:
            session.execute(update(SignInSession).values(confirmed_at=confirmed_at))

    @contextmanager
    def signed_in(self, user: User) -> Iterator[tuple[Browser, str]]:
        """A browser with the user's session, and the token that its forms carry."""
        token = self.start_session(user)
        with self.browser() as browser:
            browser.cookies.set(cookie_name(self.settings, "session"), token)
            yield browser, csrf_token(token)

    def counts(self) -> dict[str, int]:
        """How many rows each table has, without those that signing in writes."""
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            noted = select(func.count()).where(col(AuditEntry.action).in_(_NOTED))
            found = {
                name: session.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in METADATA.tables.items()
                if name not in _PASSING
            }
            found["audit_entry"] -= session.execute(noted).scalar_one()
            return found

    def entry_uid(self) -> str:
        """The id of the oldest entry of ENG-1 in the log."""
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            oldest = select(col(AuditEntry.uid)).where(col(AuditEntry.engagement_id) == 1)
            return session.scalars(oldest.order_by(col(AuditEntry.id)).limit(1)).one()

    def stored_files(self) -> set[str]:
        """The names of the evidence tables in the store, and of uploads left behind."""
        folders = (self.settings.evidence_dir, self.settings.data_dir / "uploads")
        return {path.name for folder in folders if folder.exists() for path in folder.iterdir()}


def make_world(template: Path, folder: Path, public_url: str = "http://testserver.local") -> World:
    """The world in `folder`, whose database is a copy of `template`.

    It is built once a process and address, and copied from then on.
    """
    built = _built(template, public_url)
    shutil.copytree(built.folder, folder, dirs_exist_ok=True)
    settings = _settings(folder, public_url)
    app = create_app(settings, TextRenderer())
    with session_scope(app.state.engine, sees=EVERYTHING, read_only=True) as session:
        people = {name: get_user(session, user_id) for name, user_id in built.people.items()}
    digest = next(iter(settings.evidence_dir.glob("*.parquet"))).stem
    return World(app, settings, evidence_sha256=digest, **people)


@dataclass(frozen=True, slots=True)
class _Built:
    """A world's files, which no test touches, and the ids of its people."""

    folder: Path
    people: dict[str, int]


@cache
def _built(template: Path, public_url: str) -> _Built:
    folder = Path(mkdtemp(dir=template.parent))
    shutil.copyfile(template, folder / "plumbline.db")
    settings = _settings(folder, public_url)
    engine = make_engine(settings)
    with session_scope(engine, sees=EVERYTHING) as session:
        people = _fill(session, folder, settings)
    sequence(engine, key_folder(settings))
    engine.dispose()
    return _Built(folder, people)


def _settings(folder: Path, public_url: str) -> Settings:
    return Settings(
        data_dir=folder, database_url="", public_url=public_url, environment="development"
    )


def _fill(session: Session, folder: Path, settings: Settings) -> dict[str, int]:
    """Everything that the world holds; answers with the ids of its people."""
    manager, stranger = make_user(session), make_user(session, organisation=HOSTILE_PROVIDER)
    actor = actor_of(manager)
    engagement = make_contract(session, actor).engagement
    ledgers = Upload(write_evidence_folder(folder / "ledgers"), "ledgers")
    hand_in(session, actor, engagement, ledgers, settings.evidence_dir)
    workshop = Workshop(store_of(settings), load_catalogue(), TextRenderer())
    settle_period(session, actor, engagement, JANUARY, workshop)
    members = {name: make_member(session, engagement, role) for name, role in _MEMBERS.items()}
    make_contract(session, actor_of(stranger), "ENG-2", HOSTILE_PROVIDER)
    chair = members["chair"].signed_in_id
    session.add(
        AccessReview(
            engagement_id=engagement.id,
            started_at=NOW,
            started_by_id=chair,
            completed_at=NOW,
            completed_by_id=chair,
        )
    )
    return {name: member.signed_in_id for name, member in members.items()} | {
        "manager": manager.id,
        "stranger": stranger.id,
    }


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
        "membership_id": "2",
        "passkey_id": "1",
        "identity_id": "1",
        "exception_id": "1",
        "position": "2",
        "sha256": world.evidence_sha256,
        "hand_in_id": "1",
        "source_id": "1",
        "quarantine_id": "1",
        "profile_id": "1",
        "draft_id": "1",
        "replacement_id": "2",
        "review_id": "1",
        "item_id": "999",
        "figure_id": "1",
        "event": "1",
        "restatement": "1",
        "incident": "1",
        "payment": "1",
        "allocation": "1",
        "import_id": "1",
        "write_off": "1",
        "reversal": "999",
        "refund": "999",
        "corrected": "999",
        "note": "1",
        "note_file": "credit-note.json",
        "reminder": "1",
        "charge": "1",
        "reminder_file": "reminder.json",
        "statement": "1",
        "dispute": "1",
        "provider_invoice": "1",
        "contest": "1",
        "simulation_id": "1",
        "run_id": "1",
        "simulation_file": "negotiation.md",
        "uid": world.entry_uid(),
        "kind": "engagement",
        "object_id": "1",
        "file_name": "invoice.json",
        "name": "cash_collected",
        "session_id": "999",
        "token_id": "999",
        "invitation_id": "999",
        "user_id": "999",
        "token": "nothing",
    } | values
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: known[found[1]], pattern)


def form_token(page: str) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf_token" value="(\w+)"', page)
    assert found, "the page has no form"
    return found[1]
