"""Every route as everybody, against the table that people have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.web.access_matrix import (
    TABLE,
    cases,
    differences,
    expected,
    observe,
    report,
    routes,
)
from tests.app.web.matrix_world import MatrixWorld, make_matrix_world
from tests.app.web.snapshots import Snapshot

PARTS = 4
"""Tests that share the routes among them, so that several processors do."""


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> MatrixWorld:
    """The matrix's world, of the test's own."""
    return make_matrix_world(sqlite_template, tmp_path)


@pytest.mark.parametrize("part", range(PARTS))
def test_everybody_gets_what_the_table_says(world: MatrixWorld, part: int) -> None:
    chosen = routes(world.app)[part::PARTS]
    wanted = expected()
    seen = observe(world, Snapshot(world.settings.data_dir / "plumbline.db"), chosen, wanted)
    new = {route: rows for route, rows in seen.items() if route not in wanted}
    assert not new, f"routes without rows in {TABLE.name}; judge and paste:\n{report(new)}"
    found = differences(seen, wanted)
    changed = {line.partition(" | ")[0] for line in found}
    paste = report({route: seen[route] for route in chosen if route in changed})
    assert not found, "\n".join([*found, "as observed:", paste])


def test_no_row_is_of_a_route_or_case_that_is_gone(world: MatrixWorld) -> None:
    known = {route: {case.name for case in cases(route, world)} for route in routes(world.app)}
    for route, rows in expected().items():
        assert route in known, f"{route} is no route of the application"
        assert set(rows) == known[route], f"the cases of {route}"
