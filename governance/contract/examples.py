"""Worked examples of the contract language: terms, what happens, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Example:
    """Terms as a document has them, and what they come to."""

    terms: str
    """YAML, as it stands in a contract."""
    says: str
    """The arithmetic in words."""
    usage: Mapping[str, Any] | None = None
    """What `plumbline price` reads beside the terms."""
    lines: tuple[str, ...] = ()
    """Amounts of the lines that then are charged."""
    results: Mapping[str, Any] | None = None
    """What `plumbline credits` reads beside the terms."""
    expected: Mapping[str, str] | None = None
    """Keys of its answer, and their values."""
    engagement: Mapping[str, Any] | None = None
    """Terms of the engagement that the example takes for granted."""


@cache
def load_examples() -> Mapping[str, tuple[Example, ...]]:
    """The examples by the key, type or method that they show."""
    text = (files("governance.contract") / "examples.yaml").read_text(encoding="utf-8")
    loaded = yaml.safe_load(text)
    return MappingProxyType(
        {name: tuple(_example(one) for one in some) for name, some in loaded.items()}
    )


def _example(content: Mapping[str, Any]) -> Example:
    return Example(**{**content, "lines": tuple(content.get("lines", ()))})
