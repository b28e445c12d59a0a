"""Every page, as everybody who may see it, in a real browser that complains about nothing."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext

from app.security.authentication import cookie_name
from tests.app.web.access_matrix import COLUMNS, NAMES, PEOPLE, expected, routes
from tests.app.web.matrix_world import MatrixWorld, make_matrix_world
from tests.e2e.conftest import Visit

pytestmark = pytest.mark.e2e

BY_ROLE = frozenset({"provider_finance", "committee", "client_finance", "no_role"})
"""People for whom only the engagement's pages differ from those of others."""
_FILES = re.compile(
    r"/documents/|/seal/(document|bundle)$|/relief/\{event\}/document$|/evidence/\{sha|\.(csv|json|journal)$|/checkpoint$|/proof$|/contracts/\{number\}$"
    r"|/hand-ins/\{hand_in_id\}/(files|rejected)/|/import-profiles/\{profile_id\}/text$"
    r"|/\{simulation_file\}$|\.(pdf|zip)$|/provider-invoices/\{provider_invoice\}/(file|letter)$|^/(health|ready|metrics)$|single-sign-on"
)
"""Addresses that are saved as files, are for programs, or lead to another site."""


_CASES = ("own, sealed", "own, proposed", "own", "of an engagement", "without a link")
"""Rows of the access matrix that the addresses below are of, where their routes have them."""


@pytest.fixture(scope="module")
def served(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MatrixWorld, str]]:
    """The world of the access matrix on a free port, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = make_matrix_world(sqlite_template, tmp_path_factory.mktemp("served"), address)
        server = uvicorn.Server(uvicorn.Config(world.app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield world, address
        server.should_exit = True
        thread.join()


def _pages(world: MatrixWorld, person: str) -> list[str]:
    """The addresses of the pages that the person sees, and one of each refusal."""
    parts = NAMES | {"reference": "ENG-1", "label": "2026-02", "number": "2", "level": "SL-01"}
    parts |= {"position": "2", "name": "dso", "token": "x"} | world.own
    found: dict[str, str] = {}
    for route in routes(world.app):
        method, _, pattern = route.partition(" ")
        if method == "GET" and not _FILES.search(pattern):
            path = re.sub(r"\{(\w+)\}", lambda name: parts[name[1]], pattern)
            status = _status(route, person)
            found.setdefault(path if status == "200" else status, path)
    return list(found.values())


def _status(route: str, person: str) -> str:
    """What the person gets, by the access matrix."""
    rows = expected()[route]
    case = next(name for name in (*_CASES, *rows) if name in rows)
    return rows[case][COLUMNS.index(person)]


def _context(browser: Browser, world: MatrixWorld, address: str, person: str) -> BrowserContext:
    context = browser.new_context(base_url=address)
    context.set_default_timeout(60_000)
    if person in world.sessions:
        name, secret = cookie_name(world.settings, "session"), world.sessions[person]
        context.add_cookies([{"name": name, "value": secret, "url": address}])
    return context


@pytest.mark.parametrize("person", PEOPLE)
def test_no_page_makes_the_browser_complain(
    served: tuple[MatrixWorld, str], browser: Browser, person: str
) -> None:
    """ASVS 3.4.3: no refused content, no script error, no error of the program."""
    world, address = served
    context = _context(browser, world, address, person)
    visit = Visit(context.new_page())
    visit.listen()
    pages = [path for path in _pages(world, person) if person not in BY_ROLE or "/ENG-1" in path]
    for path in pages:
        answer = visit.page.goto(path, wait_until="load")
        assert answer is not None
        assert answer.status < 500, path
        expected = f"status of {answer.status}"
        complaints = [one for one in visit.complaints if answer.ok or expected not in one]
        assert complaints == [], path
        visit.complaints.clear()
    context.close()
