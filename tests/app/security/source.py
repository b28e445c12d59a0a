"""The project's own source, as trees and texts, for rules that hold everywhere in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from tests.paths import ROOT

PACKAGES = ("app", "billing", "sla", "governance", "migrations")


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    """Path from the root and tree of every module."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8")))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    )


def imports() -> Iterator[tuple[str, str]]:
    """Module's path and the full name of what it imports."""
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def calls() -> Iterator[tuple[str, str]]:
    """Module's path and the written name of what it calls, such as `yaml.load`."""
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, ast.unparse(node.func)


def templates() -> Iterator[tuple[str, str]]:
    """Path and text of every template."""
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.is_file():
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
