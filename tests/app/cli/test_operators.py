"""`plumbline operator`, as typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from tests.factories import PASSWORD

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line on a database with two people."""
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    assert invoke("migrate").exit_code == 0
    for name in ("ada", "grace"):
        email, employer = f"{name}@example.org", ("--organisation", "Host", "--country", "de")
        added = invoke(
            "user", "add", email, "--name", name.title(), *employer, "--password", PASSWORD
        )
        assert added.exit_code == 0, added.output
    return invoke


def test_operators_are_appointed_listed_and_dismissed(run: Run) -> None:
    assert run("operator", "appoint", "ada@example.org").exit_code == 0
    last = run("operator", "dismiss", "ada@example.org")
    assert last.exit_code != 0
    assert "last operator" in last.output
    assert run("operator", "appoint", "grace@example.org", "--until", "2999-01-31").exit_code == 0
    listed = json.loads(run("operator", "list", "--json").stdout)
    assert listed == [
        {"email": "ada@example.org", "name": "Ada", "until": ""},
        {"email": "grace@example.org", "name": "Grace", "until": "2999-01-31"},
    ]
    assert run("operator", "dismiss", "ada@example.org").exit_code == 0
    assert run("operator", "list").output.split()[0] == "grace@example.org"


def test_unknown_people_and_past_days_are_refused(run: Run) -> None:
    unknown = run("operator", "appoint", "nobody@example.org")
    assert "there is no user" in unknown.output
    past = run("operator", "appoint", "ada@example.org", "--until", "2001-01-01")
    assert "past" in past.output
    assert {unknown.exit_code, past.exit_code} != {0}
