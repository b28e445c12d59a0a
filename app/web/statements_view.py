"""What the pages of statements and ageing show, and their tables to take away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from app.web.tables import Cell
from app.web.unit_of_work import Work
from billing.reminders.proposals import uncharged
from billing.statements.ageing import AgedInvoice, Ageing, Bucket, Sums, ageing
from billing.statements.queries import (
    Accrued,
    Terms,
    account_views,
    accrued,
    checked_side,
    late_series,
    statements_of,
    terms_of,
)
from billing.statements.statement import Statement
from billing.statements.values import Account, MovementKind
from governance.access_terms import Side
from governance.engagements.models import Engagement
from governance.values import Period, round_money, summed

BUCKET_WORDS: Final[Mapping[Bucket, str]] = {
    Bucket.NOT_DUE: "Not due",
    Bucket.TO_30: "1–30 days",
    Bucket.TO_60: "31–60 days",
    Bucket.TO_90: "61–90 days",
    Bucket.OVER_90: "Over 90 days",
}
MOVEMENT_WORDS: Final[Mapping[MovementKind, str]] = {
    MovementKind.INVOICE: "Invoice",
    MovementKind.CREDIT_NOTE: "Credit note",
    MovementKind.INTEREST: "Interest for late payment",
    MovementKind.LUMP_SUM: "Lump sum for late payment",
    MovementKind.REMINDER_FEE: "Reminder fee",
    MovementKind.WAIVER: "Charge waived",
    MovementKind.PAYMENT: "Payment",
    MovementKind.REFUND: "Refund",
    MovementKind.BOUNCE: "Payment returned",
    MovementKind.WRITE_OFF: "Write-off",
}
AGEING_COLUMNS: Final = (
    "engagement",
    "invoice",
    "issued_on",
    "due_on",
    "days_past_due",
    "bucket",
    "open",
    "disputed",
    "undisputed",
    "currency",
    "as_of",
)
STATEMENT_COLUMNS: Final = (
    "date",
    "kind",
    "reference",
    "detail",
    "due_on",
    "debit",
    "credit",
    "balance",
    "currency",
)


@dataclass(frozen=True, slots=True)
class StatementView:
    """One account's statement as the page shows it."""

    statement: Statement
    ageing: Ageing
    uncharged: Decimal
    """What late payment costs by the last day and no reminder has charged."""
    problem: str
    """Why that can't be computed; empty where it can."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An engagement's accounts as one side sees them."""

    terms: Terms
    side: Side
    own: Side
    accounts: tuple[Account, ...]


def seen_accounts(unit: Work, engagement: Engagement, side: Side | None) -> Seen:
    """The accounts of the side that is asked for, one's own where none is; raises as it does."""
    own = checked_side(unit.session, unit.actor, engagement)
    chosen = checked_side(unit.session, unit.actor, engagement, side)
    accounts = account_views(unit.session, unit.actor, engagement, chosen)
    return Seen(terms_of(unit.session, engagement, unit.actor), chosen, own, accounts)


def statement_views(
    unit: Work, engagement: Engagement, seen: Seen, period: Period
) -> tuple[StatementView, ...]:
    """The statement of each currency with its ageing and what late payment costs."""
    series = late_series(unit.session, engagement, seen.terms, unit.store)
    found = []
    for one in statements_of(seen.accounts, period):
        costs = accrued(one.account, seen.terms, series, period.end)
        left = _uncharged(one.account, costs, period.end)
        found.append(StatementView(one, ageing(one.account, period.end), left, costs.problem))
    return tuple(found)


def _uncharged(account: Account, costs: Accrued, day: date) -> Decimal:
    pairs = uncharged(account, costs.by_invoice, day).values()
    return summed(interest + lump_sum for interest, lump_sum in pairs)


def ageing_rows(found: Iterable[Ageing]) -> Iterator[tuple[Cell, ...]]:
    """A row an open invoice; amounts have their currency's decimals."""
    for one in found:
        for row in one.invoices:
            yield _ageing_row(one, row)


def _ageing_row(of: Ageing, row: AgedInvoice) -> tuple[Cell, ...]:
    amounts = (round_money(each, of.currency) for each in (row.open, row.disputed, row.undisputed))
    return (
        of.engagement,
        row.number,
        row.issued_on,
        row.due_on,
        row.days,
        row.bucket.value,
        *amounts,
        of.currency,
        of.day,
    )


def statement_rows(found: Statement) -> Iterator[tuple[Cell, ...]]:
    """The opening balance, a row a movement, and the closing balance."""
    currency, period = found.account.currency, found.period

    def amount(value: Decimal) -> Decimal | None:
        return round_money(value, currency) if value > 0 else None

    opening = round_money(found.opening, currency)
    yield (period.start, "opening_balance", "", "", None, None, None, opening, currency)
    for line in found.lines:
        moved = line.movement
        yield (
            moved.on,
            moved.kind.value,
            moved.reference,
            moved.detail,
            moved.due_on,
            amount(moved.amount),
            amount(-moved.amount),
            round_money(line.balance, currency),
            currency,
        )
    closing = round_money(found.closing, currency)
    yield (period.end, "closing_balance", "", "", None, None, None, closing, currency)


def shares(sums: Sums) -> tuple[tuple[str, Decimal], ...]:
    """The buckets with their words, and what is disputed last."""
    buckets = ((BUCKET_WORDS[one], sums.buckets[one]) for one in Bucket)
    return (*buckets, ("In dispute", sums.disputed))
