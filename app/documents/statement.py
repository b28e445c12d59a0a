"""The statement of account as PDF, with the invoice's look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.documents.account_parts import BUCKETS, MOVEMENTS, STYLE, parties, shown
from app.documents.formatting import day, period
from app.documents.language import gettext as _
from app.documents.language import in_language, marked
from app.documents.rendering import html_to_pdf, render_html
from billing.statements.ageing import Ageing, Bucket, ageing
from billing.statements.statement import Statement, StatementLine
from governance.contract.document import Contract

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A movement as it is printed: its amount stands in one of two columns."""

    on: date
    kind: str
    reference: str
    detail: str
    due_on: date | None
    debit: Decimal
    credit: Decimal
    balance: Decimal


def render_statement(contract: Contract, found: Statement, uncharged: Decimal) -> bytes:
    """The statement as tagged PDF in the contract's language; the same input gives the same bytes.

    `uncharged` is what late payment costs by the last day and no reminder has charged.
    """
    with in_language(contract.invoicing.language):
        html = render_html("statement.html", statement_context(contract, found, uncharged))
    return html_to_pdf(html, STYLE, found.period.end, accessible=True)


def statement_context(contract: Contract, found: Statement, uncharged: Decimal) -> dict[str, Any]:
    """What the template shows; nothing is computed or rounded here."""
    frame, aged = contract.engagement, ageing(found.account, found.period.end)
    return parties(frame.provider, frame.client, frame.reference, frame.title) | {
        "heading": _("Statement of account"),
        "particulars": _particulars(contract, found),
        "settlement": found,
        "statement": found,
        "currency": found.account.currency,
        "rows": tuple(_row(line, frame.client.name) for line in found.lines),
        "ageing": aged,
        "buckets": tuple((_(BUCKETS[one]), amount) for one, amount in aged.sums.buckets.items()),
        "balance": balance_of(aged),
        "uncharged": uncharged,
        "to_pay": due_now(aged),
        "to_pay_label": _("Due by now"),
        "payment_reference": frame.reference,
    }


def _particulars(contract: Contract, found: Statement) -> tuple[tuple[str, str], ...]:
    reference = contract.invoicing.buyer_reference
    return (
        (_("Date"), day(found.period.end)),
        (_("From"), day(found.period.start)),
        (_("To"), day(found.period.end)),
        (_("Contract"), contract.engagement.reference),
        *([(_("Your reference"), reference)] if reference else []),
        (_("Currency"), found.account.currency),
    )


def _row(line: StatementLine, client: str) -> MovementRow:
    """That the client itself paid goes without saying."""
    moved = line.movement
    detail = "" if moved.detail == client else moved.detail
    return MovementRow(
        on=moved.on,
        kind=_(MOVEMENTS[moved.kind]),
        reference=moved.reference,
        detail=period(moved.period) if moved.period else detail,
        due_on=moved.due_on,
        debit=max(moved.amount, _NOTHING),
        credit=max(-moved.amount, _NOTHING),
        balance=line.balance,
    )


def balance_of(aged: Ageing) -> tuple[tuple[str, Decimal], ...]:
    """How the open invoices lead to the balance; what is zero is left out."""
    sums = aged.sums
    return shown(
        (
            (marked("Open invoices"), sums.open),
            (marked("Interest and fees charged"), sums.charges),
            (marked("Invoices in your favour"), -sums.in_favour),
            (marked("Paid on account"), -sums.on_account),
        )
    )


def due_now(aged: Ageing) -> Decimal:
    """What the client should have paid by the day: past due, not in dispute, and charged."""
    sums = aged.sums
    late = sums.open - sums.disputed - sums.buckets[Bucket.NOT_DUE]
    return max(late + sums.charges - sums.in_favour - sums.on_account, _NOTHING)
