"""Record what the provider received, what bounced and what was paid back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from billing.payments.allocating import return_allocations
from billing.payments.models import Payment, PaymentRefund
from billing.payments.queries import balances_of
from billing.payments.rows import (
    checked_amount,
    checked_reason,
    locked_payment,
    next_number,
    take_of_entry,
)
from billing.payments.values import Entry, Source
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, one_line, plain_lines, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import BadInput, Conflict, Problem
from governance.tables import canonical_json
from governance.values import known_currency, money_text

_LONGEST = {"debtor": 200, "iban": 64, "end_to_end_id": 64, "text": 4000, "note": 4000}
_OLDEST = date(1990, 1, 1)
_AHEAD = timedelta(days=7)
"""Banks book ahead over holidays."""
_LARGEST = 10**15


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment to be recorded; the amount is in minor units."""

    booked_on: date
    currency: str
    minor: int
    value_on: date | None = None
    debtor: str = ""
    iban: str = ""
    end_to_end_id: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payment is from."""

    source: Source = Source.HAND
    import_id: int | None = None
    entry_id: int | None = None


def record_payment(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    new: NewPayment,
    origin: Origin | None = None,
) -> Payment:
    """Record money that the provider received; all of it is on account until it is allocated.

    Raises Forbidden for who may not, BadInput where a day, currency or amount can't be.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    _check(new, actor.at.date())
    lock_engagement(session, engagement)
    origin = origin or Origin()
    row = Payment(
        engagement_id=engagement.id,
        number=next_number(session, engagement, Payment),
        source=origin.source,
        import_id=origin.import_id,
        entry_id=origin.entry_id,
        booked_on=new.booked_on,
        value_on=new.value_on or new.booked_on,
        currency=new.currency,
        amount_minor=new.minor,
        debtor=one_line(new.debtor).strip(),
        iban=one_line(new.iban).replace(" ", "").upper(),
        end_to_end_id=one_line(new.end_to_end_id).strip(),
        references_json=canonical_json([one_line(one) for one in new.references]).decode(),
        text=one_line(new.text).strip(),
        note=plain_lines(new.note).strip(),
        recorded_at=actor.at,
        recorded_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    after = {"amount": _words(row, row.amount_minor), "booked_on": row.booked_on.isoformat()}
    note_change(session, actor, row, Action.PAYMENT_RECORDED, after | {"source": row.source.value})
    return row


def _check_day(payment: Payment, day: date, column: str, today: date) -> None:
    """Money goes back after it came in, and by today."""
    if not payment.booked_on <= day <= today + _AHEAD:
        what, allowed = "money goes back after it came in", f"{payment.booked_on} to today"
        raise BadInput.one(Problem(what, column=column, found=day.isoformat(), allowed=allowed))


def _check(new: NewPayment, today: date) -> None:
    problems = [
        Problem("the text is too long", column=name, allowed=f"at most {most} characters")
        for name, most in _LONGEST.items()
        if len(getattr(new, name)) > most
    ]
    for name, day in (("booked_on", new.booked_on), ("value_on", new.value_on)):
        if day and not _OLDEST <= day <= today + _AHEAD:
            what = "money that was received was booked by today"
            problems.append(Problem(what, column=name, found=day.isoformat()))
    if not known_currency(new.currency):
        what = "this is no currency"
        problems.append(Problem(what, column="currency", found=new.currency, allowed="EUR"))
    if not 0 < new.minor <= _LARGEST:
        what = "the amount has to be above zero, and one that can be"
        problems.append(Problem(what, column="amount", found=str(new.minor)))
    if problems:
        raise BadInput(problems)


def payment_of_entry(entry: Entry, minor: int) -> NewPayment:
    """A bank's entry as a payment, with the amount that is taken of it."""
    return NewPayment(
        booked_on=entry.booked_on,
        currency=entry.currency,
        minor=minor,
        value_on=entry.value_on,
        debtor=entry.debtor[: _LONGEST["debtor"]],
        iban=entry.iban[: _LONGEST["iban"]],
        end_to_end_id=entry.end_to_end_id[: _LONGEST["end_to_end_id"]],
        references=entry.references[:20],
        text=entry.text[: _LONGEST["text"]],
    )


def refund_payment(
    session: Session, actor: Actor, engagement: Engagement, number: int, refund: Refund
) -> PaymentRefund:
    """Note that an amount on account was paid back.

    Raises NotFound for an unknown payment, BadInput without a reason or amount, Conflict where
    less is on account.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    reason = checked_reason(plain_lines(refund.reason).strip())
    payment = locked_payment(session, engagement, number)
    _check_day(payment, refund.refunded_on, "refunded_on", actor.at.date())
    left = balances_of(session, [payment])[payment.id].on_account_minor
    row = PaymentRefund(
        payment_id=payment.id,
        currency=payment.currency,
        amount_minor=checked_amount(refund.minor, left, "what is on account"),
        refunded_on=refund.refunded_on,
        reason=reason,
        recorded_at=actor.at,
        recorded_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    after = {"amount": _words(payment, row.amount_minor), "on": row.refunded_on.isoformat()}
    note_change(session, actor, payment, Action.PAYMENT_REFUNDED, after, reason)
    return row


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back by the provider's own payment."""

    minor: int
    refunded_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """Money that the bank took back."""

    bounced_on: date
    reason: str
    entry: Entry | None = None
    """The bank's entry that says so; None where a person does."""


def bounce_payment(
    session: Session, actor: Actor, engagement: Engagement, number: int, bounce: Bounce
) -> Payment:
    """Note that a payment was reversed or returned: what it paid is open again.

    Raises NotFound for an unknown payment, BadInput without a reason or before the payment,
    Conflict where it went back already, wholly or in part, or where the bank's entry is noted.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    reason = checked_reason(plain_lines(bounce.reason).strip())
    payment = locked_payment(session, engagement, number)
    if payment.bounced_at is not None:
        raise Conflict(f"{payment.reference} is noted as bounced already")
    if balances_of(session, [payment])[payment.id].refunded_minor:
        raise Conflict(f"a part of {payment.reference} was refunded; it can't bounce as a whole")
    _check_day(payment, bounce.bounced_on, "bounced_on", actor.at.date())
    if bounce.entry is not None:
        entry = bounce.entry
        whole = (entry.key, entry.currency, entry.minor, entry.minor)
        payment.bounce_entry_id = take_of_entry(session, engagement, *whole).id
    return_allocations(session, actor, payment, bounce.bounced_on, reason)
    payment.bounced_on, payment.bounced_at = bounce.bounced_on, actor.at
    payment.bounced_by_id, payment.bounce_reason = actor.signed_in_id, reason
    session.flush()
    after = {"amount": _words(payment, payment.amount_minor), "on": bounce.bounced_on.isoformat()}
    note_change(session, actor, payment, Action.PAYMENT_BOUNCED, after, reason)
    return payment


def _words(payment: Payment, minor: int) -> str:
    return f"{payment.currency} {money_text(payment.money(minor).amount, payment.currency)}"


def note_change(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    payment: Payment,
    action: Action,
    after: dict[str, str],
    reason: str = "",
) -> None:
    """The log's entry of what happened to a payment."""
    change = Change(
        action,
        "payment",
        payment.id,
        payment.reference,
        payment.engagement_id,
        None,
        after,
        reason=reason,
    )
    record(session, actor, change)
