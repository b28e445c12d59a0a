"""What has to hold before a period can be settled."""

from __future__ import annotations

from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.drafts import invoice_of
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import current_settlement, current_settlements
from governance.engagements.models import Engagement
from governance.errors import Conflict
from governance.values import Period
from sla.reviews.queries import seal_of


def check_free(session: Session, engagement: Engagement, period: Period) -> None:
    """Conflict where another settled period has days of this one, or its figures are sealed."""
    _check_overlap(session, engagement, period)
    _check_unsealed(session, engagement, period)


def _check_overlap(session: Session, engagement: Engagement, period: Period) -> None:
    """No day may be charged twice."""
    others = session.scalars(
        current_settlements(engagement).where(
            col(SettlementRecord.period_start) <= period.end,
            col(SettlementRecord.period_end) >= period.start,
        )
    )
    for other in others:
        settled = Period(other.period_start, other.period_end)
        if settled != period:
            raise Conflict(f"{settled.label} is settled and overlaps {period.label}")


def _check_unsealed(session: Session, engagement: Engagement, period: Period) -> None:
    earlier = current_settlement(session, engagement, period)
    if earlier is None or seal_of(session, earlier.measured_period_id) is None:
        return
    number = invoice_of(session, earlier).number
    what = (
        f"invoice {number} of {period.label} is issued and can't change"
        if number
        else (f"the figures of {period.label} are sealed")
    )
    raise Conflict(f"{what}; corrected evidence makes a restatement")
