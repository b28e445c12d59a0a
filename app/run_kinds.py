"""The kinds of runs with what they draw documents with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Final

from app.documents.renderer import PdfRenderer
from app.evidence_store import drop_of, reader_of
from app.process_pool import ProcessPool
from app.settings import Settings
from billing.invoices.rendering import draw_pdf
from billing.runs.kinds import Drawing, kinds
from billing.runs.packs import draw_pack
from billing.settlement.service import Workshop, draw_period
from governance.runs.kinds import RunKind
from sla.evidence.drop_runs import import_kinds

DRAWN_WITH: Final = (
    "app.documents.renderer",
    "billing.invoices.rendering",
    "billing.runs.packs",
    "billing.settlement.service",
)
"""Modules that the processes of a pool need."""


def run_pool(settings: Settings) -> ProcessPool:
    """The processes that draw documents; they start with the first one that is drawn."""
    return ProcessPool(settings.run_processes or os.cpu_count() or 1, DRAWN_WITH)


def run_kinds(workshop: Workshop, settings: Settings | None = None) -> Mapping[str, RunKind]:
    """Every kind of run, by name; hand-ins only where the settings name a drop folder."""
    render = workshop.render
    # Invoices explain no KPIs: their definitions needn't go to the processes each time.
    plain = PdfRenderer() if isinstance(render, PdfRenderer) else render
    drawing = Drawing(
        partial(draw_pdf, render=plain),
        partial(draw_period, render=render),
        partial(draw_pack, render=render),
    )
    drop = drop_of(settings) if settings else None
    imports = import_kinds(drop, workshop.store, reader_of(settings)) if settings and drop else {}
    return {**kinds(workshop, drawing), **imports}
