"""What a corrected invoice states: the figures of the credited one under another header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.invoices.fee_document import DocumentReference, DocumentType, FeeDocument
from billing.settlement.documents import party_json
from governance.contract.document import Contract
from governance.contract.engagement import Party
from governance.tables import canonical_json


@dataclass(frozen=True, slots=True)
class CorrectedHeader:
    """What may be stated differently; lines, taxes and totals stay as they were sealed."""

    client: Party
    purchase_order: str | None = None
    buyer_reference: str | None = None


def header_of_contract(contract: Contract) -> CorrectedHeader:
    """What the contract says of it now."""
    invoicing = contract.invoicing
    client = contract.engagement.client
    return CorrectedHeader(client, invoicing.purchase_order, invoicing.buyer_reference)


def header_of_document(document: FeeDocument) -> CorrectedHeader:
    """What an invoice says."""
    return CorrectedHeader(document.buyer, document.purchase_order, document.buyer_reference)


def header_text(header: CorrectedHeader) -> str:
    """To be kept with the draft; `read_header` reads it back."""
    stated = {
        "client": header.client.model_dump(mode="json"),
        "purchase_order": header.purchase_order,
        "buyer_reference": header.buyer_reference,
    }
    return canonical_json(stated).decode()


def read_header(text: str) -> CorrectedHeader:
    """A header as `header_text` wrote it."""
    stated = json.loads(text)
    client = Party.model_validate(stated.pop("client"))
    return CorrectedHeader(client, **stated)


def corrected_json(
    credited: Mapping[str, Any], header: CorrectedHeader, reason: str
) -> dict[str, Any]:
    """The draft's JSON: the credited invoice's own, with another header, reference and reason.

    It has neither number nor days, nor the state of the audit log.
    """
    kept = {
        key: value for key, value in credited.items() if key not in {"audit_log", "buyer_reference"}
    }
    own: dict[str, Any] = {
        "type": DocumentType.CORRECTED_INVOICE.value,
        "number": None,
        "issued_on": None,
        "due_on": None,
        "purchase_order": header.purchase_order,
        "client": party_json(header.client),
        "corrects": {"number": credited["number"], "issued_on": credited["issued_on"]},
        "correction": reason,
    }
    reference = header.buyer_reference
    return kept | own | ({"buyer_reference": reference} if reference else {})


def reference_of(stated: Mapping[str, Any]) -> DocumentReference:
    """Number and day of the invoice that a corrected one replaces."""
    found = stated["corrects"]
    return DocumentReference(found["number"], date.fromisoformat(found["issued_on"]))


def corrected_contract(contract: Contract, header: CorrectedHeader) -> Contract:
    """The contract that an invoice followed from, with the header that is stated in its place."""
    frame = contract.engagement.model_copy(update={"client": header.client})
    further = {
        "purchase_order": header.purchase_order,
        "buyer_reference": header.buyer_reference,
    }
    invoicing = contract.invoicing.model_copy(update=further)
    return contract.model_copy(update={"engagement": frame, "invoicing": invoicing})
