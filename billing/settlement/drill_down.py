"""Open a stored figure: the ledger rows behind it, from the evidence that it was computed from."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing.metering.catalogue import load_meters
from billing.metering.engine import drill_down_meter
from billing.settlement.metered import metered_window
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import evidence_of, find_settlement, get_measurement
from billing.settlement.service import Workshop
from governance.access import Actor
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import contract_of
from governance.errors import Conflict, NotFound
from governance.values import Period
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.service import as_file
from sla.kpis.engine import drill_down
from sla.kpis.values import DrillDown


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the rows to show."""

    offset: int = 0
    limit: int = 50


def drill_down_measurement(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    service_level: str,
    *,
    workshop: Workshop,
    page: Page = Page(),
) -> DrillDown:
    """The ledger rows behind a service level's numerator and denominator.

    Raises NotFound for an unknown period or service level; Conflict where the KPI's definition
    changed since it was measured, as other rows could come out.
    """
    row = find_settlement(session, actor, engagement, period)
    measurement = get_measurement(session, actor, engagement, period, service_level)
    definition = workshop.catalogue.get(measurement.kpi)
    if definition is None or definition.sha256 != measurement.definition_sha256:
        raise Conflict(f"the definition of {measurement.kpi} changed since this was measured")
    window = Period(measurement.window_start, measurement.window_end)
    with _ledger(session, engagement, row, workshop) as ledger:
        return drill_down(
            definition, ledger, window, measurement.parameters, page.offset, page.limit
        )


def drill_down_quantity(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    meter: str,
    *,
    workshop: Workshop,
    page: Page = Page(),
) -> DrillDown:
    """The ledger rows that a charged quantity was counted from, on the days of its charge.

    Raises NotFound for an unknown meter.
    """
    row = find_settlement(session, actor, engagement, period)
    if meter not in load_meters():
        raise NotFound(f"{meter} is not counted from evidence")
    contract = contract_of(session.get_one(ContractVersion, row.contract_version_id))
    window = metered_window(contract, meter, period)
    with _ledger(session, engagement, row, workshop) as ledger:
        return drill_down_meter(meter, ledger, window, page.offset, page.limit)


def _ledger(
    session: Session, engagement: Engagement, row: SettlementRecord, workshop: Workshop
) -> AbstractContextManager[Ledger]:
    files = [as_file(table, workshop.store) for table in evidence_of(session, row)]
    return open_ledger(files, engagement.currency)
