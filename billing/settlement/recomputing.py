"""Compute a settled period again, from exactly what its settlement cites."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing.settlement.inputs import inputs_kept
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import evidence_of
from billing.settlement.service import Workshop, compute
from billing.settlement.values import Settlement
from governance.engagements.models import ContractVersion, Engagement
from governance.errors import Conflict
from governance.values import Period
from sla.reviews.queries import seal_of


def sealed_settlement(
    session: Session, engagement: Engagement, row: SettlementRecord, workshop: Workshop
) -> Settlement:
    """The settlement of sealed figures, under the contract version that was sealed with them.

    Raises Conflict where the client hasn't sealed them; the caller has checked the permission.
    """
    seal = seal_of(session, row.measured_period_id)
    if seal is None:
        raise Conflict("the client hasn't sealed the figures yet")
    version = session.get_one(ContractVersion, seal.contract_version_id)
    return _again(session, engagement, row, version, workshop)


def stored_settlement(
    session: Session, engagement: Engagement, row: SettlementRecord, workshop: Workshop
) -> Settlement:
    """The same of figures that nobody need have sealed, under the version they were settled by."""
    version = session.get_one(ContractVersion, row.contract_version_id)
    return _again(session, engagement, row, version, workshop)


def _again(
    session: Session,
    engagement: Engagement,
    row: SettlementRecord,
    version: ContractVersion,
    workshop: Workshop,
) -> Settlement:
    period = Period(row.period_start, row.period_end)
    inputs = inputs_kept(session, engagement, row)
    return compute(version, evidence_of(session, row), period, workshop, inputs)
