"""A short form of `make kills`: the same ways to end a worker, a few of each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from tests.database import BACKENDS
from tests.kills.killing import cut_at_commits, kill_at_boundaries, kill_at_random
from tests.kills.processes import conductor
from tests.kills.scenes import SCENES
from tests.kills.shelves import Files, Server, Shelf

_SCENE = "toys"
_EVERY = 90


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


@pytest.fixture(scope="module")
def conducting() -> Iterator[Executor]:
    """The process to kill from."""
    with conductor() as made:
        yield made


def test_a_worker_killed_at_a_boundary_loses_and_doubles_nothing(
    conducting: Executor, shelf: Shelf, tmp_path: Path
) -> None:
    found = conducting.submit(kill_at_boundaries, _SCENE, shelf, tmp_path, 7, _EVERY).result()
    assert found.wrong == []
    assert found.kills >= 3


def test_workers_killed_and_stopped_at_random_lose_and_double_nothing(
    conducting: Executor, shelf: Shelf, tmp_path: Path
) -> None:
    found = conducting.submit(kill_at_random, _SCENE, shelf, tmp_path, 4, 11).result()
    assert found.wrong == []


def test_connections_cut_during_commits_lose_and_double_nothing(
    conducting: Executor, shelf: Shelf, tmp_path: Path
) -> None:
    found = conducting.submit(cut_at_commits, _SCENE, shelf, tmp_path, 6, 5).result()
    assert found.wrong == []
