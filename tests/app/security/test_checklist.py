"""The page on security says of each of the forty points which tests hold it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.paths import ROOT

_ROW = re.compile(r"^\| (\d+) \| ([\d. –]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def _rows() -> dict[int, str]:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    return {int(number): held for number, _, held in _ROW.findall(page)}


@cache
def _tests_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def _named() -> Iterator[tuple[str, str]]:
    for held in _rows().values():
        yield from _TEST.findall(held)


def test_each_of_the_forty_points_is_held_by_a_test() -> None:
    rows = _rows()
    assert sorted(rows) == list(range(1, 41))
    for number, held in rows.items():
        assert _TEST.search(held), f"nothing holds point {number}"


def test_every_test_that_the_page_names_exists() -> None:
    for path, name in _named():
        assert name in _tests_in(path), f"{path} has no {name}"


def test_every_test_of_the_checklist_is_named_on_the_page() -> None:
    named = {name for _, name in _named()}
    for path in (ROOT / "tests" / "app" / "security").glob("test_checklist_*.py"):
        for test in _tests_in(f"app/security/{path.name}"):
            if test.startswith("test_"):
                assert test in named, f"{path.name}::{test}"
