"""An SQLite library that can lose commits is named when the application starts."""

from __future__ import annotations

from pathlib import Path

import pysqlite3
import pytest

from app.database import make_engine
from tests.app.operation.support import PRODUCTION, lines, logged


@pytest.mark.parametrize(
    ("version", "warned"),
    [("3.40.1", True), ("3.51.2", True), ("3.51.3", False), ("3.53.0", False)],
)
def test_an_affected_version_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, warned: bool
) -> None:
    monkeypatch.setattr(pysqlite3, "sqlite_version", version)
    with logged(PRODUCTION) as stream:
        make_engine(f"sqlite:///{tmp_path / 'any.db'}").dispose()
    told = [line for line in lines(stream) if line["level"] == "warning"]
    assert bool(told) is warned
    assert all(version in line["event"] for line in told)
    assert lines(stream)[0]["event"] == f"SQLite {version}"


def test_the_bundled_version_is_not_affected() -> None:
    assert tuple(map(int, pysqlite3.sqlite_version.split("."))) >= (3, 51, 3)
