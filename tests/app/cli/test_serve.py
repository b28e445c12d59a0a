"""`plumbline serve`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner
from litestar import Litestar

from app.cli import main


def test_it_serves_the_application_on_loopback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.append((app, options)))
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    handlers = list(logging.getLogger().handlers)
    assert CliRunner().invoke(main, ["serve", "--port", "8123"]).exit_code == 0
    app, options = served[0]
    assert isinstance(app, Litestar)
    assert (options["host"], options["port"]) == ("127.0.0.1", 8123)
    assert not options["proxy_headers"]
    assert not options["access_log"]
    assert options["log_config"] is None
    assert (tmp_path / "keys" / "secret.key").exists()
    assert logging.getLogger().handlers == handlers


def test_a_database_that_is_not_migrated_is_not_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: pytest.fail("it served"))
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 5
    assert "run `plumbline migrate`" in result.output


def test_a_port_that_is_none_is_refused() -> None:
    assert CliRunner().invoke(main, ["serve", "--port", "0"]).exit_code == 2


def test_production_without_a_secret_serves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: pytest.fail("it served"))
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "https://plumbline.example")
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 2
    assert "PLUMBLINE_SECRET_KEY: it is missing in production" in result.output
    assert "PLUMBLINE_AUDIT_KEY_DIR: " in result.output
    assert not (tmp_path / "data").exists()
