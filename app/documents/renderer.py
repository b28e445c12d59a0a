"""The PDFs of a settlement, for services that know no templates."""

from __future__ import annotations

from collections.abc import Mapping

from app.documents.invoice import render_invoice
from app.documents.pack import render_pack
from billing.settlement.values import InvoiceHeader, Settlement
from governance.audit.checkpoints import Checkpoint
from sla.kpis.definitions import KpiDefinition


class PdfRenderer:
    """Renders documents with WeasyPrint; `definitions` are the KPIs that packs explain."""

    def __init__(self, definitions: Mapping[str, KpiDefinition] | None = None) -> None:
        self._definitions = definitions

    def invoice(self, settlement: Settlement, header: InvoiceHeader) -> bytes:
        """The fee invoice as PDF."""
        return render_invoice(settlement, header)

    def pack(self, settlement: Settlement, log: Checkpoint | None) -> bytes:
        """The steering-committee pack as PDF."""
        return render_pack(settlement, self._definitions, log)
