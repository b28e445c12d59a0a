"""What commands do where the installation isn't there, isn't migrated or is in production."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main

_COMMANDS = (
    ("user", "list"),
    ("user", "close", "ada@example.org"),
    ("operator", "list"),
    ("mail", "list"),
    ("mail", "send"),
    ("audit", "sequence"),
    ("audit", "check"),
    ("audit", "checkpoint"),
    ("audit", "export", "--out", "out"),
    ("audit", "rotate-key", "--yes"),
    ("backup", "--out", "out"),
    ("demo",),
)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of an installation that nobody has made yet."""
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_without_a_database_the_next_step_is_named(data: Path, command: tuple[str, ...]) -> None:
    found = _run(*command)
    assert found.exit_code == 5
    assert f"there is no database {data / 'plumbline.db'}" in found.output
    assert "run `plumbline migrate`" in found.output
    assert not data.exists()


def test_a_database_of_another_schema_is_refused(data: Path) -> None:
    data.mkdir()
    (data / "plumbline.db").touch()
    found = _run("user", "list")
    assert found.exit_code == 5
    assert "isn't of this release's schema" in found.output


def test_a_database_that_does_not_answer_is_named_without_its_password(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql+psycopg://ada:s3cret@127.0.0.1:1/none"
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", address)
    for command in (("user", "list"), ("migrate",)):
        found = _run(*command)
        assert found.exit_code == 5
        assert "can't be opened" in found.output
        assert "s3cret" not in found.output
    assert not data.exists()


def test_commands_close_their_connections(data: Path) -> None:
    assert _run("migrate").exit_code == 0
    for command in (("user", "list"), ("audit", "sequence"), ("audit", "check"), ("mail", "send")):
        assert _run(*command).exit_code == 0
    gc.collect()  # A connection that stayed open would warn here, which is an error.
    assert not (data / "plumbline.db-wal").exists()


def test_the_demo_never_runs_in_production(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "https://plumbline.example")
    monkeypatch.setenv("PLUMBLINE_SECRET_KEY", "q7Zr0vXw2mKd9LbTn4HsYc6JfGa8PeUi")
    monkeypatch.setenv("PLUMBLINE_AUDIT_KEY_DIR", str(data.parent / "keys"))
    found = _run("demo")
    assert found.exit_code == 5
    assert "never runs in production" in found.output
    assert not data.exists()
