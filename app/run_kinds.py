"""The kinds of runs with what they draw documents with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Final

from app.documents.renderer import PdfRenderer
from app.process_pool import ProcessPool
from app.settings import Settings
from billing.invoices.rendering import draw_pdf
from billing.runs.kinds import kinds
from billing.settlement.service import Workshop
from governance.runs.kinds import RunKind

DRAWN_WITH: Final = ("app.documents.renderer", "billing.invoices.rendering")
"""Modules that the processes of a pool need."""


def run_pool(settings: Settings) -> ProcessPool:
    """The processes that draw documents; they start with the first one that is drawn."""
    return ProcessPool(settings.run_processes or os.cpu_count() or 1, DRAWN_WITH)


def run_kinds(workshop: Workshop) -> Mapping[str, RunKind]:
    """Every kind of run, by name."""
    render = workshop.render
    # Invoices explain no KPIs: their definitions needn't go to the processes each time.
    drawing = PdfRenderer() if isinstance(render, PdfRenderer) else render
    return kinds(workshop, partial(draw_pdf, render=drawing))
