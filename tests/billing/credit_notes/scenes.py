"""An engagement with an issued invoice, without measuring or pricing anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.invoices.fee_document import FeeDocument
from billing.invoices.fee_document_json import fee_document_json
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.series import take_number
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.engagements.versions import agreed_contract
from governance.tables import canonical_json, digest
from governance.values import Money
from sla.measurements.models import MeasuredPeriodRecord
from tests.billing.credit_notes.build import USUAL, make_invoice
from tests.factories import NOW, agree, contract_bytes, make_actor, make_member

TWO_LINES = make_invoice([("1000.00", USUAL), ("7.50", USUAL)], "100.75")
"""1007.50 less 100.75, and 172.28 of tax: 1079.03 payable."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who prepares and who approves for the provider, who disputes for the client."""

    engagement: Engagement
    invoice: FeeInvoice
    preparer: Actor
    approver: Actor
    client: Actor


def make_scene(
    session: Session, document: FeeDocument = TWO_LINES, contract: bytes | None = None
) -> Scene:
    """An engagement whose invoice is `document`."""
    manager = make_actor(session)
    added = add_contract(session, manager, "contract.yaml", contract or contract_bytes())
    engagement = added.engagement
    agree(session, engagement)
    return Scene(
        engagement=engagement,
        invoice=add_issued_invoice(session, manager, engagement, document),
        preparer=make_member(session, engagement, Role.PROVIDER_FINANCE),
        approver=make_member(session, engagement, Role.PROVIDER_FINANCE),
        client=make_member(session, engagement, Role.CLIENT_FINANCE),
    )


def add_issued_invoice(
    session: Session, actor: Actor, engagement: Engagement, document: FeeDocument
) -> FeeInvoice:
    """An issued invoice and the frozen document that it states."""
    settlement = _settlement(session, actor, engagement, document)
    invoice = _invoice(engagement, settlement, document)
    assert invoice.issued_on
    taken = take_number(session, engagement.provider_id, "CW-{year}-{sequence:05}", NOW.date())
    invoice.series_id, invoice.sequence, invoice.number = (
        taken.series_id,
        taken.sequence,
        taken.number,
    )
    stated = replace(document, number=invoice.number, engagement=engagement.reference)
    data = canonical_json(fee_document_json(stated))
    session.add_all(
        [
            invoice,
            SettlementDocument(
                settlement_id=settlement.id,
                kind=DocumentKind.INVOICE,
                sha256=digest(data),
                data=data,
                frozen=True,
            ),
        ]
    )
    session.flush()
    return invoice


def _settlement(
    session: Session, actor: Actor, engagement: Engagement, document: FeeDocument
) -> SettlementRecord:
    version = agreed_contract(session, engagement)
    days: dict[str, Any] = {
        "period_start": document.period.start,
        "period_end": document.period.end,
    }
    restatement = session.scalars(select(func.count()).select_from(MeasuredPeriodRecord)).one()
    measured = MeasuredPeriodRecord(
        engagement_id=engagement.id,
        contract_version_id=version.id,
        currency=document.currency,
        restatement=restatement,
        measured_at=NOW,
        measured_by_id=actor.signed_in_id,
        **days,
    )
    session.add(measured)
    session.flush()
    settlement = SettlementRecord(
        engagement_id=engagement.id,
        contract_version_id=version.id,
        measured_period_id=measured.id,
        settled_at=NOW,
        settled_by_id=actor.signed_in_id,
        **days,
    )
    session.add(settlement)
    session.flush()
    return settlement


def _invoice(
    engagement: Engagement, settlement: SettlementRecord, document: FeeDocument
) -> FeeInvoice:
    names = ("subtotal", "service_credit", "tax", "withholding", "total", "payable")
    sums: dict[str, Any] = {
        f"{name}_minor": Money.of(getattr(document, name), document.currency).minor
        for name in names
    }
    return FeeInvoice(
        engagement_id=engagement.id,
        provider_id=engagement.provider_id,
        settlement_id=settlement.id,
        state=InvoiceState.ISSUED,
        period_start=document.period.start,
        period_end=document.period.end,
        issued_on=document.issued_on,
        due_on=document.due_on,
        currency=document.currency,
        created_at=NOW,
        issued_at=NOW,
        **sums,
    )
