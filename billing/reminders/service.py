"""Issue reminders, and waive what they charged."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.indexation_series import IndexSeries
from billing.invoices.limits import require_within_limit
from billing.reminders.letter import Letter, LetterLine, letter_json, letter_of
from billing.reminders.models import (
    ChargeKind,
    LateCharge,
    Reminder,
    ReminderDocument,
    ReminderDocumentKind,
    ReminderLine,
)
from billing.reminders.proposals import Proposal, State
from billing.reminders.queries import Due, due_reminders
from billing.statements.queries import Terms, terms_of
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.tables import canonical_json, digest
from governance.values import Money, money_text

DAYS_TO_PAY = 10
"""What a reminder gives to pay."""
_LONGEST_REASON = 4000


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person wants to remind of."""

    invoice_ids: frozenset[int]
    charges: bool = False
    """Whether interest and lump sums are charged with it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter as it would be issued now."""

    letter: Letter
    invoices: tuple[Proposal, ...]


def draft_reminder(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    chosen: Chosen,
    series: IndexSeries | None,
) -> Draft:
    """What a reminder about these invoices would say today; nothing is stored.

    Raises Forbidden for who may not send, BadInput without an invoice, NotFound for one that
    isn't late, Conflict where one can't be reminded of today, where they are in several
    currencies, where interest is to be charged and can't be computed, or where nothing is to pay.
    """
    require(session, actor, engagement, Permission.SEND_INVOICE)
    terms = terms_of(session, engagement, actor)
    due, found = _found(due_reminders(session, engagement, terms, series), chosen)
    _check(due, found, chosen)
    return Draft(_letter(terms, due, found, chosen), found)


def _found(every: Collection[Due], chosen: Chosen) -> tuple[Due, tuple[Proposal, ...]]:
    if not chosen.invoice_ids:
        what = "say which invoices to remind of"
        raise BadInput.one(Problem(what, column="invoice", allowed="one of the list at least"))
    for due in every:
        found = tuple(one for one in due.proposals if one.invoice.id in chosen.invoice_ids)
        if len(found) == len(chosen.invoice_ids):
            return due, found
        if found:
            raise Conflict("a reminder is in one currency, and about invoices that are late")
    raise NotFound("there is no such late invoice in this engagement")


def _check(due: Due, found: Collection[Proposal], chosen: Chosen) -> None:
    for one in found:
        if not one.ready or (one.state is not State.DUE and not chosen.charges):
            raise Conflict(f"{one.invoice.number} can't be reminded of now: {why_not(one)}")
    if chosen.charges and due.problem:
        raise Conflict(due.problem)


def why_not(one: Proposal) -> str:
    """Why no step is due for an invoice, in words without a full stop; empty where one is."""
    if one.state is State.LATER:
        return f"its reminder {one.step} is due on {one.due_on}"
    if one.state is State.DISPUTED:
        return "all that is open is in dispute"
    if one.state is State.PAID:
        return "it is paid"
    if one.state is State.EXHAUSTED:
        had = f"it had its last reminder with {one.taken.reference}" if one.taken else ""
        return had or "the contract has no reminders"
    return ""


def _letter(terms: Terms, due: Due, found: Collection[Proposal], chosen: Chosen) -> Letter:
    letter = letter_of(
        terms.contract,
        tuple(found),
        terms.today,
        terms.today + timedelta(days=DAYS_TO_PAY),
        charges=chosen.charges,
        earlier=due.earlier,
        on_account=due.on_account,
        currency=due.account.currency,
    )
    if letter.total <= 0:
        raise Conflict(
            "the client has as much on account as this reminder would ask for; say what its"
            " payments pay"
        )
    return letter


def issue_reminder(  # noqa: PLR0917 (what issuing needs)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    chosen: Chosen,
    series: IndexSeries | None,
    seen: Decimal,
) -> Reminder:
    """Freeze a reminder: its steps are taken, and what it charges is owed from today.

    `seen` is the total that the person looked at. The PDF is drawn afterwards. Raises as
    `draft_reminder`, and Conflict where the total has changed since.
    """
    require(session, actor, engagement, Permission.SEND_INVOICE)
    lock_engagement(session, engagement)
    draft = draft_reminder(session, actor, engagement, chosen, series)
    if draft.letter.total != seen:
        raise Conflict("what is owed has changed since you looked; look at the reminder again")
    row = _row(session, actor, engagement, draft.letter)
    session.add(row)
    session.flush()
    letter = replace(draft.letter, number=row.reference)
    session.add_all(_parts(row, draft.invoices, letter))
    session.add_all(_charges(row, draft.invoices, letter))
    data = canonical_json(letter_json(letter))
    session.add(
        ReminderDocument(
            reminder_id=row.id, kind=ReminderDocumentKind.JSON, sha256=digest(data), data=data
        )
    )
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("one of these invoices was reminded of meanwhile") from None
    _note_issue(session, actor, row, letter, digest(data))
    return row


