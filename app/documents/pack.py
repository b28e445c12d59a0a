"""The steering committee's pack as PDF."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.documents.charts import WaterfallStep, waterfall_chart
from app.documents.formatting import short_period
from app.documents.invoice import closing, invoice_lines, tax_currency, total_rows
from app.documents.log_state import log_state
from app.documents.pack_levels import level_views
from app.documents.pack_summary import attention, headline, key_figures
from app.documents.rendering import html_to_pdf, render_html
from app.documents.wording import MODEL, SETTLED, STATUS, tax_note
from billing.settlement.values import Settlement
from governance.audit.checkpoints import Checkpoint
from sla.evidence.values import EvidenceDigest
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition
from sla.measurements.values import Measurement


def render_pack(
    settlement: Settlement,
    definitions: Mapping[str, KpiDefinition] | None = None,
    log: Checkpoint | None = None,
) -> bytes:
    """The pack of the settled period as tagged PDF; the same input gives the same bytes.

    `definitions` are the KPIs' texts; by default those of the catalogue. A text is printed
    only where its digest is the one that was measured with. `log` is the audit log's latest
    checkpoint, None where there is no log.
    """
    definitions = load_catalogue() if definitions is None else definitions
    html = render_html("pack.html", pack_context(settlement, definitions, log))
    return html_to_pdf(html, "pack.css", settlement.period.end)


def pack_context(
    settlement: Settlement,
    definitions: Mapping[str, KpiDefinition],
    log: Checkpoint | None = None,
) -> dict[str, object]:
    """What the templates show."""
    levels = level_views(settlement, definitions)
    terms = settlement.contract.service_credits
    return {
        "settlement": settlement,
        "engagement": settlement.contract.engagement,
        "model": MODEL[settlement.contract.engagement.model],
        "priced": settlement.priced,
        "currency": settlement.priced.currency,
        "levels": levels,
        "headline": headline(settlement, levels),
        "key_figures": key_figures(settlement, levels),
        "attention": attention(settlement, levels),
        "statuses": STATUS,
        "settled": SETTLED[terms.settle] if terms else "",
        "lines": invoice_lines(settlement),
        "totals": tuple(total_rows(settlement)),
        "closing": closing(settlement.priced),
        "tax_currency": tax_currency(settlement.priced),
        "tax_notes": tuple(dict.fromkeys(filter(None, map(tax_note, settlement.priced.taxes)))),
        "waterfall": _waterfall(settlement),
        "evidence": _evidence(settlement),
        "definition_digests": _definition_digests(settlement),
        "history": tuple(_history(settlement)),
        "log": log_state(log),
    }


def _waterfall(settlement: Settlement) -> object:
    priced = settlement.priced
    steps = [
        *(WaterfallStep(f"{line.charge} {line.title}", line.amount) for line in priced.lines),
        *(
            WaterfallStep(row.label, row.amount)
            for row in total_rows(settlement)
            if _moves(row.label)
        ),
        WaterfallStep("Payable", priced.payable, is_total=True),
    ]
    return waterfall_chart(steps, "From the charges to the amount payable", priced.currency)


def _moves(label: str) -> bool:
    return label not in {"Charges", "Net amount", "Total"}


def _evidence(settlement: Settlement) -> tuple[EvidenceDigest, ...]:
    cited: Iterable[tuple[EvidenceDigest, ...]] = (
        *(result.evidence for result in settlement.measured.results),
        *(reading.evidence for reading in settlement.readings.values()),
    )
    return tuple(sorted({digest for each in cited for digest in each}))


def _definition_digests(settlement: Settlement) -> tuple[tuple[str, str], ...]:
    kpis = {result.kpi: result.definition_sha256 for result in settlement.measured.results}
    meters = {name: each.definition_sha256 for name, each in settlement.readings.items()}
    return (*sorted(kpis.items()), *sorted(meters.items()))


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """All service levels in one period."""

    period: str
    results: tuple[Measurement | None, ...]


def _history(settlement: Settlement) -> Iterator[HistoryRow]:
    order = [result.service_level for result in settlement.measured.results]
    for each in (settlement.measured, *reversed(settlement.history)):
        found = {result.service_level: result for result in each.results}
        yield HistoryRow(short_period(each.period), tuple(found.get(level) for level in order))
