"""Log lines: whole, of one shape, and with nobody's data in them."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.database import session_scope
from app.operation.changes_log import log_changes
from app.operation.logging import logs
from app.operation.requests import REQUEST_ID
from app.settings import Settings
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import Conflict
from governance.tenancy import EVERYTHING
from tests.app.operation.support import DEVELOPMENT, PRODUCTION, lines, logged
from tests.app.web.support import World, address, form_token, make_world, routes
from tests.factories import NOW, PASSWORD, make_user

FORGED = 'x\r\n{"level":"info","event":"signed in as admin"}\x1b[2J\u2028y'
HOSTILE_NAME = "Wilhelmina\r\nSecret-Surname"
IN_PATH = "secret-in-a-path"
HOSTILE_EMAIL = "wilhelmina.secret@private.example"
_LOG = logging.getLogger("plumbline.tests")


def test_a_line_is_json_in_production_and_text_in_development() -> None:
    with logged(PRODUCTION) as stream:
        _LOG.info("told: %s", "so", extra={"status": 200})
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["status"]) == ("told: so", "info", 200)
    assert line["logger"] == "plumbline.tests"
    assert line["time"].endswith("Z")
    with logged(DEVELOPMENT) as stream:
        _LOG.info("told: %s", "so", extra={"status": 200})
    assert re.search(r"\[info +\] told: so +.*status=200", stream.getvalue())


@pytest.mark.parametrize("settings", [PRODUCTION, DEVELOPMENT], ids=["production", "development"])
def test_nothing_that_is_written_begins_a_second_line(settings: Settings) -> None:
    with logged(settings) as stream:
        _LOG.warning("asked by %s", FORGED, extra={"route": FORGED})
    text = stream.getvalue()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


def test_only_known_fields_get_into_a_line() -> None:
    with logged(PRODUCTION) as stream:
        _LOG.info("told", extra={"email": HOSTILE_EMAIL, "user": 7})
    (line,) = lines(stream)
    assert line["user"] == 7
    assert HOSTILE_EMAIL not in stream.getvalue()


def _fail(error: Exception) -> None:
    try:
        raise error
    except type(error):
        _LOG.exception("failed")


def test_an_error_tells_kind_and_place_but_not_what_people_typed() -> None:
    private = Exception(f"Key (email)=({HOSTILE_EMAIL}) already exists")
    with logged(PRODUCTION) as stream:
        _fail(IntegrityError("INSERT INTO …", {"email": HOSTILE_EMAIL}, private))
        _fail(ValueError(HOSTILE_EMAIL))
        _fail(OSError(2, "No such file or directory", HOSTILE_EMAIL))
    assert HOSTILE_EMAIL not in stream.getvalue()
    first, second, third = (line["errors"][0] for line in lines(stream))
    assert first["kind"] == "sqlalchemy.exc.IntegrityError"
    assert second["at"][0].startswith("tests/app/operation/test_logging.py:")
    assert third["says"] == "[Errno 2] No such file or directory"


def test_an_error_of_the_machine_is_told_in_words() -> None:
    with logged(PRODUCTION) as stream:
        _fail(OperationalError("SELECT 1", {}, Exception("could not connect")))
        _fail(Conflict("the log has 5 entries, but a checkpoint of 7 was signed"))
    assert [line["errors"][0]["says"] for line in lines(stream)] == [
        "could not connect",
        "the log has 5 entries, but a checkpoint of 7 was signed",
    ]


def test_causes_are_told_too() -> None:
    with logged(PRODUCTION) as stream:
        try:
            try:
                raise ConnectionRefusedError(111, "Connection refused")
            except OSError as error:
                raise RuntimeError from error
        except RuntimeError:
            _LOG.exception("failed")
    (line,) = lines(stream)
    assert [one["kind"] for one in line["errors"]] == [
        "builtins.RuntimeError",
        "builtins.ConnectionRefusedError",
    ]


def test_the_servers_own_loggers_go_the_same_way() -> None:
    server = logging.getLogger("uvicorn.error")
    own = logging.StreamHandler(sys.stderr)
    server.addHandler(own)
    before = list(logging.getLogger().handlers)
    stream = StringIO()
    try:
        with logs(PRODUCTION, stream):
            server.info("Started server process [%d]", 7)
            logging.getLogger("httpx").info("HTTP Request: GET https://mail.example/person")
        assert server.handlers == [own]
    finally:
        server.removeHandler(own)
    (line,) = lines(stream)
    assert (line["logger"], line["event"]) == ("uvicorn.error", "Started server process [7]")
    assert logging.getLogger().handlers == before


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> World:
    """A world whose manager has a name and an address that would be found in any line."""
    made = make_world(sqlite_template, tmp_path)
    with session_scope(made.engine, sees=EVERYTHING) as session:
        manager = session.merge(made.manager)
        manager.name, manager.email, manager.email_key = HOSTILE_NAME, HOSTILE_EMAIL, HOSTILE_EMAIL
        record(session, Actor(None, "test", NOW), _renamed(manager.id))
    made.manager.email = HOSTILE_EMAIL
    return made


def _renamed(user_id: int) -> Change:
    return Change(Action.USER_CREATED, "user_account", user_id, HOSTILE_NAME)


def _address(pattern: str, world: World) -> str:
    """The page's address; what the world has nothing for is a word that no line may hold."""
    names = re.findall(r"\{(\w+)", pattern)
    unknown = dict.fromkeys(names, IN_PATH)
    for name in names:
        with suppress(KeyError):
            address(f"{{{name}}}", world)
            del unknown[name]
    return address(pattern, world, **unknown)


