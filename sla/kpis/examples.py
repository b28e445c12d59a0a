"""Worked examples: for each KPI and meter a small ledger, and its figure computed by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Table:
    """One dataset of an example; an empty cell is no value."""

    dataset: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A ledger, and what the KPI or meter says of it."""

    says: str
    """The arithmetic in words."""
    evidence: tuple[Table, ...]
    period: str
    value: str
    """To as many decimals as it is written with."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Those that differ from their defaults."""
    values: Mapping[str, str] = field(default_factory=dict)
    """By bucket, for KPIs with several."""


@cache
def load_examples() -> Mapping[str, Example]:
    """The examples of the product's KPIs, by the KPI's name."""
    return read_examples("sla.kpis.catalogue")


def read_examples(package: str) -> Mapping[str, Example]:
    """The examples in the folder `examples` of a catalogue, by the name of what they explain."""
    folder = files(package) / "examples"
    texts = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return MappingProxyType({name: _example(texts[name]) for name in sorted(texts)})


def _example(text: str) -> Example:
    content = _texts(yaml.compose(text, Loader=yaml.SafeLoader))
    return Example(
        says=content["says"].strip(),
        evidence=tuple(_table(name, table) for name, table in content["evidence"].items()),
        period=content["period"],
        value=content["value"],
        parameters=content.get("set", {}),
        values=content.get("values", {}),
    )


def _texts(node: yaml.Node | None) -> Any:
    """All scalars as they are written, so that no figure passes through a float."""
    match node:
        case yaml.MappingNode():
            return {_texts(key): _texts(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [_texts(item) for item in node.value]
        case yaml.ScalarNode():
            return node.value
    raise ValueError("an example is empty")


def _table(dataset: str, text: str) -> Table:
    heading, *rows = csv.reader(io.StringIO(text.strip()), skipinitialspace=True)
    return Table(dataset, tuple(heading), tuple(tuple(row) for row in rows))
