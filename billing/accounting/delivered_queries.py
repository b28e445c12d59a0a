"""Read what the settled months delivered that have no invoice of their own yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.fee_document import Allowance, FeeDocument, read_fee_document
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from billing.settlement.spans import invoice_month
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.engagements.versions import contract_of, versions_of
from governance.values import Period


def delivered_months(
    session: Session, engagement: Engagement, period: Period
) -> Iterator[FeeDocument]:
    """Months that a later one's invoice charges, each with its own lines and service credit.

    Which one does follows from the version of the contract that the month was settled by, so that
    an amendment changes no month that is closed. Left out are those whose invoice was issued before
    the period. The caller has checked the permission.
    """
    contracts = _charged_later(session, engagement)
    if not contracts:
        return
    issued = _issued_before(session, engagement, period)
    rows = session.execute(
        select(
            col(SettlementRecord.period_start),
            col(SettlementRecord.contract_version_id),
            col(SettlementDocument.data),
        )
        .join(SettlementDocument, col(SettlementDocument.settlement_id) == col(SettlementRecord.id))
        .where(
            col(SettlementRecord.engagement_id) == engagement.id,
            col(SettlementRecord.superseded_at).is_(None),
            col(SettlementRecord.contract_version_id).in_(contracts),
            col(SettlementDocument.kind) == DocumentKind.INVOICE,
        )
        .order_by(col(SettlementRecord.period_start))
    )
    for start, version_id, data in rows:
        month = invoice_month(contracts[version_id], Period.month(start.year, start.month))
        if month not in issued and (found := _delivered(data)):
            yield found


def _charged_later(session: Session, engagement: Engagement) -> dict[int, Contract]:
    """By id, the versions of the contract under which an invoice charges more than one month."""
    versions = {one.id: contract_of(one) for one in versions_of(session, engagement)}
    return {key: one for key, one in versions.items() if one.invoicing.every != "month"}


def _issued_before(session: Session, engagement: Engagement, period: Period) -> set[Period]:
    """The months whose settlement made an invoice that was issued before the period."""
    rows = session.scalars(
        select(col(FeeInvoice.period_start)).where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.state) == InvoiceState.ISSUED,
            col(FeeInvoice.issued_on) < period.start,
        )
    )
    return {Period.month(start.year, start.month) for start in rows}


def _delivered(data: bytes) -> FeeDocument | None:
    stated = json.loads(data)
    delivered = stated.pop("delivered", None)
    if delivered is None:
        return None
    credit = Decimal(delivered["service_credit"])
    document = read_fee_document({**stated, "lines": delivered["lines"], "allowances": []})
    if not credit:
        return document
    allowance = Allowance(credit, document.lines[0].tax, "Service credit")
    return replace(document, allowances=(allowance,))