def _walk(world: World) -> list[str]:
    """Every page once, a sign-in that is refused and one that isn't; returns all secrets used."""
    with world.signed_in(world.manager) as (browser, token):
        for method, path, _ in routes(world.app):
            if method == "GET":
                browser.get(_address(path, world), params={"q": HOSTILE_EMAIL})
        browser.get(f"/engagements/{HOSTILE_EMAIL}")
        browser.get(f"/no-such/{HOSTILE_EMAIL}")
        browser.post("/sign-out")
        session = browser.cookies["plumbline-session"]
    with world.browser() as browser:
        form_secret = form_token(browser.get("/sign-in").text)
        visitor = browser.cookies["plumbline-visitor"]
        for password in ("wrong wrong wrong", PASSWORD):
            form = {"csrf_token": form_secret, "email": HOSTILE_EMAIL, "password": password}
            browser.post(
                "/sign-in",
                data=form,
                headers={"User-Agent": HOSTILE_EMAIL},
            )
        later = browser.cookies.get("plumbline-session") or "-" * 9
    return [token, session, form_secret, visitor, later, PASSWORD, "wrong wrong wrong"]


def test_a_walk_of_all_pages_leaves_no_personal_data(world: World) -> None:
    log_changes()
    with logged(PRODUCTION) as stream:
        secrets = _walk(world)
    text = stream.getvalue()
    for private in (
        *secrets,
        "Wilhelmina",
        "wilhelmina",
        "Surname",
        "private.example",
        "testclient",
    ):
        assert private not in text, private
    told = lines(stream)
    assert {"request", "recorded"} <= {line["event"] for line in told}
    actions = {line["action"] for line in told if line["event"] == "recorded"}
    assert {"user:signed_in", "user:sign_in_refused"} <= actions
    requests = [line for line in told if line["event"] == "request"]
    assert all(
        {"method", "route", "status", "ms", "bytes", "user", "request_id"} <= set(line)
        for line in requests
    )
    assert {line["user"] for line in requests} == {None, world.manager.id}
    assert "/engagements/{reference}" in {line["route"] for line in requests}
    assert "unknown" in {line["route"] for line in requests}


def test_a_request_is_one_line_with_the_id_of_its_answer(world: World) -> None:
    with logged(PRODUCTION) as stream, world.browser() as browser:
        answer = browser.get("/health")
    requests = [line for line in lines(stream) if line["event"] == "request"]
    (line,) = requests
    assert line["request_id"] == answer.headers[REQUEST_ID]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/health", 200)
    assert line["bytes"] == len(answer.content)


def test_only_what_was_committed_is_told(sqlite_engine: Engine) -> None:
    log_changes()
    log_changes()
    with logged(PRODUCTION) as stream:
        with pytest.raises(RuntimeError):
            _note_and_fail(sqlite_engine)
        with session_scope(sqlite_engine, sees=EVERYTHING) as session:
            uid = _note(session)
    told = [line["entry"] for line in lines(stream) if line["event"] == "recorded"]
    assert told == [uid]


def _note_and_fail(engine: Engine) -> None:
    with session_scope(engine, sees=EVERYTHING) as session:
        _note(session)
        raise RuntimeError


def _note(session: Session) -> str:
    user = make_user(session)
    change = Change(Action.USER_CREATED, "user_account", user.id, user.email)
    return record(session, Actor(user.id, user.name, NOW), change).uid
