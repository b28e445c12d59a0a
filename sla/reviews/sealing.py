"""Sealing: what both sides agreed on becomes one document that never changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from governance.access import Actor, Permission, Side
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import is_accepted
from governance.errors import Conflict
from governance.tables import canonical_json, digest
from governance.values import Period
from sla.kpis.serialise import period_json
from sla.measurements.models import MeasuredPeriodRecord
from sla.reviews.decisions import decisions_of
from sla.reviews.models import FiguresSeal, FiguresSubmission, ReviewItem
from sla.reviews.queries import items_of
from sla.reviews.turns import Turn, take_turn
from sla.reviews.values import Act, DecidedValue

FORMAT = 1
"""Version of the sealed document's form, under its key `plumbline_seal`."""


def seal_figures(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    content: Mapping[str, Any],
) -> FiguresSeal:
    """Seal, for the client, figures whose items are all agreed.

    `content` is what the figures are and follow from: measurements, credits, invoice, evidence,
    definitions, calendars and relief. The document adds who agreed to what, and the contract.

    Raises Forbidden for the provider's people and who prepared or submitted the figures, Conflict
    while an item isn't agreed or the contract version isn't accepted by both sides.
    """
    turn = take_turn(session, actor, engagement, submission)
    turn.require_judge(Permission.ACCEPT_FIGURES)
    turn.move_period(Act.SEAL, Side.CLIENT)
    measured = session.get_one(MeasuredPeriodRecord, submission.measured_period_id)
    version = session.get_one(ContractVersion, measured.contract_version_id)
    if not is_accepted(session, version):
        raise Conflict(
            f"the other side hasn't accepted version {version.number} of the contract yet"
        )
    document = canonical_json({**content, **_frame(turn, version)})
    row = FiguresSeal(
        review_id=turn.review.id,
        submission_id=submission.id,
        measured_period_id=measured.id,
        contract_version_id=version.id,
        sealed_at=actor.at,
        sealed_by_id=actor.signed_in_id,
        sha256=digest(document),
        document=document,
    )
    session.add(row)
    session.flush()
    _record(turn, row, version)
    return row


def _frame(turn: Turn, version: ContractVersion) -> dict[str, Any]:
    """What makes figures an agreement. People are numbers, so that a name can be erased."""
    review, submission, engagement = turn.review, turn.submission, turn.engagement
    period = Period(review.period_start, review.period_end)
    decisions = decisions_of(turn.session, engagement, period, restatement=review.restatement)
    return {
        "plumbline_seal": FORMAT,
        "engagement": {"reference": engagement.reference, "title": engagement.title},
        "period": period_json(period),
        "restatement": review.restatement,
        "contract": {
            "version": version.number,
            "sha256": version.sha256,
            "document": version.document.decode(),
        },
        "decisions": [_decision(decisions[key]) for key in sorted(decisions)],
        "items": list(_items(items_of(turn.session, review))),
        "submitted": {
            "by": submission.submitted_by_id,
            "at": moment_text(submission.submitted_at),
            "prepared_by": submission.prepared_by_id,
        },
        "sealed": {"by": turn.actor.signed_in_id, "at": moment_text(turn.actor.at)},
    }


def _decision(decided: DecidedValue) -> dict[str, Any]:
    return {
        "service_level": decided.service_level,
        "value": None if decided.value is None else format(decided.value, "f"),
        "excused": decided.excused,
        "reason": decided.reason,
        "proposed_side": decided.proposed_side.value,
        "proposed_by": decided.proposed_by_id,
        "accepted_by": decided.accepted_by_id,
        "accepted_at": moment_text(decided.accepted_at),
    }


def _items(items: tuple[ReviewItem, ...]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield {
            "kind": item.kind.value,
            "key": item.key,
            "label": item.label,
            "figure": item.figure,
            "inputs_sha256": item.inputs_sha256,
            "agreed_by": item.agreed_by_id,
            "agreed_at": moment_text(item.agreed_at) if item.agreed_at else None,
        }


def moment_text(at: datetime) -> str:
    """A moment in UTC to the second, as RFC 3339."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _record(turn: Turn, row: FiguresSeal, version: ContractVersion) -> None:
    stated = {
        "sha256": row.sha256,
        "contract_version": str(version.number),
        "contract_sha256": version.sha256,
        "submitted_by": str(turn.submission.submitted_by_id),
        "prepared_by": str(turn.submission.prepared_by_id),
    }
    change = Change(
        Action.FIGURES_SEALED,
        "figures_seal",
        row.id,
        turn.label,
        turn.engagement.id,
        None,
        stated,
    )
    record(turn.session, turn.actor, change)
