"""Restate a sealed period: compute it anew beside the sealed figures, never in their place."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from billing.restatements.differences import (
    Difference,
    Figures,
    difference_json,
    difference_of,
)
from billing.restatements.models import (
    RestatementDocument,
    RestatementEvidence,
    RestatementRecord,
)
from billing.restatements.queries import figures_sealed_last, open_restatement
from billing.settlement.billed_elsewhere import metering_of
from billing.settlement.documents import credits_json, invoice_json, measurements_json
from billing.settlement.inputs import inputs_of, inputs_text
from billing.settlement.queries import find_settlement
from billing.settlement.service import Workshop, compute, figures_of
from billing.settlement.values import Settlement
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import contract_in_force
from governance.errors import BadInput, Conflict, Problem
from governance.tables import canonical_json, digest
from governance.values import Money, Period, money_text
from sla.evidence.models import EvidenceTable
from sla.evidence.service import counting_tables
from sla.kpis.texts import keep_used
from sla.measurements.service import store_measured_period
from sla.reviews.queries import seal_of, submission_of
from sla.reviews.service import replace_submission
from sla.service_credits.service import store_service_credits

_LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class _Computed:
    version: ContractVersion
    tables: tuple[EvidenceTable, ...]
    settlement: Settlement
    difference: Difference
    number: int
    reason: str


def restate_period(  # noqa: PLR0917 (as `settle_period`, with the reason)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    workshop: Workshop,
    reason: str,
) -> RestatementRecord:
    """Compute a sealed period from the evidence, relief and contract that count now.

    It stands beside the sealed figures until both sides have sealed it, too; then it counts in
    their place for everything later, and the difference to what was sealed last stands on the
    next invoice that isn't sealed. Until then it may be computed again, which takes back what the
    client reviews.

    Raises Conflict where the period isn't sealed or where nothing differs; BadInput where the
    reason is missing.
    """
    require(session, actor, engagement, Permission.RESTATE_PERIOD)
    lock_engagement(session, engagement)
    reason = _checked(reason)
    row = find_settlement(session, actor, engagement, period)
    if seal_of(session, row.measured_period_id) is None:
        raise Conflict(f"{period.label} isn't sealed; settle it again in place of restating it")
    earlier = open_restatement(session, engagement, period)
    last, number = figures_sealed_last(session, engagement, row)
    version = contract_in_force(session, engagement, period.end)
    tables = counting_tables(session, engagement)
    place = (session, engagement, version, tables, period, workshop.store)
    inputs = replace(
        inputs_of(session, engagement, period, restatement=number),
        metering=metering_of(*place, restates=True),
    )
    settlement = compute(version, tables, period, workshop, inputs)
    used = {one.definition_sha256 for one in settlement.measured.results}
    keep_used(session, workshop.catalogue, used)
    difference = difference_of(last, _figures(settlement))
    if not difference:
        raise Conflict(f"nothing of {period.label} differs from the figures that were sealed")
    if earlier is not None:
        _supersede(session, actor, earlier)
    computed = _Computed(version, tables, settlement, difference, number, reason)
    return _store(session, actor, engagement, computed)


def _checked(reason: str) -> str:
    reason = plain_lines(reason).strip()
    if reason and len(reason) <= _LONGEST_REASON:
        return reason
    raise BadInput.one(
        Problem(
            "a restatement needs a reason that both sides can read",
            column="reason",
            allowed=f"1 to {_LONGEST_REASON} characters",
        )
    )


def _figures(settlement: Settlement) -> Figures:
    documents = (measurements_json, credits_json, invoice_json)
    return Figures(*(json.loads(canonical_json(make(settlement))) for make in documents))


def _supersede(session: Session, actor: Actor, earlier: RestatementRecord) -> None:
    submission = submission_of(session, earlier.measured_period_id)
    if submission is not None:
        replace_submission(session, actor, earlier.measured_period_id)
    earlier.superseded_at = actor.at
    session.flush()


def _store(
    session: Session, actor: Actor, engagement: Engagement, computed: _Computed
) -> RestatementRecord:
    settlement = computed.settlement
    measured = store_measured_period(
        session, actor, computed.version, settlement.measured, computed.number
    )
    if settlement.credits is not None:
        store_service_credits(session, measured, settlement.credits)
    priced = settlement.priced
    row = RestatementRecord(
        engagement_id=engagement.id,
        contract_version_id=computed.version.id,
        measured_period_id=measured.id,
        period_start=settlement.period.start,
        period_end=settlement.period.end,
        number=computed.number,
        reason=computed.reason,
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
        currency=priced.currency,
        subtotal_minor=Money.of(priced.own_subtotal, priced.currency).minor,
        difference_json=canonical_json(difference_json(computed.difference)).decode(),
        inputs_json=inputs_text(session, engagement, settlement.inputs),
    )
    session.add(row)
    session.flush()
    _add_sources(session, row, computed)
    _record(session, actor, engagement, row, computed)
    return row


def _add_sources(session: Session, row: RestatementRecord, computed: _Computed) -> None:
    session.add_all(
        RestatementDocument(restatement_id=row.id, kind=kind, sha256=digest(data), data=data)
        for kind, data in figures_of(computed.settlement).items()
    )
    session.add_all(
        RestatementEvidence(restatement_id=row.id, evidence_table_id=table.id)
        for table in computed.tables
    )
    session.flush()


def _record(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: RestatementRecord,
    computed: _Computed,
) -> None:
    difference = computed.difference
    after = {
        "number": row.number,
        "charges": money_text(difference.charges, row.currency),
        "service_credit": money_text(difference.credit, row.currency),
        "currency": row.currency,
        "contract_sha256": computed.version.sha256,
    }
    record(
        session,
        actor,
        Change(
            Action.PERIOD_RESTATED,
            "period_restatement",
            row.id,
            f"{engagement.reference} {row.reference}",
            engagement.id,
            None,
            after,
            reason=row.reason,
        ),
    )
