"""A restatement in review: it goes the way of a period's own figures, to a seal of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from billing.restatements.models import RestatementRecord
from billing.restatements.queries import restated_evidence, stated_of
from billing.settlement.billed_elsewhere import billed_since
from billing.settlement.models import DocumentKind
from billing.settlement.review_items import review_items
from billing.settlement.seal_content import seal_content
from governance.access import Actor, Permission
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import contract_in_force, contract_of
from governance.errors import Conflict
from sla.kpis.definitions import KpiDefinition
from sla.measurements.models import MeasuredPeriodRecord
from sla.reviews.judging import agree_items
from sla.reviews.models import FiguresSeal, FiguresSubmission
from sla.reviews.queries import submission_of
from sla.reviews.sealing import seal_figures
from sla.reviews.service import Prepared, submit_figures

_ANEW = "the period was restated anew since you looked; read the new figures first"


def submit_restatement(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: RestatementRecord,
    note: str = "",
) -> FiguresSubmission:
    """Hand a restatement over to the client, with its reason where no other note is given.

    Raises Forbidden for all but the provider's people, Conflict where it is submitted already or
    another version of the contract governs by now.
    """
    require(session, actor, engagement, Permission.SUBMIT_FIGURES)
    lock_engagement(session, engagement)
    _require_current(session, engagement, row)
    version = session.get_one(ContractVersion, row.contract_version_id)
    stated = _stated(session, row)
    figures = review_items(contract_of(version), stated["measurements"], stated["invoice"])
    measured = session.get_one(MeasuredPeriodRecord, row.measured_period_id)
    prepared = Prepared(measured, row.made_by_id, figures, row.number)
    return submit_figures(session, actor, engagement, prepared, note or row.reason)


def seal_restatement(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: RestatementRecord,
    catalogue: Mapping[str, KpiDefinition],
    *,
    seen: int | None = None,
) -> FiguresSeal:
    """Agree, for the client, to all that is left of a restatement, and seal it.

    `seen` is the id of the submission that the person has looked at. Raises Forbidden for the
    provider's people and who prepared or submitted it, Conflict where it isn't submitted or was
    submitted anew since, while an item is contested, and where another version governs by now.
    """
    require(session, actor, engagement, Permission.ACCEPT_FIGURES)
    lock_engagement(session, engagement)
    submission = submission_of(session, row.measured_period_id)
    if submission is None:
        raise Conflict("the provider hasn't submitted this restatement")
    _require_current(session, engagement, row)
    if seen is not None and seen != submission.id:
        raise Conflict(_ANEW)
    agree_items(session, actor, engagement, submission)
    version = session.get_one(ContractVersion, row.contract_version_id)
    content = seal_content(
        session,
        version,
        _stated(session, row),
        restated_evidence(session, row),
        catalogue,
    )
    return seal_figures(session, actor, engagement, submission, content)


def _require_current(session: Session, engagement: Engagement, row: RestatementRecord) -> None:
    # The caller read it before the lock: it may have been restated anew since.
    session.refresh(row)
    if row.superseded_at is not None:
        raise Conflict(_ANEW)
    governing = contract_in_force(session, engagement, row.period_end)
    if governing.id != row.contract_version_id:
        raise Conflict(
            f"version {governing.number} of the contract governs {row.period.label} now;"
            " restate the period again"
        )
    stated, tables = json.loads(row.inputs_json), restated_evidence(session, row)
    if why := billed_since(session, engagement, row.period, stated, tables):
        raise Conflict(why)


def _stated(session: Session, row: RestatementRecord) -> dict[str, Any]:
    kept = stated_of(session, row)
    return {
        "measurements": kept[DocumentKind.MEASUREMENTS],
        "credits": kept[DocumentKind.CREDITS],
        "invoice": kept[DocumentKind.INVOICE],
        "inputs": json.loads(row.inputs_json),
    }
