"""Open a stored figure: the ledger rows behind it, from the evidence that it was computed from."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing.metering.engine import drill_down_late, drill_down_meter
from billing.metering.names import find_meter
from billing.metering.values import MeterShare, metering_stated
from billing.settlement.metered import metered_window
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import evidence_of, find_settlement, get_measurement
from billing.settlement.service import Workshop
from governance.access import Actor
from governance.calendars import calendars_of
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import contract_of
from governance.errors import Conflict, NotFound
from governance.values import Period
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.service import as_file
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import drill_down, rows_taken_out
from sla.kpis.texts import definition_of
from sla.kpis.values import DrillDown
from sla.measurements.models import MeasurementRecord
from sla.measurements.values import Measurement
from sla.relief.serialise import event_of
from sla.relief.values import NO_RELIEF, Relief, relief_of


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
    """The ledger rows behind a service level's numerator and denominator, those that count.

    They come from the definition that it was measured by, also where the KPI's file has changed
    since. Raises NotFound for an unknown period or service level; Conflict where that definition
    was never kept.
    """
    row = find_settlement(session, actor, engagement, period)
    measurement = get_measurement(session, actor, engagement, period, service_level)
    definition = definition_measured_by(session, measurement, workshop)
    window = Period(measurement.window_start, measurement.window_end)
    with _ledger(session, engagement, row, workshop) as ledger:
        return drill_down(
            definition,
            ledger,
            window,
            measurement.parameters,
            page.offset,
            page.limit,
            relief_applied(row, measurement),
        )


def rows_relieved(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    service_level: str,
    *,
    workshop: Workshop,
    limit: int = 100,
) -> DrillDown | None:
    """The first of the ledger rows that relief took out of a figure; None where it took none.

    Raises as `drill_down_measurement` does.
    """
    row = find_settlement(session, actor, engagement, period)
    measurement = get_measurement(session, actor, engagement, period, service_level)
    relief = relief_applied(row, measurement)
    if not any(relief.rows.values()):
        return None
    definition = definition_measured_by(session, measurement, workshop)
    window = Period(measurement.window_start, measurement.window_end)
    with _ledger(session, engagement, row, workshop) as ledger:
        parameters = measurement.parameters
        return rows_taken_out(definition, ledger, window, parameters, relief, 0, limit)


def relief_applied(row: SettlementRecord, measurement: MeasurementRecord) -> Relief:
    """What was taken out of a stored figure, by the events that it was measured under."""
    if measurement.without_relief_json is None or row.inputs_json is None:
        return NO_RELIEF
    applied = set(json.loads(measurement.without_relief_json)["events"])
    events = (event_of(one) for one in json.loads(row.inputs_json)["relief"])
    return relief_of(event for event in events if event.reference in applied)


def definition_measured_by(
    session: Session, measurement: Measurement | MeasurementRecord, workshop: Workshop
) -> KpiDefinition:
    """The definition that a figure cites: the catalogue's, or as it was kept when it was measured.

    Raises Conflict where it was never kept.
    """
    definition = workshop.catalogue.get(measurement.kpi)
    if definition is not None and definition.sha256 == measurement.definition_sha256:
        return definition
    try:
        return definition_of(session, measurement.definition_sha256)
    except NotFound:
        what = f"the definition of {measurement.kpi} changed since this was measured"
        raise Conflict(f"{what}, and its text wasn't kept then") from None


def drill_down_quantity(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    meter: str,
    *,
    workshop: Workshop,
    page: Page = Page(),
    late: str = "",
) -> DrillDown:
    """The ledger rows that a charged quantity was counted from, on the days of its charge.

    Rows that another period's invoice bills are left out. `late` is the label of the earlier
    period (2026-03) whose late rows are asked for, exactly those that were billed.
    Raises NotFound for an unknown meter, and for a period of which nothing was billed as late.
    """
    row = find_settlement(session, actor, engagement, period)
    if find_meter(meter) is None:
        raise NotFound(f"{meter} is not counted from evidence")
    share = _share(row, meter)
    found = [one for one in share.late if one.label == late]
    if late and not found:
        raise NotFound(f"{period.label} bills no late rows of {late}")
    contract = contract_of(session.get_one(ContractVersion, row.contract_version_id))
    window = metered_window(contract, meter, period)
    with _ledger(session, engagement, row, workshop) as ledger:
        if late:
            return drill_down_late(meter, ledger, found[0], page.offset, page.limit)
        return drill_down_meter(
            meter, ledger, window, page.offset, page.limit, without=share.without
        )


def _share(row: SettlementRecord, meter: str) -> MeterShare:
    inputs = json.loads(row.inputs_json) if row.inputs_json else {}
    return metering_stated(inputs.get("metering")).of(meter)


def _ledger(
    session: Session, engagement: Engagement, row: SettlementRecord, workshop: Workshop
) -> AbstractContextManager[Ledger]:
    files = [as_file(table, workshop.store) for table in evidence_of(session, row)]
    frame = contract_of(session.get_one(ContractVersion, row.contract_version_id)).engagement
    calendars = calendars_of(frame)
    return open_ledger(files, engagement.currency, calendars=calendars, engine=workshop.engine)
