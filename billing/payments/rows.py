"""Rows under lock: who changes payments or invoices waits for whoever does so already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.models import FeeInvoice, InvoiceState
from billing.payments.models import (
    BankEntry,
    InvoiceRefund,
    Payment,
    WriteOff,
    WriteOffReversal,
)
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement
from governance.errors import BadInput, Conflict, NotFound, Problem

_LONGEST_REASON = 4000


def locked_payment(session: Session, engagement: Engagement, number: int) -> Payment:
    """A payment as it stands; the engagement and the payment stay locked.

    Raises NotFound where the engagement has none of that number.
    """
    lock_engagement(session, engagement)
    row = session.scalars(
        select(Payment)
        .where(col(Payment.engagement_id) == engagement.id, col(Payment.number) == number)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no payment PAY-{number}")
    return row


def locked_invoices(
    session: Session, engagement: Engagement, invoice_ids: Iterable[int]
) -> Mapping[int, FeeInvoice]:
    """Issued invoices of the engagement by id, locked in one order so that nobody waits in a ring.

    Raises NotFound for one that the engagement doesn't have, Conflict for one not issued.
    """
    wanted = sorted(set(invoice_ids))
    rows = session.scalars(
        select(FeeInvoice)
        .where(col(FeeInvoice.engagement_id) == engagement.id, col(FeeInvoice.id).in_(wanted))
        .order_by(col(FeeInvoice.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    found = {one.id: one for one in rows}
    if len(found) < len(wanted):
        raise NotFound("there is no such invoice in this engagement")
    if any(one.state is not InvoiceState.ISSUED for one in found.values()):
        raise Conflict("only an issued invoice can be paid")
    return found


_Numbered = Payment | WriteOff | WriteOffReversal | InvoiceRefund


def next_number(session: Session, engagement: Engagement, kind: type[_Numbered]) -> int:
    """The caller holds the engagement's lock, so that no number is given twice."""
    last = session.scalars(
        select(func.max(col(kind.number))).where(col(kind.engagement_id) == engagement.id)
    ).one()
    return (last or 0) + 1


def take_of_entry(  # noqa: PLR0917 (an entry's whole identity)
    session: Session, engagement: Engagement, key: str, currency: str, whole: int, taken: int
) -> BankEntry:
    """Take an amount of a bank's entry into an engagement; Conflict where less is left of it.

    The entry is locked over all engagements of the provider, so that one payment never pays
    twice.
    """
    row = _entry(session, engagement, key) or _new_entry(session, engagement, key, currency, whole)
    left = row.amount_minor - row.taken_minor
    if (row.amount_minor, row.currency) != (whole, currency) or taken > left:
        raise Conflict(
            "this payment is recorded already, here or in another engagement of the provider;"
            " look at the import again"
        )
    row.taken_minor += taken
    session.flush()
    return row


def _entry(session: Session, engagement: Engagement, key: str) -> BankEntry | None:
    return session.scalars(
        select(BankEntry)
        .where(
            col(BankEntry.provider_id) == engagement.provider_id, col(BankEntry.entry_key) == key
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _new_entry(
    session: Session, engagement: Engagement, key: str, currency: str, whole: int
) -> BankEntry:
    row = BankEntry(
        provider_id=engagement.provider_id, entry_key=key, currency=currency, amount_minor=whole
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        other = _entry(session, engagement, key)
        assert other is not None  # noqa: S101 (the unique constraint says that it is there)
        return other
    return row


def entries_taken(
    session: Session, engagement: Engagement, keys: Iterable[str]
) -> Mapping[str, BankEntry]:
    """The entries of which something is taken already, by key."""
    wanted = sorted(set(keys))
    found: dict[str, BankEntry] = {}
    for start in range(0, len(wanted), 500):
        rows = session.scalars(
            select(BankEntry).where(
                col(BankEntry.provider_id) == engagement.provider_id,
                col(BankEntry.entry_key).in_(wanted[start : start + 500]),
            )
        )
        found |= {one.entry_key: one for one in rows}
    return found


def checked_reason(text: str) -> str:
    """A reason that people can read; BadInput where it is missing or too long."""
    if not text or len(text) > _LONGEST_REASON:
        allowed = f"1 to {_LONGEST_REASON} characters"
        raise BadInput.one(Problem("this needs a reason", column="reason", allowed=allowed))
    return text


def checked_amount(minor: int, most: int, what: str) -> int:
    """An amount above nothing and up to `most`; BadInput for one that isn't positive.

    Raises Conflict where it is more than there is.
    """
    if minor <= 0:
        raise BadInput.one(
            Problem("the amount has to be above zero", column="amount", found=str(minor))
        )
    if minor > most:
        raise Conflict(f"that is more than {what}")
    return minor
