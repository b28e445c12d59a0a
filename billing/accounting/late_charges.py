"""The entries of what reminders charge for late payment, and of what is waived of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.accounting.books import Books
from billing.accounting.values import Entry, EntryKind
from billing.reminders.models import ChargeKind, LateCharge, Reminder
from governance.engagements.models import Engagement

_WORDS = {
    ChargeKind.INTEREST: "Interest for late payment",
    ChargeKind.LUMP_SUM: "Lump sum for late payment",
    ChargeKind.FEE: "Fee of the reminder",
}


@dataclass(frozen=True, slots=True)
class LateCharged:
    """One amount that a reminder charged."""

    reference: str
    """RM-3."""
    what: str
    on: date
    currency: str
    amount: Decimal
    payee: str
    """The other party to whose books these are."""
    waived_on: date | None = None
    waived_reason: str = ""


def late_charge_entries(one: LateCharged, books: Books) -> Iterator[Entry]:
    """A charge on the day of its reminder, and its waiver the other way round.

    Damages for late payment aren't the price of a supply: they bear no tax.
    """
    yield _entry(one, books, EntryKind.LATE_CHARGE, one.on, one.what, one.amount)
    if one.waived_on is not None:
        said = f"Waived: {one.what}" + (f": {one.waived_reason}" if one.waived_reason else "")
        yield _entry(one, books, EntryKind.WAIVER, one.waived_on, said, -one.amount)


def _entry(  # noqa: PLR0917 (every part of an entry)
    one: LateCharged, books: Books, kind: EntryKind, on: date, said: str, amount: Decimal
) -> Entry:
    postings = (
        books.posting(books.open(), amount, one.reference),
        books.posting(books.late_payment(), -amount, one.reference),
    )
    return Entry(on, kind, one.reference, one.payee, said, one.currency, postings)


def late_charges(
    session: Session, engagement: Engagement, numbers: Mapping[int, str], payee: str
) -> Iterator[LateCharged]:
    """What reminders of an engagement charged, oldest first; `numbers` are those of its invoices.

    The caller has checked the permission.
    """
    rows = session.execute(
        select(LateCharge, Reminder)
        .join(Reminder, col(Reminder.id) == col(LateCharge.reminder_id))
        .where(col(LateCharge.engagement_id) == engagement.id)
        .order_by(col(LateCharge.id))
    )
    for row, reminder in rows:
        of = f" of {numbers[row.invoice_id]}" if row.invoice_id is not None else ""
        yield LateCharged(
            reference=reminder.reference,
            what=f"{_WORDS[row.kind]}{of}",
            on=row.charged_on,
            currency=row.currency,
            amount=row.amount.amount,
            payee=payee,
            waived_on=row.waived_on,
            waived_reason=row.waived_reason,
        )
