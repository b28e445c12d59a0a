"""`plumbline serve`."""

from __future__ import annotations

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
    assert CliRunner().invoke(main, ["serve", "--port", "8123"]).exit_code == 0
    app, options = served[0]
    assert isinstance(app, Litestar)
    assert (options["host"], options["port"]) == ("127.0.0.1", 8123)
    assert not options["proxy_headers"]


def test_a_port_that_is_none_is_refused() -> None:
    assert CliRunner().invoke(main, ["serve", "--port", "0"]).exit_code == 2
