"""A settled period in review: submitted, its decisions applied, and sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from billing.settlement.acceptance import overtaken, submission_of_row
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import documents_of, evidence_of, find_settlement
from billing.settlement.review_items import review_items
from billing.settlement.seal_content import seal_content
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor, Permission
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.service import contract_of
from governance.errors import Conflict
from governance.values import Period
from sla.kpis.definitions import KpiDefinition
from sla.measurements.models import MeasuredPeriodRecord
from sla.reviews.judging import agree_items
from sla.reviews.models import FiguresSeal, FiguresSubmission
from sla.reviews.sealing import seal_figures
from sla.reviews.service import Prepared, submit_figures


def submit_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period, note: str = ""
) -> FiguresSubmission:
    """Hand a period's current figures over to the client.

    Raises NotFound where the period isn't settled, Forbidden for all but the provider's people,
    Conflict where they are submitted already or another version of the contract governs by now.
    """
    require(session, actor, engagement, Permission.SUBMIT_FIGURES)
    lock_engagement(session, engagement)
    row = find_settlement(session, actor, engagement, period)
    _require_current(session, engagement, row)
    version = session.get_one(ContractVersion, row.contract_version_id)
    stated = _stated(session, row)
    figures = review_items(contract_of(version), stated["measurements"], stated["invoice"])
    measured = session.get_one(MeasuredPeriodRecord, row.measured_period_id)
    prepared = Prepared(measured, row.settled_by_id, figures)
    return submit_figures(session, actor, engagement, prepared, note)


def apply_decisions(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    workshop: Workshop,
    *,
    note: str = "",
) -> FiguresSubmission:
    """Settle a period again with what both sides decided, and hand it over anew in one step."""
    require(session, actor, engagement, Permission.SUBMIT_FIGURES)
    settle_period(session, actor, engagement, period, workshop)
    return submit_period(session, actor, engagement, period, note)


def submission_seen(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    seen: int | None = None,
) -> FiguresSubmission:
    """The submission of a period's current figures: the one that the person has looked at.

    Raises NotFound where the period isn't settled, Conflict where its figures aren't submitted,
    or were submitted anew since the person looked (`seen` is the submission's id).
    """
    row = find_settlement(session, actor, engagement, period)
    submission = submission_of_row(session, row)
    if submission is None:
        raise Conflict("the provider hasn't submitted these figures")
    if seen is not None and seen != submission.id:
        raise Conflict(
            f"{period.label} was settled anew since you looked; read the new figures first"
        )
    return submission


def seal_period(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    catalogue: Mapping[str, KpiDefinition],
    *,
    seen: int | None = None,
) -> FiguresSeal:
    """Agree, for the client, to all that is left, and seal the period's figures.

    Raises Forbidden for the provider's people and who prepared or submitted the figures, Conflict
    while an item is contested or a decision isn't applied, where the figures are others than
    those seen, and where another version of the contract governs by now.
    """
    require(session, actor, engagement, Permission.ACCEPT_FIGURES)
    lock_engagement(session, engagement)
    submission = submission_seen(session, actor, engagement, period, seen)
    row = find_settlement(session, actor, engagement, period)
    _require_current(session, engagement, row)
    agree_items(session, actor, engagement, submission)
    version = session.get_one(ContractVersion, row.contract_version_id)
    content = seal_content(
        session,
        version,
        _stated(session, row),
        evidence_of(session, row),
        catalogue,
    )
    return seal_figures(session, actor, engagement, submission, content)


def _require_current(session: Session, engagement: Engagement, row: SettlementRecord) -> None:
    if why := overtaken(session, engagement, row):
        raise Conflict(why)


def _stated(session: Session, row: SettlementRecord) -> dict[str, Any]:
    """The figures as they were settled, by the document's name."""
    documents = documents_of(session, row)
    names = {
        "measurements": DocumentKind.MEASUREMENTS,
        "credits": DocumentKind.CREDITS,
        "invoice": DocumentKind.INVOICE,
    }
    stated = {name: json.loads(documents[kind].data) for name, kind in names.items()}
    return stated | {"inputs": json.loads(row.inputs_json) if row.inputs_json else None}
