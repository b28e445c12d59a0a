"""A short form of `make kills`: the same ways to end a worker, a few of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.database import BACKENDS
from tests.kills.killing import boundaries_of, cut_at_commits, kill_at_boundaries, kill_at_random
from tests.kills.scenes import SCENES
from tests.kills.shelves import Files, Server, Shelf

_SCENE = "toys"
_EVERY = 60


@pytest.fixture(scope="module", params=BACKENDS)
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """The scene on each database in turn."""
    folder = tmp_path_factory.mktemp("kills")
    made: Shelf = (
        Files(folder, request.getfixturevalue("sqlite_template"))
        if request.param == "sqlite"
        else Server(
            request.getfixturevalue("postgresql_server"),
            request.getfixturevalue("postgresql_template"),
        )
    )
    made.build(lambda engine: SCENES[_SCENE].build(engine, folder))
    return made


def test_a_worker_killed_at_a_boundary_loses_and_doubles_nothing(
    shelf: Shelf, tmp_path: Path
) -> None:
    boundaries = boundaries_of(_SCENE, shelf, tmp_path)
    found = kill_at_boundaries(_SCENE, shelf, tmp_path, range(7, boundaries, _EVERY))
    assert found.wrong == []
    assert found.kills >= 3


def test_workers_killed_and_stopped_at_random_lose_and_double_nothing(
    shelf: Shelf, tmp_path: Path
) -> None:
    found = kill_at_random(_SCENE, shelf, tmp_path, kills=4, seed=11)
    assert found.wrong == []


def test_connections_cut_during_commits_lose_and_double_nothing(
    shelf: Shelf, tmp_path: Path
) -> None:
    found = cut_at_commits(_SCENE, shelf, tmp_path, cuts=6, seed=5)
    assert found.wrong == []
