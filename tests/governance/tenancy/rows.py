"""Rows of the tables that a settled period alone doesn't fill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy.orm import Session

from billing.restatements.models import (
    RestatementCarried,
    RestatementDocument,
    RestatementEvidence,
    RestatementRecord,
)
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.simulation.models import SimulationRecord, SimulationState, SimulationWork
from governance.engagements.models import ContractVersion, Engagement
from governance.tables import Table, digest
from sla.claims.models import CreditClaim, CreditIncident
from sla.evidence.models import (
    DraftKind,
    EvidenceComparison,
    EvidenceCorrection,
    EvidenceHandIn,
    EvidenceQuarantine,
    EvidenceTable,
    ImportDraft,
    ImportProfile,
)
from sla.measurements.models import MeasuredPeriodRecord
from sla.relief.models import ReliefEventRecord, ReliefState
from sla.relief.values import ReliefKind
from sla.trends.models import TrendReport
from tests.factories import JANUARY, NOW
from tests.governance.runs.rows import items_of_run, queued_run

_NOTHING = digest(b"")


def evidence_rows(handed_in: EvidenceHandIn, user_id: int) -> Iterator[Table]:
    """What comes before, with and after a hand-in."""
    engagement_id, hand_in_id = handed_in.engagement_id, handed_in.id
    yield EvidenceQuarantine(
        engagement_id=engagement_id,
        hand_in_id=hand_in_id,
        file="invoices.csv",
        rows=1,
        sha256=_NOTHING,
        reasons_json="[]",
    )
    yield EvidenceCorrection(
        engagement_id=engagement_id, hand_in_id=hand_in_id, corrects_id=hand_in_id
    )
    yield EvidenceComparison(
        engagement_id=engagement_id, hand_in_id=hand_in_id, comparison_json="{}"
    )
    yield ImportProfile(
        engagement_id=engagement_id,
        name="ours",
        version=1,
        title="Ours",
        sha256=_NOTHING,
        text="",
        saved_at=NOW,
        saved_by_id=user_id,
    )
    yield ImportDraft(
        engagement_id=engagement_id,
        kind=DraftKind.GUIDED,
        folder=f"draft {engagement_id}",
        source_name="ledger.csv",
        source_sha256=_NOTHING,
        made_at=NOW,
        made_by_id=user_id,
        expires_at=NOW + timedelta(days=1),
    )


def figures_rows(version: ContractVersion, user_id: int) -> Iterator[Table]:
    """What is claimed for a period, and what is foreseen."""
    yield ReliefEventRecord(
        engagement_id=version.engagement_id,
        number=1,
        kind=next(iter(ReliefKind)),
        title="Outage",
        reason="the client's system was down",
        clause="7.1",
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        service_levels_json="[]",
        claimed_json="{}",
        state=ReliefState.PROPOSED,
        proposed_at=NOW,
        proposed_by_id=user_id,
    )
    yield CreditClaim(
        engagement_id=version.engagement_id,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        until=JANUARY.end + timedelta(days=60),
        claimed_on=NOW.date(),
        decided_at=NOW,
        decided_by_id=user_id,
        currency="EUR",
    )
    yield CreditIncident(
        engagement_id=version.engagement_id,
        number=1,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        reason="an outage",
        service_levels_json="[]",
        marked_at=NOW,
        marked_by_id=user_id,
    )
    yield TrendReport(
        engagement_id=version.engagement_id,
        contract_version_id=version.id,
        inputs_sha256=_NOTHING,
        as_of=JANUARY.end,
        document="{}",
        made_at=NOW,
        made_by_id=user_id,
    )


def add_restatement(
    session: Session, settlement: SettlementRecord, table: EvidenceTable, user_id: int
) -> None:
    """A settled period restated, with the rows that belong to that."""
    engagement_id, version_id = settlement.engagement_id, settlement.contract_version_id
    measured = MeasuredPeriodRecord(
        engagement_id=engagement_id,
        contract_version_id=version_id,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        currency="EUR",
        restatement=1,
        measured_at=NOW,
        measured_by_id=user_id,
    )
    session.add(measured)
    session.flush()
    restated = RestatementRecord(
        engagement_id=engagement_id,
        contract_version_id=version_id,
        measured_period_id=measured.id,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        number=1,
        reason="corrected evidence",
        made_at=NOW,
        made_by_id=user_id,
        currency="EUR",
        subtotal_minor=0,
        difference_json="{}",
        inputs_json="{}",
    )
    session.add(restated)
    session.flush()
    session.add_all(
        [
            RestatementDocument(
                restatement_id=restated.id,
                kind=next(iter(DocumentKind)),
                sha256=_NOTHING,
                data=b"",
            ),
            RestatementEvidence(restatement_id=restated.id, evidence_table_id=table.id),
            RestatementCarried(restatement_id=restated.id, settlement_id=settlement.id),
        ]
    )
    session.flush()


def add_simulation(session: Session, version: ContractVersion, user_id: int) -> None:
    """A simulation that waits, and the work on it."""
    row = SimulationRecord(
        engagement_id=version.engagement_id,
        asked_at=NOW,
        asked_by_id=user_id,
        contract_version_id=version.id,
        contract_sha256=version.sha256,
        first_month=JANUARY.start,
        last_month=JANUARY.start,
        state=SimulationState.ASKED,
    )
    session.add(row)
    session.flush()
    session.add(SimulationWork(simulation_id=row.id))


def add_run(session: Session, engagement: Engagement, user_id: int) -> None:
    """A run that waits, with its items."""
    run = queued_run(engagement, user_id, NOW)
    session.add(run)
    session.flush()
    session.add_all(items_of_run(run, engagement))
