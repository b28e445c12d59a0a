"""Relief events: the provider claims, the client grants, grants in part or refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Item, Permission, Side, State
from governance.audit.models import Action
from governance.audit.service import Change, one_line, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import contract_in_force, contract_of
from governance.errors import BadInput, Conflict, Problem
from governance.tables import canonical_json
from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.service import as_file, counting_tables
from sla.evidence.store import EvidenceStore
from sla.relief.claims import Document
from sla.relief.models import ReliefEventRecord, ReliefState
from sla.relief.queries import get_relief_event
from sla.relief.rows import require_rows
from sla.relief.serialise import claim_json, claim_of
from sla.relief.values import Claim, Relief, ReliefKind
from sla.reviews.queries import seal_of_period

_LONGEST = {"title": 200, "reason": 4000, "clause": 200}
_STATES = {
    ReliefState.PROPOSED: State.PROPOSED,
    ReliefState.WITHDRAWN: State.OPEN,
}


@dataclass(frozen=True, slots=True)
class NewRelief:
    """A relief event as it is proposed."""

    kind: ReliefKind
    title: str
    reason: str
    period: Period
    claim: Claim
    clause: str = ""
    service_levels: frozenset[str] = frozenset()
    """Empty is all of them."""
    document: Document | None = None
    late: bool = False
    """Claimed for a restatement, where the period is sealed."""


def propose_relief(
    session: Session, actor: Actor, engagement: Engagement, new: NewRelief, store: EvidenceStore
) -> ReliefEventRecord:
    """Claim, for the provider, that rows, time or whole service levels don't count in a period.

    Raises BadInput where something is missing, a service level isn't in force, or the evidence
    doesn't hold a row that is named; Conflict where the period is sealed and the claim isn't made
    for a restatement.
    """
    require(session, actor, engagement, Permission.PROPOSE_RELIEF)
    lock_engagement(session, engagement)
    new = _trimmed(new)
    _check_texts(new)
    _check_scope(session, engagement, new)
    _check_rows(session, engagement, new.claim.relief, store)
    late = _is_late(session, engagement, new)
    row = ReliefEventRecord(
        engagement_id=engagement.id,
        number=_next_number(session, engagement),
        kind=new.kind,
        title=new.title,
        reason=new.reason,
        clause=new.clause,
        period_start=new.period.start,
        period_end=new.period.end,
        service_levels_json=canonical_json(sorted(new.service_levels)).decode(),
        claimed_json=_text(new.claim),
        late=late,
        state=ReliefState.PROPOSED,
        proposed_at=actor.at,
        proposed_by_id=actor.signed_in_id,
    )
    if new.document is not None:
        _keep(row, new.document, store)
    session.add(row)
    session.flush()
    _record(session, actor, engagement, row, Action.RELIEF_PROPOSED, row.reason)
    return row


def _trimmed(new: NewRelief) -> NewRelief:
    """The claim with its texts as they are kept: trimmed, and without control characters."""
    return replace(
        new,
        title=one_line(new.title).strip(),
        reason=plain_lines(new.reason).strip(),
        clause=one_line(new.clause).strip(),
    )


def _check_texts(new: NewRelief) -> None:
    texts = {"title": new.title, "reason": new.reason, "clause": new.clause}
    problems = [
        Problem(
            f"the {name} is missing or too long", column=name, allowed=f"1 to {most} characters"
        )
        for name, most in _LONGEST.items()
        if len(texts[name]) > most or (name != "clause" and not texts[name])
    ]
    if not new.claim:
        what = "nothing is claimed"
        allowed = "rows, spans of time, or the whole service level"
        problems.append(Problem(what, column="rows", allowed=allowed))
    if problems:
        raise BadInput(problems)


def _check_scope(session: Session, engagement: Engagement, new: NewRelief) -> None:
    contract = contract_of(contract_in_force(session, engagement, new.period.end))
    known = [level.id for level in contract.service_levels]
    unknown = sorted(new.service_levels - set(known))
    if unknown:
        raise BadInput.one(
            Problem(
                f"the contract has no service level {', '.join(unknown)} in {new.period.label}",
                column="service_levels",
                allowed=", ".join(known),
            )
        )


def _check_rows(
    session: Session, engagement: Engagement, relief: Relief, store: EvidenceStore
) -> None:
    """Every row that is named has to be in the evidence that counts now."""
    if not any(relief.rows.values()):
        return
    files = [as_file(table, store) for table in counting_tables(session, engagement)]
    with open_ledger(files, engagement.currency) as ledger:
        require_rows(ledger, relief)


def _is_late(session: Session, engagement: Engagement, new: NewRelief) -> bool:
    sealed = seal_of_period(session, engagement, new.period) is not None
    if sealed and not new.late:
        raise Conflict(
            f"the figures of {new.period.label} are sealed; claim the relief for a restatement"
        )
    return sealed


def _next_number(session: Session, engagement: Engagement) -> int:
    """The caller holds the engagement's lock, so that no number is given twice."""
    last = session.scalars(
        select(func.max(col(ReliefEventRecord.number))).where(
            col(ReliefEventRecord.engagement_id) == engagement.id
        )
    ).one()
    return (last or 0) + 1


