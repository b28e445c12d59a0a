"""Issued invoices without the settlement behind them: what payments need of the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.models import FeeInvoice, InvoiceSeries, InvoiceState
from billing.settlement.models import SettlementRecord
from governance.access import Actor, Role
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import add_contract
from governance.values import Period
from sla.measurements.models import MeasuredPeriodRecord
from tests.factories import NOW, actor_of, contract_bytes, make_member, make_user

CLIENT_IBAN = "DE02120300000000202051"


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement with people who may do everything about payments."""

    engagement: Engagement
    finance: Actor
    second: Actor
    manager: Actor


def make_scene(session: Session, reference: str = "ENG-1", contract: bytes | None = None) -> Scene:
    """An engagement of Nordlicht (client) and Clearwater (provider), without invoices."""
    manager = actor_of(make_user(session))
    data = contract or contract_bytes(reference)
    engagement = add_contract(session, manager, "contract.yaml", data).engagement
    finance, second = (make_member(session, engagement, Role.PROVIDER_FINANCE) for _ in range(2))
    return Scene(engagement, finance, second, manager)


def make_invoice(
    session: Session,
    engagement: Engagement,
    sequence: int,
    minor: int,
    *,
    currency: str = "EUR",
    withholding: int = 0,
    state: InvoiceState = InvoiceState.ISSUED,
    issued_on: date | None = None,
) -> FeeInvoice:
    """Invoice CW-2026-0000x of the x-th month with an amount payable, due on its 28th."""
    version = session.scalars(
        select(ContractVersion).where(col(ContractVersion.engagement_id) == engagement.id)
    ).first()
    assert version is not None
    period = Period.month(2025 + (sequence + 11) // 12, (sequence - 1) % 12 + 1)
    user_id = version.added_by_id
    measured = MeasuredPeriodRecord(
        engagement_id=engagement.id,
        contract_version_id=version.id,
        period_start=period.start,
        period_end=period.end,
        currency=currency,
        measured_at=NOW,
        measured_by_id=user_id,
    )
    session.add(measured)
    session.flush()
    settled = SettlementRecord(
        engagement_id=engagement.id,
        contract_version_id=version.id,
        measured_period_id=measured.id,
        period_start=period.start,
        period_end=period.end,
        settled_at=NOW,
        settled_by_id=user_id,
    )
    session.add(settled)
    session.flush()
    row = FeeInvoice(
        engagement_id=engagement.id,
        provider_id=engagement.provider_id,
        settlement_id=settled.id,
        state=state,
        period_start=period.start,
        period_end=period.end,
        currency=currency,
        subtotal_minor=minor + withholding,
        service_credit_minor=0,
        tax_minor=0,
        withholding_minor=withholding,
        total_minor=minor + withholding,
        payable_minor=minor,
        created_at=NOW,
    )
    if state is InvoiceState.ISSUED:
        row.series_id, row.sequence = _series(session, engagement).id, sequence
        row.number = f"CW-2026-{sequence:05}"
        row.issued_on = issued_on or NOW.date()
        row.due_on = date(period.end.year, period.end.month, 28)
        row.issued_at = NOW
    session.add(row)
    session.flush()
    return row


def _series(session: Session, engagement: Engagement) -> InvoiceSeries:
    found = session.scalars(select(InvoiceSeries)).first()
    if found is None:
        found = InvoiceSeries(
            provider_id=engagement.provider_id, pattern="CW-{year}-{sequence:05}", year=2026
        )
        session.add(found)
        session.flush()
    return found
