"""Check a period: its documents, its settlement and people's decisions in, a kept result out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.fee_document import read_fee_document
from billing.provider_invoices.comparison import Comparison, compare
from billing.provider_invoices.matching import Decision, Decisions
from billing.provider_invoices.models import (
    ProviderInvoice,
    ProviderInvoiceCheck,
    ProviderInvoiceMatch,
    ProviderInvoiceState,
)
from billing.provider_invoices.values import BilledDocument, Expected, expected_of
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import current_settlement, document_of
from billing.settlement.spans import invoice_span, invoiced_later
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import agreed_contract, contract_of
from governance.parties.models import User
from governance.values import Money, Period, money_text


@dataclass(frozen=True, slots=True)
class Basis:
    """What a period is checked against."""

    expected: Expected
    settlement: SettlementRecord | None
    """None where the period lies outside the engagement."""
    sha256: str | None
    """Of the computed invoice."""


@cache
def documents_adapter() -> TypeAdapter[BilledDocument]:
    """Documents as JSON and back."""
    return TypeAdapter(BilledDocument)


@cache
def comparison_adapter() -> TypeAdapter[Comparison]:
    """Comparisons as JSON and back."""
    return TypeAdapter(Comparison)


def document_read(row: ProviderInvoice) -> BilledDocument:
    """What was read of a document when it was handed in."""
    return documents_adapter().validate_json(row.read_json)


def comparison_of(row: ProviderInvoiceCheck) -> Comparison:
    """The result of a check, as it was kept."""
    return comparison_adapter().validate_json(row.result_json)


def basis_of(session: Session, engagement: Engagement, period: Period) -> Basis | None:
    """What should have been billed for a period; None while it waits to be settled."""
    settlement = current_settlement(session, engagement, period)
    if settlement is None:
        contract = contract_of(agreed_contract(session, engagement))
        why = _outside(contract, period)
        if not why:
            return None
        nothing = Expected(period, contract.engagement.currency, (), (), why_nothing=why)
        return Basis(nothing, None, None)
    version = session.get_one(ContractVersion, settlement.contract_version_id)
    document = document_of(session, settlement, DocumentKind.INVOICE)
    expected = expected_from(contract_of(version), document.data, period)
    return Basis(expected, settlement, document.sha256)


def expected_from(contract: Contract, invoice: bytes, period: Period) -> Expected:
    """What a settled month leads to expect, by the invoice that was computed for it."""
    expected = expected_of(read_fee_document(invoice), invoice_span(contract, period))
    later = invoiced_later(contract, period)
    return Expected(period, expected.currency, (), (), why_nothing=later) if later else expected


def _outside(contract: Contract, period: Period) -> str:
    terms = contract.engagement
    if period.overlap(terms.starts, terms.ends):
        return ""
    return f"the engagement runs from {terms.starts} to {terms.ends or 'no agreed end'}"


def counting(
    session: Session, engagement: Engagement, period: Period
) -> tuple[ProviderInvoice, ...]:
    """The documents of a period that weren't set aside, as they were handed in."""
    found = session.scalars(
        select(ProviderInvoice)
        .where(
            col(ProviderInvoice.engagement_id) == engagement.id,
            col(ProviderInvoice.period_start) == period.start,
            col(ProviderInvoice.period_end) == period.end,
            col(ProviderInvoice.state) != ProviderInvoiceState.SET_ASIDE,
        )
        .order_by(col(ProviderInvoice.id))
    )
    return tuple(found)


def decisions_on(session: Session, rows: Sequence[ProviderInvoice]) -> Decisions:
    """What people said that billed lines are for."""
    numbers = {row.id: row.number for row in rows}
    found = session.execute(
        select(ProviderInvoiceMatch, col(User.name))
        .join(User, col(User.id) == col(ProviderInvoiceMatch.decided_by_id))
        .where(col(ProviderInvoiceMatch.invoice_id).in_(numbers))
    )
    return {
        (numbers[match.invoice_id], match.item): Decision(match.target, name)
        for match, name in found
    }


def current_check(
    session: Session, engagement: Engagement, period: Period
) -> ProviderInvoiceCheck | None:
    """The newest check of a period; None where it was never checked."""
    return session.scalars(
        select(ProviderInvoiceCheck).where(
            col(ProviderInvoiceCheck.engagement_id) == engagement.id,
            col(ProviderInvoiceCheck.period_start) == period.start,
            col(ProviderInvoiceCheck.period_end) == period.end,
            col(ProviderInvoiceCheck.superseded_at).is_(None),
        )
    ).one_or_none()


def is_stale(session: Session, engagement: Engagement, check: ProviderInvoiceCheck) -> bool:
    """Whether its period was settled again since."""
    settlement = current_settlement(session, engagement, check.period)
    return (settlement.id if settlement else None) != check.settlement_id


def check_anew(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> ProviderInvoiceCheck | None:
    """Check a period and supersede its earlier check.

    None where it waits to be settled, or has no document any more. The caller has checked the
    permission and holds the engagement's lock.
    """
    basis, rows = basis_of(session, engagement, period), counting(session, engagement, period)
    if basis is None:
        return None
    before = current_check(session, engagement, period)
    if before is not None:
        before.superseded_at = actor.at
        session.flush()
    if not rows:
        return None
    documents = [document_read(row) for row in rows]
    result = compare(documents, basis.expected, decisions_on(session, rows))
    row = _kept(session, actor, engagement, period, basis, result)
    _note(session, actor, engagement, row, result)
    return row


def _kept(  # noqa: PLR0917 (a check and all that it rests on)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    basis: Basis,
    result: Comparison,
) -> ProviderInvoiceCheck:
    last = session.scalars(
        select(func.max(col(ProviderInvoiceCheck.number))).where(
            col(ProviderInvoiceCheck.engagement_id) == engagement.id
        )
    ).one()
    row = ProviderInvoiceCheck(
        engagement_id=engagement.id,
        number=(last or 0) + 1,
        period_start=period.start,
        period_end=period.end,
        settlement_id=basis.settlement.id if basis.settlement else None,
        expected_sha256=basis.sha256,
        currency=result.currency,
        billed_minor=Money.of(result.billed, result.currency).minor,
        expected_minor=Money.of(result.expected, result.currency).minor,
        result_json=comparison_adapter().dump_json(result).decode(),
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    return row


def _note(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: ProviderInvoiceCheck,
    result: Comparison,
) -> None:
    after = {
        "period": row.period.label,
        "documents": list(result.documents),
        "expected_sha256": row.expected_sha256,
        "currency": row.currency,
        "billed": money_text(result.billed, row.currency),
        "expected": money_text(result.expected, row.currency),
        "differences": len(result.differences),
    }
    label = f"{engagement.reference} {row.period.label}"
    action = Action.PROVIDER_INVOICE_CHECKED
    change = Change(action, "provider_invoice_check", row.id, label, engagement.id, None, after)
    record(session, actor, change)
