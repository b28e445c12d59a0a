"""The files of a simulation, as the command writes them and the page offers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.documents.simulation_report import report_html, report_pdf
from app.documents.simulation_tables import negotiation, tables
from app.documents.simulation_view import SimulationView
from app.web.tables import csv_bytes
from billing.simulation.serialise import simulation_bytes
from billing.simulation.values import Simulation

_TABLES: Final = (
    "clauses",
    "months",
    "clauses-by-month",
    "service-levels",
    "volume",
    "sensitivity",
)


def _csv(name: str) -> Callable[[Simulation], bytes]:
    def make(simulation: Simulation) -> bytes:
        found = {one.name: one for one in tables(SimulationView(simulation))}
        return csv_bytes(found[name].columns, found[name].rows)

    return make


_MAKE: Final[Mapping[str, Callable[[Simulation], bytes]]] = {
    "simulation.pdf": report_pdf,
    "simulation.html": lambda one: report_html(one).encode(),
    "simulation.json": simulation_bytes,
    "negotiation.md": lambda one: negotiation(SimulationView(one)).encode(),
    **{f"{name}.csv": _csv(name) for name in _TABLES},
}
FILES: Final = tuple(_MAKE)
"""Their names."""
MEDIA_TYPES: Final = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}


def file_of(simulation: Simulation, name: str) -> bytes:
    """One file by its name; the same simulation gives the same bytes."""
    return _MAKE[name](simulation)


def media_type(name: str) -> str:
    """What kind of file a name stands for."""
    return MEDIA_TYPES[name.rpartition(".")[2]]
