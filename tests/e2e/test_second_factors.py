"""Second factors and single sign-on in a real browser, with a passkey that the browser keeps."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
import uvicorn
from playwright.sync_api import Browser, CDPSession, Page, Route, expect
from pydantic import SecretStr

from app.asgi import create_app
from app.database import make_engine, session_scope
from app.settings import Settings
from governance.access import Role
from governance.parties.models import OperatorTerm, User
from governance.tenancy import EVERYTHING
from tests.app.security.provider import provider_process, tell_provider
from tests.e2e.conftest import Visit
from tests.factories import NOW, PASSWORD, make_user

pytestmark = pytest.mark.e2e
_PATIENCE = 60_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the application is served, and the operator, who must use a second factor."""

    address: str
    operator: User


@contextmanager
def served(settings: Settings, listener: socket.socket) -> Iterator[None]:
    """The application, on a socket that listens already."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def provider_address() -> Iterator[str]:
    """A sign-in provider that runs as a process."""
    with provider_process() as address:
        yield address


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path, provider_address: str) -> Iterator[Place]:
    """The application at localhost, which browsers make passkeys for."""
    shutil.copyfile(sqlite_template, tmp_path / "plumbline.db")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://localhost:{listener.getsockname()[1]}"
        settings = Settings(
            data_dir=tmp_path,
            database_url="",
            public_url=address,
            strong_sign_in_roles=[Role.OPERATOR],
            oidc_issuer=provider_address,
            oidc_client_id="plumbline",
            oidc_client_secret=SecretStr("a secret"),
            oidc_name="Example ID",
        )
        engine = make_engine(settings)
        with session_scope(engine, sees=EVERYTHING) as session:
            operator = make_user(session)
            session.add(OperatorTerm(user_id=operator.id, granted_at=NOW))
        engine.dispose()
        with served(settings, listener):
            yield Place(address, operator)


@pytest.fixture
def visit(browser: Browser, place: Place) -> Iterator[Visit]:
    """A visitor whose browser complains about nothing."""
    context = browser.new_context(base_url=place.address, accept_downloads=True)
    context.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    one = Visit(context.new_page())
    one.listen()
    yield one
    context.close()
    assert not one.complaints


def _authenticator(page: Page, *, verified: bool = True) -> tuple[CDPSession, str]:
    """A passkey store of the browser's own, which says yes to everything."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": verified,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    made: dict[str, Any] = protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return protocol, made["authenticatorId"]


def _sign_in(page: Page, user: User) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_passkey_is_enrolled_and_signs_in(visit: Visit, place: Place) -> None:
    page = visit.page
    protocol, device = _authenticator(page)
    _sign_in(page, place.operator)
    expect(page.get_by_role("heading", name="Your role needs a second factor")).to_be_visible()
    page.goto("/engagements")
    expect(page.get_by_role("heading", name="Second factors")).to_be_visible()

    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What you call it").fill("Work laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("rowheader", name="Work laptop")).to_be_visible()
    page.goto("/engagements")
    expect(page).to_have_url(f"{place.address}/engagements")
    _sign_out(page)

    _sign_in(page, place.operator)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{place.address}/engagements")
    _sign_out(page)

    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{place.address}/engagements")
    page.goto("/account/second-factors")
    expect(page.get_by_text("not yet")).to_have_count(0)

    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What you call it").fill("The same again")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_text("has a passkey for your account already")).to_be_visible()
    page.goto("/account/second-factors")
    page.get_by_role("button", name="Remove Work laptop").click()
    expect(page.get_by_text("this is your last one")).to_be_visible()
    visit.complaints[:] = [one for one in visit.complaints if "409" not in one]
    page.goto("/account/second-factors")
    _sign_out(page)

    protocol.send("WebAuthn.clearCredentials", {"authenticatorId": device})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("No passkey was used")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()


def test_a_passkey_confirms_a_grave_act(visit: Visit, place: Place) -> None:
    page = visit.page
    _authenticator(page)
    _sign_in(page, place.operator)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What you call it").fill("Work laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("rowheader", name="Work laptop")).to_be_visible()
    page.goto("/confirm?next=/account/email")
    expect(page.get_by_label("Password")).to_have_count(0)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{place.address}/account/email")


def _only_local(route: Route) -> None:
    """Keep the provider's page from asking for anything of the internet."""
    local = urlsplit(route.request.url).hostname in {"localhost", "127.0.0.1"}
    if local:
        route.continue_()
    else:
        route.fulfill(status=200, body="")


def test_single_sign_on_leads_there_and_back(
    visit: Visit, place: Place, provider_address: str
) -> None:
    tell_provider(provider_address, "ada", email=place.operator.email, email_verified=True)
    page = visit.page
    page.route("**/*", _only_local)
    page.goto("/account/second-factors")
    page.get_by_role("link", name="Sign in with Example ID").click()
    expect(page).to_have_url(re.compile(re.escape(f"{provider_address}/oauth2/authorize?")))
    visit.complaints.clear()  # What the provider's own page lacks is no concern of ours.
    page.locator("input[name=sub]").fill("ada")
    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_role("heading", name="Second factors")).to_be_visible()
    expect(page.get_by_text(f"Linked with {provider_address}")).to_be_visible()
    assert page.url == f"{place.address}/account/second-factors"


def test_an_app_and_recovery_codes_work_without_script(browser: Browser, place: Place) -> None:
    context = browser.new_context(
        base_url=place.address, java_script_enabled=False, accept_downloads=True
    )
    context.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    page = context.new_page()
    _sign_in(page, place.operator)
    page.get_by_role("link", name="Set up an app").click()
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    app = pyotp.TOTP(page.locator(".secret-text").inner_text().replace(" ", ""))
    page.get_by_label("Code that the app shows now").fill(app.now())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="You have no recovery codes")).to_be_visible()
    page.get_by_role("button", name="Make recovery codes").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as text").click()
    kept = Path(download.value.path()).read_text(encoding="utf-8")
    codes = page.locator(".code-list li").all_inner_texts()
    assert len(codes) == 10
    assert all(code in kept for code in codes)
    page.get_by_role("link", name="I have kept them").click()
    _sign_out(page)

    page.goto("/account/second-factors/passkeys/new")
    _sign_in(page, place.operator)
    page.get_by_text("I can't use it").click()
    page.get_by_label("Recovery code").fill(codes[0])
    page.get_by_role("button", name="Use a recovery code").click()
    expect(page).to_have_url(f"{place.address}/engagements")
    page.goto("/account/second-factors/passkeys/new")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Make the passkey")).to_be_disabled()
    context.close()
