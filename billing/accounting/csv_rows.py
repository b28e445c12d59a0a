"""The journal as a table: one posting a line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from billing.accounting.values import Journal
from governance.values import round_money

COLUMNS = (
    "entry",
    "date",
    "kind",
    "document",
    "payee",
    "narration",
    "account",
    "account_type",
    "debit",
    "credit",
    "currency",
    "cost_centre",
    "purchase_order",
    "reference",
)
"""`entry` counts from 1: the lines of one number balance."""


def journal_rows(journal: Journal) -> Iterator[tuple[str | int | Decimal | date | None, ...]]:
    """A row a posting, in the order of the entries; amounts have their currency's decimals."""
    for number, entry in enumerate(journal.entries, start=1):
        for one in entry.postings:
            amount = round_money(abs(one.amount), entry.currency)
            yield (
                number,
                entry.on,
                entry.kind.value,
                entry.number,
                entry.payee,
                entry.narration,
                one.account.name,
                one.account.type.value,
                amount if one.amount > 0 else None,
                None if one.amount > 0 else amount,
                entry.currency,
                one.cost_centre,
                one.purchase_order,
                one.reference,
            )
