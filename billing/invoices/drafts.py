"""Fee invoices as rows: made from a settlement, found again."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.charges.values import ChargeLine, Step
from billing.invoices.models import FeeInvoice, FeeInvoiceLine, InvoiceState
from billing.settlement.models import SettlementRecord
from billing.settlement.values import Settlement
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.tables import canonical_json
from governance.values import Money, plain


def add_draft(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    record: SettlementRecord,
    settlement: Settlement,
) -> FeeInvoice:
    """The draft invoice of a settlement, with its lines; it has no number yet."""
    priced = settlement.priced

    def minor(amount: Decimal) -> int:
        return Money.of(amount, priced.currency).minor

    invoice = FeeInvoice(
        engagement_id=engagement.id,
        provider_id=engagement.provider_id,
        settlement_id=record.id,
        state=InvoiceState.DRAFT,
        period_start=settlement.period.start,
        period_end=settlement.period.end,
        purchase_order=settlement.contract.invoicing.purchase_order,
        currency=priced.currency,
        subtotal_minor=minor(priced.subtotal),
        service_credit_minor=minor(priced.service_credit),
        tax_minor=sum(minor(tax.amount) for tax in priced.taxes),
        withholding_minor=minor(priced.withholding),
        total_minor=minor(priced.total),
        payable_minor=minor(priced.payable),
        created_at=actor.at,
    )
    session.add(invoice)
    session.flush()
    session.add_all(
        [_line(invoice, number, line) for number, line in enumerate(priced.lines, start=1)]
    )
    session.flush()
    return invoice


def _line(invoice: FeeInvoice, position: int, line: ChargeLine) -> FeeInvoiceLine:
    return FeeInvoiceLine(
        invoice_id=invoice.id,
        position=position,
        charge=line.charge,
        title=line.title,
        clause=line.clause,
        quantity=plain(line.quantity),
        unit=line.unit,
        meter=line.meter,
        restatement=line.restatement or None,
        currency=invoice.currency,
        amount_minor=Money.of(line.amount, invoice.currency).minor,
        tax_category=line.tax.category.value,
        tax_rate=plain(line.tax.rate),
        steps_json=canonical_json([_step(step) for step in line.steps]).decode(),
    )


def _step(step: Step) -> dict[str, str]:
    numbers = {"quantity": step.quantity, "price": step.price, "amount": step.amount}
    return {name: plain(value) for name, value in numbers.items()} | {"text": step.text}


def invoice_of(session: Session, record: SettlementRecord) -> FeeInvoice:
    """The invoice that a settlement produced, also where a corrected one took its place."""
    return session.execute(
        select(FeeInvoice).where(
            col(FeeInvoice.settlement_id) == record.id, col(FeeInvoice.corrects_id).is_(None)
        )
    ).scalar_one()


def lines_of(session: Session, invoice: FeeInvoice) -> tuple[FeeInvoiceLine, ...]:
    """The lines in their order."""
    found = session.scalars(
        select(FeeInvoiceLine)
        .where(col(FeeInvoiceLine.invoice_id) == invoice.id)
        .order_by(col(FeeInvoiceLine.position))
    )
    return tuple(found)
