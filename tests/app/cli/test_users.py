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
from governance.tenancy import EVERYTHING
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
        with session_scope(engine, sees=EVERYTHING) as session:
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


def test_a_closed_account_is_opened_again(run: Run) -> None:
    run("migrate")
    _added(run)
    run("user", "close", "ada@example.org")
    assert run("user", "reopen", "ada@example.org").exit_code == 0
    assert _may_sign_in(PASSWORD)
    assert run("user", "reopen", "ada@example.org").exit_code == 5


def test_a_user_is_invited_and_the_mail_is_a_file_without_a_server(
    run: Run, tmp_path: Path
) -> None:
    run("migrate")
    invited = run("user", "invite", *ADD[2:], "--country", "IE")
    folder = str(tmp_path / "var" / "mail")
    assert folder in invited.output
    waiting = json.loads(run("mail", "list", "--json").output)
    assert [(one["state"], one["recipient"]) for one in waiting] == [("waiting", "ada@example.org")]
    sent = run("mail", "send")
    assert "1 sent" in sent.output
    assert folder in sent.output
    assert len(list((tmp_path / "var" / "mail").glob("*.eml"))) == 1
    assert "sent" in run("mail", "list").output
    assert "ada@example.org" not in run("mail", "list").output


def test_second_factors_are_taken_from_who_has_lost_them(run: Run) -> None:
    run("migrate")
    _added(run)
    assert "0 second factors" in run("user", "remove-second-factors", "ada@example.org").output


def test_a_user_is_erased_from_log_invitation_and_outbox(run: Run) -> None:
    run("migrate")
    run("user", "invite", *ADD[2:], "--country", "IE")
    _added(run)
    assert run("user", "erase", "ada@example.org", "--yes").exit_code == 0
    assert "ada@example.org" not in run("mail", "list").output
    assert "ada@example.org" not in run("user", "list").output


def test_who_was_only_invited_is_erased(run: Run) -> None:
    run("migrate")
    erase = ("user", "erase", "Ada@example.org", "--yes")
    assert "there is no user, invitation or recipient" in run(*erase).output
    run("user", "invite", *ADD[2:], "--country", "IE")
    erased = run(*erase)
    assert (erased.exit_code, "deliveries are erased" in erased.output) == (0, True)
    assert "with 0 values" not in erased.output
    assert "ada@example.org" not in run("mail", "list").output
    assert run(*erase).exit_code != 0


def test_an_organisation_needs_a_name_and_a_country(run: Run) -> None:
    run("migrate")
    wrong = run(*ADD, "--country", "Ireland", "--password", PASSWORD)
    assert (wrong.exit_code, "country" in wrong.output) == (2, True)


def test_problems_are_said_and_give_their_exit_status(run: Run) -> None:
    run("migrate")
    weak = _added(run, "short")
    assert (weak.exit_code, "password" in weak.output) == (2, True)
    _added(run)
    assert _added(run).exit_code == 5
    assert run("user", "close", "nobody@example.org").exit_code == 4
