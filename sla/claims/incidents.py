"""Misses of one incident: the client marks them, and says which counts where it may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import contract_of
from governance.errors import BadInput, NotFound, Problem
from governance.tables import canonical_json
from governance.values import Period
from sla.claims.models import CreditIncident
from sla.claims.queries import incidents_of
from sla.measurements.models import MeasuredPeriodRecord
from sla.measurements.service import measurements_of
from sla.measurements.values import Status
from sla.reviews.models import FiguresSubmission
from sla.reviews.service import ensure_begun
from sla.reviews.turns import Turn, take_turn

_LONGEST_REASON = 2000
_MISSED = frozenset({Status.BELOW_EXPECTED, Status.BELOW_MINIMUM})


@dataclass(frozen=True, slots=True)
class NewIncident:
    """What the client says of several misses."""

    service_levels: tuple[str, ...]
    reason: str
    counts: str = ""
    """The service level whose credit counts; empty where the largest does."""


def may_choose(contract: Contract) -> bool:
    """Whether the client says which miss of an incident counts; else the largest does."""
    return contract.service_credits is not None and contract.service_credits.incidents == "chosen"


def mark_incident(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    new: NewIncident,
) -> CreditIncident:
    """Mark, for the client, several misses of the reviewed period as of one incident.

    They count once from the next calculation on, which the provider has to make before the
    figures can be sealed.

    Raises Forbidden for the provider's people and who prepared the figures, Conflict where they
    aren't in review, BadInput for fewer than two misses, one that belongs to another incident, a
    choice that the contract doesn't give, and a missing reason.
    """
    measured, period = _begun(take_turn(session, actor, engagement, submission))
    contract = contract_of(session.get_one(ContractVersion, measured.contract_version_id))
    reason = plain_lines(new.reason).strip()
    taken = incidents_of(session, engagement, period)
    problems = [
        *_of_levels(new, missed_in(session, measured), taken),
        *_of_choice(new, contract),
        *_of_reason(reason),
    ]
    if problems:
        raise BadInput(problems)
    row = CreditIncident(
        engagement_id=engagement.id,
        number=_next_number(session, engagement),
        period_start=period.start,
        period_end=period.end,
        reason=reason,
        service_levels_json=canonical_json(sorted(set(new.service_levels))).decode(),
        counts=new.counts or None,
        marked_at=actor.at,
        marked_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    _record(session, actor, engagement, row, Action.INCIDENT_MARKED)
    return row


def _begun(turn: Turn) -> tuple[MeasuredPeriodRecord, Period]:
    """What is reviewed, by somebody who may judge it."""
    turn.require_judge()
    ensure_begun(turn)
    measured = turn.session.get_one(MeasuredPeriodRecord, turn.submission.measured_period_id)
    return measured, Period(measured.period_start, measured.period_end)


def missed_in(session: Session, measured: MeasuredPeriodRecord) -> tuple[str, ...]:
    """The service levels of a measured period that were missed, with consequences."""
    return tuple(
        one.service_level
        for one in measurements_of(session, measured)
        if one.status in _MISSED and one.consequential
    )


def _of_levels(
    new: NewIncident, missed: Sequence[str], taken: Sequence[CreditIncident]
) -> list[Problem]:
    chosen = set(new.service_levels)
    allowed = f"at least two of {', '.join(missed)}" if len(missed) > 1 else "two misses or more"
    problems = []
    if len(chosen) < 2 or not chosen <= set(missed):
        found = ", ".join(new.service_levels)
        what = "an incident is behind at least two misses of the period"
        problems.append(Problem(what, column="service_levels", found=found, allowed=allowed))
    for one in taken:
        if both := chosen & set(one.service_levels):
            what = f"{', '.join(sorted(both))} belongs to {one.reference} already"
            advice = f"remove {one.reference} first"
            problems.append(Problem(what, column="service_levels", allowed=advice))
    return problems


def _of_choice(new: NewIncident, contract: Contract) -> list[Problem]:
    if not may_choose(contract):
        if not new.counts:
            return []
        what = "the contract lets the largest credit of an incident count"
        return [Problem(what, column="counts", found=new.counts, allowed="no choice")]
    if new.counts in new.service_levels:
        return []
    what = "choose which miss of the incident counts"
    allowed = "one of the misses of the incident"
    return [Problem(what, column="counts", found=new.counts, allowed=allowed)]


def _of_reason(reason: str) -> list[Problem]:
    if reason and len(reason) <= _LONGEST_REASON:
        return []
    allowed = f"1 to {_LONGEST_REASON} characters"
    return [Problem("say what happened", column="reason", allowed=allowed)]


def remove_incident(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    submission: FiguresSubmission,
    number: int,
) -> CreditIncident:
    """Let the misses of an incident count by themselves again, from the next calculation on.

    Raises NotFound where the reviewed period has no such incident, else as `mark_incident`.
    """
    _, period = _begun(take_turn(session, actor, engagement, submission))
    standing = incidents_of(session, engagement, period)
    row = next((one for one in standing if one.number == number), None)
    if row is None:
        raise NotFound(f"{period.label} has no incident INC-{number}")
    row.removed_at, row.removed_by_id = actor.at, actor.signed_in_id
    session.flush()
    _record(session, actor, engagement, row, Action.INCIDENT_REMOVED)
    return row


def _next_number(session: Session, engagement: Engagement) -> int:
    """The caller holds the engagement's lock, so that no number is given twice."""
    last = session.scalars(
        select(func.max(col(CreditIncident.number))).where(
            col(CreditIncident.engagement_id) == engagement.id
        )
    ).one()
    return (last or 0) + 1


def _record(
    session: Session, actor: Actor, engagement: Engagement, row: CreditIncident, action: Action
) -> None:
    after = {
        "period": row.period.label,
        "service_levels": list(row.service_levels),
        "counts": row.counts,
    }
    label = f"{engagement.reference} {row.reference}"
    change = Change(
        action, "credit_incident", row.id, label, engagement.id, None, after, reason=row.reason
    )
    record(session, actor, change)
