"""`plumbline migrate` and `plumbline user`, as typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.database import make_engine, session_scope
from app.settings import load_settings
from governance.parties.service import authenticate
from tests.factories import NOW, PASSWORD

Run = Callable[..., Result]
ADD = ("user", "add", "ada@example.org", "--name", "Ada", "--organisation", "Clearwater")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return invoke


def _added(run: Run, password: str = PASSWORD) -> Result:
    return run(*ADD, "--country", "ie", "--password", password)


def _may_sign_in(password: str) -> bool:
    engine = make_engine(load_settings())
    try:
        with session_scope(engine) as session:
            return authenticate(session, "ada@example.org", password, NOW) is not None
    finally:
        engine.dispose()


def test_the_database_is_made_once(run: Run) -> None:
    first, second = run("migrate"), run("migrate")
    assert "is now up to date" in first.output
    assert "is up to date" in second.output


def test_a_user_is_added_listed_and_closed(run: Run) -> None:
    run("migrate")
    assert _added(run).exit_code == 0
    assert _may_sign_in(PASSWORD)
    listed = json.loads(run("user", "list", "--json").output)
    assert listed == [
        {
            "email": "ada@example.org",
            "name": "Ada",
            "organisation": "Clearwater",
            "kind": "provider",
            "active": True,
        }
    ]
    assert run("user", "close", "ada@example.org").exit_code == 0
    assert not _may_sign_in(PASSWORD)
    assert "(closed)" in run("user", "list").output


def test_a_password_is_set(run: Run) -> None:
    run("migrate")
    _added(run)
    run("user", "password", "ada@example.org", "--password", "another long sentence")
    assert not _may_sign_in(PASSWORD)
    assert _may_sign_in("another long sentence")


def test_problems_are_said_and_give_their_exit_status(run: Run) -> None:
    run("migrate")
    weak = _added(run, "short")
    assert (weak.exit_code, "password" in weak.output) == (2, True)
    _added(run)
    assert _added(run).exit_code == 5
    assert run("user", "close", "nobody@example.org").exit_code == 4
