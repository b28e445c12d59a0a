"""A page of an engagement's payments, chosen and counted by the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.payments.models import Payment, PaymentAllocation, PaymentRefund
from billing.payments.queries import balances_of
from billing.payments.values import Balance
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.values import Money

PAGE: Final = 50
_NUMBER = re.compile(r"PAY-?(\d{1,9})", re.IGNORECASE | re.ASCII)


class PaymentState(StrEnum):
    """Where most of a payment's money is."""

    ON_ACCOUNT = "account"
    PART = "part"
    """Some of it pays invoices, some is on account."""
    ALLOCATED = "allocated"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """A payment in the list."""

    payment: Payment
    balance: Balance

    @property
    def state(self) -> PaymentState:
        """Where most of its money is."""
        if self.payment.bounced_at is not None:
            return PaymentState.BOUNCED
        if self.balance.on_account_minor == 0:
            return PaymentState.ALLOCATED
        return PaymentState.PART if self.balance.allocated_minor else PaymentState.ON_ACCOUNT


@dataclass(frozen=True, slots=True)
class Page:
    """Payments from a place on, newest first."""

    payments: tuple[ListedPayment, ...]
    start: int
    """How many that fit come before them."""
    fitting: int
    """How many fit the filters."""
    total: int
    """How many there are in the engagement."""

    @property
    def previous(self) -> int | None:
        """Where the page before begins; None on the first."""
        return max(0, self.start - PAGE) if self.start else None

    @property
    def following(self) -> int | None:
        """Where the next page begins; None on the last."""
        after = self.start + len(self.payments)
        return after if after < self.fitting else None


def page_of_payments(  # noqa: PLR0917 (whose payments, and which of them)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    state: PaymentState | None = None,
    find: str = "",
    start: int = 0,
) -> Page:
    """The payments in a state whose debtor, account, text, reference or number holds some words.

    Letters beyond ASCII are found as they are written on SQLite. Raises Forbidden for who may not
    see the engagement.
    """
    require(session, actor, engagement, Permission.VIEW)
    own = col(Payment.engagement_id) == engagement.id
    fits = and_(own, *(() if state is None else (_in_state(state),)), *_holding(find))
    rows = session.scalars(
        select(Payment)
        .where(fits)
        .order_by(col(Payment.booked_on).desc(), col(Payment.number).desc())
        .offset(start)
        .limit(PAGE)
    ).all()
    balances = balances_of(session, rows)
    return Page(
        tuple(ListedPayment(one, balances[one.id]) for one in rows),
        start,
        _count(session, fits),
        _count(session, own),
    )


def on_account_of(session: Session, engagement: Engagement) -> tuple[Money, ...]:
    """What is on account in the engagement, by currency; the caller has checked the permission."""
    rows = session.execute(
        select(col(Payment.currency), func.sum(_on_account()))
        .where(col(Payment.engagement_id) == engagement.id, col(Payment.bounced_at).is_(None))
        .group_by(col(Payment.currency))
        .order_by(col(Payment.currency))
    )
    return tuple(Money(int(minor), currency) for currency, minor in rows if minor)


def _count(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalars(select(func.count()).select_from(Payment).where(condition)).one()


def _allocated() -> ColumnElement[int]:
    return (
        select(func.coalesce(func.sum(col(PaymentAllocation.amount_minor)), 0))
        .where(
            col(PaymentAllocation.payment_id) == col(Payment.id),
            col(PaymentAllocation.taken_back_at).is_(None),
        )
        .correlate(Payment)
        .scalar_subquery()
    )


def _on_account() -> ColumnElement[int]:
    refunded = (
        select(func.coalesce(func.sum(col(PaymentRefund.amount_minor)), 0))
        .where(col(PaymentRefund.payment_id) == col(Payment.id))
        .correlate(Payment)
        .scalar_subquery()
    )
    return col(Payment.amount_minor) - _allocated() - refunded


def _in_state(state: PaymentState) -> ColumnElement[bool]:
    bounced, left = col(Payment.bounced_at).is_not(None), _on_account()
    conditions: Mapping[PaymentState, ColumnElement[bool]] = {
        PaymentState.BOUNCED: bounced,
        PaymentState.ALLOCATED: and_(~bounced, left == 0),
        PaymentState.PART: and_(~bounced, left != 0, _allocated() != 0),
        PaymentState.ON_ACCOUNT: and_(~bounced, left != 0, _allocated() == 0),
    }
    return conditions[state]


def _holding(find: str) -> tuple[ColumnElement[bool], ...]:
    words = find.strip()
    if not words:
        return ()
    texts = (Payment.debtor, Payment.iban, Payment.text, Payment.note, Payment.references_json)
    holds = [col(one).icontains(words, autoescape=True) for one in texts]
    if number := _NUMBER.fullmatch(words):
        holds.append(col(Payment.number) == int(number[1]))
    return (or_(*holds),)
