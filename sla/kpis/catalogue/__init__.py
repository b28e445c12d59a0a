"""The catalogue: one SQL file a KPI, in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from governance.contract.kpi_signature import KpiSignature
from sla.kpis.definitions import KpiDefinition, parse_definition
from sla.kpis.own import load_own


def _sql_files(folder: Traversable) -> dict[str, str]:
    return {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    }


@cache
def shipped_words() -> Mapping[str, str]:
    """The expressions that KPIs share, by name."""
    return MappingProxyType(_sql_files(files(__name__) / "words"))


@cache
def load_catalogue(folder: Path | None = None) -> Mapping[str, KpiDefinition]:
    """All KPIs by name: those that come with the product and, if any, the customer's in `folder`.

    Read once. Raises BadInput where a file is malformed or does what a KPI may not.
    """
    shipped = {
        name: parse_definition(name, text, shipped_words())
        for name, text in _sql_files(files(__name__)).items()
    }
    own = {} if folder is None else load_own(folder, shipped, shipped_words())
    return MappingProxyType(dict(sorted((shipped | own).items())))


def signatures(folder: Path | None = None) -> Mapping[str, KpiSignature]:
    """What contracts are checked against: name, direction and parameters of every KPI."""
    return {name: definition.signature for name, definition in load_catalogue(folder).items()}
