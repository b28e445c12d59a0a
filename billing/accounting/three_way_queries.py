"""Read the contract, the seal and the invoice of a period for the three-way check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from billing.accounting.three_way import ThreeWayCheck, three_way_check
from billing.invoices.fee_document import read_fee_document
from billing.settlement.models import DocumentKind
from billing.settlement.queries import document_of, find_settlement
from billing.settlement.verifying_charges import left_out, verify_charges
from governance.access import Actor
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import contract_of
from governance.values import Period
from sla.reviews.queries import seal_of
from sla.reviews.verifying import FindEvidence, read_seal


def check_of_period(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    find: FindEvidence | None = None,
) -> ThreeWayCheck:
    """The check of a settled period's invoice, a draft's too.

    With `find`, which answers with the file of a digest, the charges of sealed figures are computed
    again from their evidence. Raises NotFound where the period was never settled.
    """
    row = find_settlement(session, actor, engagement, period)
    contract = contract_of(session.get_one(ContractVersion, row.contract_version_id))
    invoice = read_fee_document(document_of(session, row, DocumentKind.INVOICE).data)
    seal = seal_of(session, row.measured_period_id)
    if seal is None:
        return three_way_check(contract, None, {}, invoice)
    stated = read_seal(seal.document)["invoice"]
    return three_way_check(
        contract,
        read_fee_document(stated),
        _rows(stated),
        invoice,
        again=verify_charges(seal.document, find) if find else None,
        left_out=left_out(seal.document) if find else (),
    )


def _rows(invoice: Mapping[str, Any]) -> dict[int, int]:
    """The ledger rows that each line counts, by its position."""
    return {
        line.get("position", number): line["reading"]["rows"]
        for number, line in enumerate(invoice["lines"], start=1)
        if line.get("reading")
    }
