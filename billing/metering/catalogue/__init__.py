"""The meters that are counted from evidence: one SQL file a meter, in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from billing.metering.definitions import MeterDefinition, parse_meter


@cache
def load_meters() -> Mapping[str, MeterDefinition]:
    """All meters that come with the product, by name; read once.

    Raises BadInput where a file is malformed.
    """
    entries = sorted(files(__name__).iterdir(), key=lambda entry: entry.name)
    texts = {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in entries
        if entry.name.endswith(".sql")
    }
    return MappingProxyType({name: parse_meter(name, text) for name, text in texts.items()})
