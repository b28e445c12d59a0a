"""What the page of a period shows: its figures, and where their review stands."""

from __future__ import annotations

from typing import Any

from app.web.period_view import level_views, summary
from app.web.unit_of_work import Work, allowed
from billing.restatements.queries import restatements_of
from billing.settlement.acceptance import agreement_of
from billing.settlement.queries import get_settled_period, settled_periods
from governance.engagements.models import Engagement
from governance.engagements.service import contract_of
from governance.values import Period
from sla.claims.incidents import may_choose, missed_in
from sla.claims.queries import incidents_of
from sla.claims.service import claim_view_of
from sla.measurements.queries import measurement_history, warnings_of
from sla.relief.queries import relief_events
from sla.reviews.queries import seal_of


def period_context(unit: Work, engagement: Engagement, period: Period) -> dict[str, Any]:
    """Everything that the page and its parts need; NotFound where nobody settled the period."""
    settled = get_settled_period(unit.session, unit.actor, engagement, period)
    others = settled_periods(unit.session, unit.actor, engagement)
    history = measurement_history(unit.session, engagement, period.end)
    contract = contract_of(settled.contract_version)
    return {
        "engagement": engagement,
        "period": period,
        "settled": settled,
        "levels": level_views(settled, contract, history),
        "summary": summary(settled),
        "warnings": warnings_of(settled.measured),
        "newer": next((one.period for one in reversed(others) if one.period > period), None),
        "older": next((one.period for one in others if one.period < period), None),
        "may": allowed(unit, engagement),
        "agreement": agreement_of(unit.session, unit.actor, engagement, period),
        "is_sealed": seal_of(unit.session, settled.measured.id) is not None,
        "claim": claim_view_of(unit.session, engagement, period, unit.actor.at),
        "incidents": incidents_of(unit.session, engagement, period),
        "missed": missed_in(unit.session, settled.measured),
        "may_choose": may_choose(contract),
        "restatements": restatements_of(unit.session, unit.actor, engagement, period),
        "relief_of_period": [
            event
            for event in relief_events(unit.session, unit.actor, engagement)
            if event.period.overlap(period.start, period.end)
        ],
    }
