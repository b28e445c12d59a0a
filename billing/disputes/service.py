"""Dispute an issued invoice line by line: the client raises, the provider answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.calculation import Amount, Asked, ByLine
from billing.credit_notes.models import CreditNote
from billing.credit_notes.queries import Issued, issued
from billing.credit_notes.service import checked_reason, draw_up
from billing.disputes.models import Dispute, DisputeState, DisputeSubject
from billing.disputes.queries import ListedDispute, get_dispute
from billing.invoices.models import FeeInvoice
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import local_today
from governance.errors import BadInput, Conflict, Problem
from governance.values import Money, money_text, round_money


@dataclass(frozen=True, slots=True)
class NewDispute:
    """A dispute as it is raised."""

    subject: DisputeSubject
    reason: str
    amount: Decimal | None = None
    """Before tax; None is all that is left of what is disputed."""
    position: int | None = None
    """Of the invoice's line, where one is disputed."""
    remark: str = ""
    """Why it comes late, where the invoice was due before."""


def raise_dispute(
    session: Session, actor: Actor, engagement: Engagement, invoice: FeeInvoice, new: NewDispute
) -> Dispute:
    """Dispute, for the client, a line of an issued invoice, its service credit or all of it.

    Raises BadInput where reason or line are missing, more is
    disputed than is left, or a late dispute doesn't say why it is late; Conflict where the invoice
    isn't issued, or the same is in dispute already.
    """
    require(session, actor, engagement, Permission.DISPUTE_INVOICE)
    lock_engagement(session, engagement)
    reason = checked_reason(new.reason)
    found = issued(session, invoice)
    late = is_late(session, engagement, found, actor)
    _check_not_disputed(session, found, new)
    dispute = Dispute(
        engagement_id=engagement.id,
        invoice_id=found.invoice.id,
        number=_next_number(session, engagement),
        subject=new.subject,
        position=new.position if new.subject is DisputeSubject.LINE else None,
        currency=found.document.currency,
        amount_minor=Money.of(_amount(found, new), found.document.currency).minor,
        reason=reason,
        state=DisputeState.OPEN,
        late=late,
        remark=_remark(new.remark, found) if late else "",
        raised_at=actor.at,
        raised_by_id=actor.signed_in_id,
    )
    session.add(dispute)
    session.flush()
    _record(session, actor, dispute, Action.DISPUTE_RAISED, found.invoice.number or "", reason)
    return dispute


def is_late(session: Session, engagement: Engagement, found: Issued, actor: Actor) -> bool:
    """Whether the invoice was due before today, where the engagement is."""
    due = found.invoice.due_on
    return due is not None and local_today(session, engagement, actor.at) > due


def _remark(text: str, found: Issued) -> str:
    remark = plain_lines(text).strip()
    if not remark:
        raise BadInput.one(
            Problem(
                f"invoice {found.invoice.number} was due on {found.invoice.due_on}",
                column="remark",
                allowed="a remark that says why it is disputed only now",
            )
        )
    return checked_reason(remark, "remark")


def disputable(found: Issued, subject: DisputeSubject, position: int | None) -> Decimal:
    """What of an invoice may be disputed, before tax; BadInput for an unknown line."""
    left = found.left
    if subject is not DisputeSubject.LINE:
        return sum((line.net for line in left.values()), Decimal(0))
    if position not in left:
        raise BadInput.one(
            Problem(
                "the invoice has no such line",
                column="position",
                found="" if position is None else str(position),
                allowed=f"1 to {len(left)}",
            )
        )
    return left[position].net


def _amount(found: Issued, new: NewDispute) -> Decimal:
    most, currency = disputable(found, new.subject, new.position), found.document.currency
    amount = most if new.amount is None else new.amount
    if not 0 < amount <= most or round_money(amount, currency) != amount:
        raise BadInput.one(
            Problem(
                "so much can't be disputed",
                column="amount",
                found=str(amount),
                allowed=f"more than 0 and at most {money_text(most, currency)}, before tax"
                if most > 0
                else "another line: nothing is left of this one",
            )
        )
    return amount


def _check_not_disputed(session: Session, found: Issued, new: NewDispute) -> None:
    position = new.position if new.subject is DisputeSubject.LINE else None
    same = session.scalars(
        select(Dispute).where(
            col(Dispute.invoice_id) == found.invoice.id,
            col(Dispute.state) == DisputeState.OPEN,
            col(Dispute.subject) == new.subject,
            col(Dispute.position).is_(None)
            if position is None
            else col(Dispute.position) == position,
        )
    ).first()
    if same is not None:
        raise Conflict(f"this is in dispute already, as {same.reference}")


def _next_number(session: Session, engagement: Engagement) -> int:
    """The caller holds the engagement's lock, so that no number is given twice."""
    last = session.scalars(
        select(func.max(col(Dispute.number))).where(col(Dispute.engagement_id) == engagement.id)
    ).one()
    return (last or 0) + 1


