"""A served application and a real browser."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from app.asgi import create_app
from app.database import make_engine, session_scope
from app.settings import Settings
from billing.settlement.values import InvoiceHeader, Settlement
from governance.parties.models import OrganisationKind
from governance.tenancy import EVERYTHING
from tests.factories import TextRenderer, make_user

PROVIDER = "Clearwater Receivables Inc."
"""The provider of the contract that the journey adds."""
CLIENT = "Harbor Street Trading Inc."
"""Its client."""
CHROMIUM = Path("/usr/bin/chromium")
_PATIENCE = 60_000
"""Milliseconds that a busy machine may take for a page; settling renders two PDFs."""
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the application is served, and who may sign in."""

    address: str
    email: str
    """The provider's account manager to be."""
    billing: str
    """Of the provider, too."""
    chair: str
    """Of the client."""


@dataclass
class Visit:
    """A page with everything that the browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Collect script errors and console errors; refused content shows as one of these."""
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


class _QuickPdf(TextRenderer):
    """Makes files that only begin like a PDF."""

    def invoice(
        self, settlement: Settlement, header: InvoiceHeader, xml: bytes | None = None
    ) -> bytes:
        """What the invoice would state, after a PDF's first line."""
        return b"%PDF-1.7\n" + super().invoice(settlement, header, xml)


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the visitor's browser runs scripts."""
    return bool(request.param)


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path, script: bool) -> Iterator[Site]:
    """The application with its people and nothing else, served on a free port.

    Documents are rendered for visitors with script; those without see the same ones.
    """
    shutil.copyfile(sqlite_template, tmp_path / "plumbline.db")
    settings = Settings(data_dir=tmp_path, database_url="")
    engine = make_engine(settings.database_address)
    with session_scope(engine, sees=EVERYTHING) as session:
        emails = [
            make_user(session, OrganisationKind.PROVIDER, PROVIDER, "US").email,
            make_user(session, OrganisationKind.PROVIDER, PROVIDER, "US").email,
            make_user(session, OrganisationKind.CLIENT, CLIENT, "US").email,
        ]
    engine.dispose()
    app = create_app(settings, None if script else _QuickPdf())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", *emails)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; each test opens a context of its own in it."""
    if not CHROMIUM.exists():
        pytest.fail("these tests drive Chromium: install it with `apt-get install chromium`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(_ARGUMENTS), timeout=_PATIENCE
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(script: bool, browser: Browser, site: Site) -> Iterator[Visit]:
    """A fresh visitor of the site, with and without script; no complaint may be left."""
    context = browser.new_context(
        base_url=site.address, java_script_enabled=script, accept_downloads=True
    )
    context.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    one = Visit(context.new_page())
    one.listen()
    yield one
    context.close()
    assert not one.complaints
