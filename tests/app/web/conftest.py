"""Worlds for the tests of pages: one to look at, and one to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.web.factors import ORIGIN
from tests.app.web.support import World, make_world


@pytest.fixture(scope="package")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world that no test changes."""
    return make_world(sqlite_template, tmp_path_factory.mktemp("world"))


@pytest.fixture
def own_world(sqlite_template: Path, tmp_path: Path) -> World:
    """A world of the test's own."""
    return make_world(sqlite_template, tmp_path)


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path) -> World:
    """The same at an address that can have passkeys."""
    return make_world(sqlite_template, tmp_path, ORIGIN)
