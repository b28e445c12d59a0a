"""The PDFs of a settlement, for services that know no templates."""

from __future__ import annotations

from collections.abc import Mapping

from app.documents.credit_note import render_credit_note
from app.documents.invoice import render_invoice
from app.documents.pack import render_pack
from app.documents.template_version import template_version
from billing.e_invoices.made import e_invoices_of
from billing.invoices.fee_document import FeeDocument
from billing.settlement.values import InvoiceHeader, Settlement
from governance.audit.checkpoints import Checkpoint
from sla.kpis.definitions import KpiDefinition


class PdfRenderer:
    """Renders documents with WeasyPrint; `definitions` are the KPIs that packs explain."""

    def __init__(self, definitions: Mapping[str, KpiDefinition] | None = None) -> None:
        # A plain dictionary, which can go to another process.
        self._definitions = None if definitions is None else dict(definitions)

    def invoice(
        self, settlement: Settlement, header: InvoiceHeader, xml: bytes | None = None
    ) -> bytes:
        """The fee invoice as PDF, with its electronic form inside where there is one."""
        return render_invoice(settlement, header, xml)

    def pack(self, settlement: Settlement, log: Checkpoint | None) -> bytes:
        """The steering-committee pack as PDF."""
        return render_pack(settlement, self._definitions, log)

    def credit_note(self, document: FeeDocument, log: Checkpoint | None) -> bytes:
        """The credit note as PDF; one that is issued has its electronic form inside."""
        xml = e_invoices_of(document).embedded if document.number else None
        return render_credit_note(document, log, xml)

    def template_version(self) -> str:
        """SHA-256 over everything that decides on how documents look."""
        return template_version()