def withdraw_dispute(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> Dispute:
    """Take a dispute back, for the client; Conflict once the provider has answered."""
    require(session, actor, engagement, Permission.DISPUTE_INVOICE)
    dispute = _open(session, actor, engagement, number).dispute
    dispute.state = DisputeState.WITHDRAWN
    dispute.withdrawn_at, dispute.withdrawn_by_id = actor.at, actor.signed_in_id
    session.flush()
    _record(session, actor, dispute, Action.DISPUTE_WITHDRAWN)
    return dispute


def uphold_dispute(
    session: Session, actor: Actor, engagement: Engagement, number: int, reason: str
) -> Dispute:
    """Uphold, for the provider, what is disputed: the invoice stands, for this reason.

    Raises NotFound for an unknown dispute, Conflict where it is answered or withdrawn, BadInput
    without a reason.
    """
    require(session, actor, engagement, Permission.RESOLVE_DISPUTE)
    found = _open(session, actor, engagement, number)
    _answer(found.dispute, actor, DisputeState.UPHELD, checked_reason(reason))
    session.flush()
    _record(session, actor, found.dispute, Action.DISPUTE_UPHELD, reason=found.dispute.answer)
    return found.dispute


def accept_dispute(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    *,
    reason: str,
    amount: Decimal | None = None,
) -> CreditNote:
    """Accept a dispute, for the provider, wholly or for an amount: drafts its credit note.

    The draft is issued by another person; the answer counts at once. Raises NotFound, Conflict
    and BadInput as uphold_dispute and `draw_up`; BadInput for more than is disputed.
    """
    require(session, actor, engagement, Permission.RESOLVE_DISPUTE)
    found = _open(session, actor, engagement, number)
    dispute, whole = found.dispute, found.dispute.amount.amount
    accepted = whole if amount is None else amount
    if not 0 < accepted <= whole or round_money(accepted, dispute.currency) != accepted:
        allowed = f"more than 0 and at most {money_text(whole, dispute.currency)}"
        what = "no more can be accepted than is disputed"
        raise BadInput.one(Problem(what, column="amount", found=str(accepted), allowed=allowed))
    state = DisputeState.ACCEPTED if accepted == whole else DisputeState.PARTLY_ACCEPTED
    _answer(dispute, actor, state, checked_reason(reason))
    dispute.accepted_minor = Money.of(accepted, dispute.currency).minor
    session.flush()
    _record(session, actor, dispute, Action.DISPUTE_ACCEPTED, reason=dispute.answer)
    return _draw_up(session, actor, engagement, found)


def redraw_credit_note(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> CreditNote:
    """Draw up the credit note of an accepted dispute anew, where its draft was discarded.

    Raises NotFound for an unknown dispute; Conflict where nothing was accepted, or where it has
    a credit note; BadInput where the invoice hasn't so much left any more.
    """
    require(session, actor, engagement, Permission.RESOLVE_DISPUTE)
    lock_engagement(session, engagement)
    found = get_dispute(session, actor, engagement, number)
    session.refresh(found.dispute)
    if found.dispute.accepted_minor is None:
        raise Conflict(f"nothing of {found.dispute.reference} was accepted")
    if found.note is not None:
        raise Conflict(f"{found.dispute.reference} has credit note {found.note.name}")
    return _draw_up(session, actor, engagement, found)


def _draw_up(
    session: Session, actor: Actor, engagement: Engagement, found: ListedDispute
) -> CreditNote:
    dispute = found.dispute
    asked = _asked(dispute, dispute.accepted.amount)
    words = f"Dispute {dispute.reference}: {dispute.answer}"
    return draw_up(session, actor, engagement, found.invoice, asked, words, dispute_id=dispute.id)


def _asked(dispute: Dispute, accepted: Decimal) -> Asked:
    """Of a line so much of the line; of the rest a share of every line."""
    return Amount(accepted) if dispute.position is None else ByLine({dispute.position: accepted})


def _open(session: Session, actor: Actor, engagement: Engagement, number: int) -> ListedDispute:
    """The dispute under the engagement's lock; Conflict unless it waits for an answer."""
    lock_engagement(session, engagement)
    found = get_dispute(session, actor, engagement, number)
    session.refresh(found.dispute)
    if found.dispute.state is not DisputeState.OPEN:
        state = found.dispute.state.value.replace("_", " ")
        raise Conflict(f"{found.dispute.reference} is {state} already")
    return found


def _answer(dispute: Dispute, actor: Actor, state: DisputeState, answer: str) -> None:
    dispute.state, dispute.answer = state, answer
    dispute.answered_at, dispute.answered_by_id = actor.at, actor.signed_in_id


def _record(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    dispute: Dispute,
    action: Action,
    invoice: str = "",
    reason: str = "",
) -> None:
    after = {
        "state": dispute.state.value,
        "subject": dispute.subject.value,
        "line": dispute.position,
        "currency": dispute.currency,
        "amount": money_text(dispute.amount.amount, dispute.currency),
        "accepted": None
        if dispute.accepted_minor is None
        else money_text(dispute.accepted.amount, dispute.currency),
    } | ({"invoice": invoice} if invoice else {})
    change = Change(
        action,
        "dispute",
        dispute.id,
        dispute.reference,
        dispute.engagement_id,
        None,
        after,
        reason=reason,
    )
    record(session, actor, change)
