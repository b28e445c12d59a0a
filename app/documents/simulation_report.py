"""A simulation as a report: one page that opens anywhere, and a PDF of the same."""

from __future__ import annotations

from datetime import date

from app.documents.rendering import html_to_pdf, render_html
from app.documents.simulation_charts import (
    change_chart,
    cost_chart,
    credit_chart,
    credit_curve,
    volume_chart,
)
from app.documents.simulation_view import (
    SimulationView,
    point_words,
    signed_percent,
    stretch_words,
)
from app.documents.wording import STATUS
from billing.simulation.values import Simulation
from governance.values import Period

_TEMPLATE = "simulation.html"
_STYLE = "simulation.css"


def report_context(simulation: Simulation) -> dict[str, object]:
    """What the report and the page show."""
    view = SimulationView(simulation)
    return {
        "view": view,
        "simulation": simulation,
        "currency": simulation.currency,
        "costs": cost_chart(view),
        "credits": credit_chart(view),
        "changes": change_chart(view),
        "volumes": volume_chart(view),
        "curve": credit_curve,
        "point_words": point_words,
        "stretch_words": stretch_words,
        "signed_percent": signed_percent,
        "statuses": STATUS,
    }


def report_html(simulation: Simulation) -> str:
    """The report as one file, its style inside; the same simulation gives the same text."""
    return render_html(_TEMPLATE, report_context(simulation) | {"with_style": True})


def report_pdf(simulation: Simulation) -> bytes:
    """The report as tagged PDF, dated by the last month; the same bytes for the same simulation."""
    html = render_html(_TEMPLATE, report_context(simulation) | {"with_style": False})
    return html_to_pdf(html, _STYLE, _dated(simulation))


def _dated(simulation: Simulation) -> date:
    return Period.parse(simulation.months[-1]).end