def _row(session: Session, actor: Actor, engagement: Engagement, letter: Letter) -> Reminder:
    last = session.scalars(
        select(func.max(col(Reminder.number))).where(col(Reminder.engagement_id) == engagement.id)
    ).one()
    return Reminder(
        engagement_id=engagement.id,
        number=(last or 0) + 1,
        level=letter.level,
        currency=letter.currency,
        open_minor=Money.of(letter.asked, letter.currency).minor,
        charged_minor=Money.of(letter.charged, letter.currency).minor,
        issued_on=letter.issued_on,
        pay_by=letter.pay_by,
        issued_at=actor.at,
        issued_by_id=actor.signed_in_id,
    )


def _parts(row: Reminder, found: Collection[Proposal], letter: Letter) -> Iterator[ReminderLine]:
    for one, line in zip(found, letter.lines, strict=True):
        yield ReminderLine(
            reminder_id=row.id,
            invoice_id=one.invoice.id,
            step=line.step,
            currency=row.currency,
            open_minor=Money.of(line.open, row.currency).minor,
            days_late=line.days_late,
        )


def _charges(row: Reminder, found: Collection[Proposal], letter: Letter) -> Iterator[LateCharge]:
    for one, line in zip(found, letter.lines, strict=True):
        if letter.charges:
            yield from _late(row, one, line)
    if letter.fee:
        yield _charge(row, ChargeKind.FEE, letter.fee)


def _late(row: Reminder, one: Proposal, line: LetterLine) -> Iterator[LateCharge]:
    for kind, amount in (
        (ChargeKind.INTEREST, line.interest),
        (ChargeKind.LUMP_SUM, line.lump_sum),
    ):
        if amount:
            yield _charge(row, kind, amount, one.invoice.id)


def _charge(
    row: Reminder, kind: ChargeKind, amount: Decimal, invoice_id: int | None = None
) -> LateCharge:
    return LateCharge(
        engagement_id=row.engagement_id,
        reminder_id=row.id,
        invoice_id=invoice_id,
        kind=kind,
        currency=row.currency,
        amount_minor=Money.of(amount, row.currency).minor,
        charged_on=row.issued_on,
    )


def _note_issue(session: Session, actor: Actor, row: Reminder, letter: Letter, sha256: str) -> None:
    after = {
        "invoices": ", ".join(one.number for one in letter.lines),
        "level": str(letter.level),
        "total": _words(letter.total, letter.currency),
        "charged": _words(letter.charged, letter.currency),
        "sha256": sha256,
    }
    change = Change(
        Action.REMINDER_ISSUED, "reminder", row.id, row.reference, row.engagement_id, None, after
    )
    record(session, actor, change)


def _words(amount: Decimal, currency: str) -> str:
    return f"{currency} {money_text(amount, currency)}"


def waive_charge(  # noqa: PLR0917 (who, where, which and why)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    charge_id: int,
    reason: str,
) -> LateCharge:
    """Let go of interest, a lump sum or a fee that a reminder charged.

    From today it isn't owed any more, and it is never charged again. Raises NotFound for an
    unknown one, BadInput without a reason, Conflict where it is waived already, Forbidden for more
    than the contract lets the actor's roles approve.
    """
    require(session, actor, engagement, Permission.WRITE_OFF)
    reason = plain_lines(reason).strip()
    if not reason or len(reason) > _LONGEST_REASON:
        allowed = f"1 to {_LONGEST_REASON} characters"
        raise BadInput.one(Problem("this needs a reason", column="reason", allowed=allowed))
    lock_engagement(session, engagement)
    row = session.scalars(
        select(LateCharge)
        .join(Reminder, col(Reminder.id) == col(LateCharge.reminder_id))
        .where(
            col(Reminder.engagement_id) == engagement.id,
            col(Reminder.number) == number,
            col(LateCharge.id) == charge_id,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"RM-{number} has no such charge")
    if row.waived_on is not None:
        raise Conflict("this charge is waived already")
    require_within_limit(session, actor, engagement, Permission.WRITE_OFF, row.amount.amount)
    row.waived_on = max(terms_of(session, engagement, actor).today, row.charged_on)
    row.waived_at, row.waived_by_id = actor.at, actor.signed_in_id
    row.waived_reason = reason
    session.flush()
    after = {"kind": row.kind.value, "amount": _words(row.amount.amount, row.currency)}
    change = Change(
        Action.LATE_CHARGE_WAIVED,
        "late_charge",
        row.id,
        f"RM-{number}",
        engagement.id,
        None,
        after,
        reason=reason,
    )
    record(session, actor, change)
    return row
