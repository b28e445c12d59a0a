"""The catalogue: one SQL file a KPI, in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from governance.contract.kpi_signature import KpiSignature
from sla.kpis.definitions import KpiDefinition, parse_definition


def _sql_files(folder: Traversable) -> dict[str, str]:
    return {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    }


@cache
def load_catalogue() -> Mapping[str, KpiDefinition]:
    """All KPIs that come with the product, by name; read once.

    Raises BadInput where a file is malformed.
    """
    folder = files(__name__)
    words = _sql_files(folder / "words")
    return MappingProxyType(
        {name: parse_definition(name, text, words) for name, text in _sql_files(folder).items()}
    )


def signatures() -> Mapping[str, KpiSignature]:
    """What contracts are checked against: name, direction and parameters of every KPI."""
    return {name: definition.signature for name, definition in load_catalogue().items()}