def _keep(row: ReliefEventRecord, document: Document, store: EvidenceStore) -> None:
    row.document_sha256 = store.put_bytes(document.data, document.suffix)
    row.document_name, row.document_type = document.name, document.media_type
    row.document_size = len(document.data)


def _text(claim: Claim) -> str:
    return canonical_json(claim_json(claim)).decode()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the client decides on a claim."""

    grant: bool
    reason: str
    claim: Claim | None = None
    """What is granted, where that is less than was claimed."""


def decide_relief(
    session: Session, actor: Actor, engagement: Engagement, number: int, ruling: Ruling
) -> ReliefEventRecord:
    """Grant, for the client, what was claimed or a part of it, or refuse it, with a reason.

    What is granted counts from the next calculation on, and never in sealed figures.

    Raises NotFound for an unknown event, Forbidden for the provider's people, Conflict where it
    is decided or withdrawn, or where the period was sealed since; BadInput where the reason is
    missing or more would be granted than was claimed.
    """
    require(session, actor, engagement, Permission.DECIDE_RELIEF)
    ruling = replace(ruling, reason=plain_lines(ruling.reason).strip())
    lock_engagement(session, engagement)
    row = _as_it_stands(session, actor, engagement, number)
    require(session, actor, engagement, Permission.DECIDE_RELIEF, item_of_relief(row))
    _check_ruling(session, engagement, row, ruling)
    row.state = _state_after(row, ruling)
    if ruling.grant:
        row.granted_json = row.claimed_json if ruling.claim is None else _text(ruling.claim)
    row.decided_at, row.decided_by_id = actor.at, actor.signed_in_id
    row.decision_reason = ruling.reason
    session.flush()
    action = Action.RELIEF_GRANTED if ruling.grant else Action.RELIEF_REFUSED
    _record(session, actor, engagement, row, action, row.decision_reason)
    return row


def _as_it_stands(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> ReliefEventRecord:
    """The event under the engagement's lock: another person may have decided since it was read."""
    row = get_relief_event(session, actor, engagement, number)
    session.refresh(row)
    return row


def item_of_relief(row: ReliefEventRecord) -> Item:
    """What the policy asks of a relief event."""
    state = _STATES.get(row.state, State.AGREED)
    return Item(state, row.proposed_by_id, Side.PROVIDER)


def _check_ruling(
    session: Session, engagement: Engagement, row: ReliefEventRecord, ruling: Ruling
) -> None:
    if not ruling.reason or len(ruling.reason) > _LONGEST["reason"]:
        allowed = f"1 to {_LONGEST['reason']} characters"
        raise BadInput.one(Problem("a decision needs a reason", column="reason", allowed=allowed))
    if ruling.grant and not row.late and seal_of_period(session, engagement, row.period):
        raise Conflict(
            f"the figures of {row.period.label} were sealed meanwhile; the provider has to claim"
            " the relief anew, for a restatement"
        )
    claimed = claim_of(json.loads(row.claimed_json))
    if ruling.claim is not None and not (ruling.claim and ruling.claim.within(claimed)):
        raise BadInput.one(
            Problem(
                "more would be granted than was claimed, or nothing of it",
                column="rows",
                allowed="some of the claimed rows, and time within the claimed spans",
            )
        )


def _state_after(row: ReliefEventRecord, ruling: Ruling) -> ReliefState:
    if not ruling.grant:
        return ReliefState.REFUSED
    partly = ruling.claim is not None and _text(ruling.claim) != row.claimed_json
    return ReliefState.PARTLY_APPROVED if partly else ReliefState.APPROVED


def withdraw_relief(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> ReliefEventRecord:
    """Take a claim back, for the provider; Conflict once the client has decided."""
    require(session, actor, engagement, Permission.PROPOSE_RELIEF)
    lock_engagement(session, engagement)
    row = _as_it_stands(session, actor, engagement, number)
    if row.state is not ReliefState.PROPOSED:
        raise Conflict(f"{row.reference} is {row.state.value.replace('_', ' ')} already")
    row.state = ReliefState.WITHDRAWN
    session.flush()
    _record(session, actor, engagement, row, Action.RELIEF_WITHDRAWN)
    return row


def _record(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: ReliefEventRecord,
    action: Action,
    reason: str = "",
) -> None:
    claim = claim_of(json.loads(row.granted_json or row.claimed_json))
    after = {
        "state": row.state.value,
        "kind": row.kind.value,
        "period": row.period.label,
        "rows": claim.relief.count,
        "seconds": claim.relief.seconds,
        "excused": claim.excused,
        "late": row.late,
        "document_sha256": row.document_sha256,
    }
    label = f"{engagement.reference} {row.reference}"
    change = Change(
        action, "relief_event", row.id, label, engagement.id, None, after, reason=reason
    )
    record(session, actor, change)
