"""Compute the trends of an engagement and keep them; say whether they are still up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.calendars import calendars_of
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import agreed_contract, contract_of, require
from governance.errors import BadInput, Problem
from governance.tables import canonical_json, digest
from sla.evidence.ledger import open_ledger
from sla.evidence.models import EvidenceTable
from sla.evidence.service import as_file, counting_tables
from sla.evidence.span import last_day
from sla.evidence.store import EvidenceStore
from sla.kpis.definitions import KpiDefinition
from sla.measurements.queries import measurement_history
from sla.measurements.values import MeasuredPeriod
from sla.trends.calculation import MONTHS, Settled, trends
from sla.trends.models import TrendReport
from sla.trends.serialise import trends_json
from sla.trends.values import Trends


@dataclass(frozen=True, slots=True)
class _Inputs:
    version: ContractVersion
    contract: Contract
    tables: tuple[EvidenceTable, ...]
    settled: tuple[MeasuredPeriod, ...]

    @property
    def sha256(self) -> str:
        """Names all of them together."""
        named = {
            "contract": self.version.sha256,
            "evidence": [[table.dataset, table.sha256] for table in self.tables],
            "settled": [
                [period.period.label, one.service_level, str(one.value), one.status.value]
                for period in self.settled
                for one in period.results
            ],
        }
        return digest(canonical_json(named))


def update_trends(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    store: EvidenceStore,
    catalogue: Mapping[str, KpiDefinition],
) -> TrendReport:
    """Compute the trends from the evidence and the settled periods as they are now, and keep them.

    What was computed from the same inputs is answered as it stands. Raises BadInput where the
    contract promises no service level, where there is no evidence, or where none of it has
    happened yet.
    """
    require(session, actor, engagement, Permission.UPDATE_TRENDS)
    inputs = _inputs(session, engagement, _today(session, engagement, actor.at))
    if not inputs.contract.service_levels or not inputs.tables:
        what = f"{engagement.reference} has nothing to look back on yet"
        raise BadInput.one(Problem(what, allowed="a service level, and evidence that is handed in"))
    latest = latest_trends(session, engagement)
    if latest is not None and latest.inputs_sha256 == inputs.sha256:
        return latest
    return _keep(session, actor, engagement, inputs, _compute(inputs, actor, store, catalogue))


def latest_trends(session: Session, engagement: Engagement) -> TrendReport | None:
    """The newest report; None before the first. The caller has checked the permission."""
    return session.scalars(
        select(TrendReport)
        .where(col(TrendReport.engagement_id) == engagement.id)
        .order_by(col(TrendReport.id).desc())
        .limit(1)
    ).one_or_none()


def is_up_to_date(
    session: Session, engagement: Engagement, report: TrendReport, at: datetime
) -> bool:
    """Whether contract, evidence and settled periods are still those of the report."""
    inputs = _inputs(session, engagement, _today(session, engagement, at))
    return inputs.sha256 == report.inputs_sha256


def _today(session: Session, engagement: Engagement, at: datetime) -> date:
    contract = contract_of(agreed_contract(session, engagement))
    return at.astimezone(ZoneInfo(contract.engagement.time_zone)).date()


def _inputs(session: Session, engagement: Engagement, today: date) -> _Inputs:
    version = agreed_contract(session, engagement)
    return _Inputs(
        version,
        contract_of(version),
        counting_tables(session, engagement),
        measurement_history(session, engagement, today, periods=2 * MONTHS),
    )


def _compute(
    inputs: _Inputs,
    actor: Actor,
    store: EvidenceStore,
    catalogue: Mapping[str, KpiDefinition],
) -> Trends:
    terms = inputs.contract.engagement
    today = actor.at.astimezone(ZoneInfo(terms.time_zone)).date()
    files = [as_file(table, store) for table in inputs.tables]
    with open_ledger(files, terms.currency, calendars=calendars_of(terms)) as ledger:
        as_of = last_day(ledger, today)
        if as_of is None:
            what = "no row of the evidence has happened yet"
            raise BadInput.one(Problem(what, allowed=f"rows dated {today} or before"))
        return trends(inputs.contract, ledger, as_of, catalogue, _by_period(inputs.settled))


def _by_period(periods: Sequence[MeasuredPeriod]) -> Settled:
    return {each.period: {one.service_level: one for one in each.results} for each in periods}


def _keep(
    session: Session, actor: Actor, engagement: Engagement, inputs: _Inputs, found: Trends
) -> TrendReport:
    document = canonical_json(trends_json(found))
    row = TrendReport(
        engagement_id=engagement.id,
        contract_version_id=inputs.version.id,
        inputs_sha256=inputs.sha256,
        as_of=found.as_of,
        document=document.decode(),
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    label = f"{engagement.reference} {found.as_of}"
    after = {"inputs_sha256": inputs.sha256, "document_sha256": digest(document)}
    change = Change(
        Action.TRENDS_UPDATED, "trend_report", row.id, label, engagement.id, None, after
    )
    record(session, actor, change)
    return row
