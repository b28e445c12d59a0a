"""What the pages of reminders show, and what their forms say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from app.documents.language import in_language
from app.documents.reminder import formula, paragraphs_of, title_of, totals_of
from app.web.unit_of_work import Work
from billing.invoices.models import FeeInvoice
from billing.reminders.letter import Letter
from billing.reminders.models import Reminder
from billing.reminders.proposals import State, charged_beyond, uncharged
from billing.reminders.queries import reminders_about
from billing.statements.interest import LateInterest
from billing.statements.queries import account_views, accrued_of, checked_side, terms_of
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem

STATE_WORDS: Final[Mapping[State, str]] = {
    State.DUE: "Due for a reminder",
    State.LATER: "Not yet",
    State.DISPUTED: "In dispute",
    State.EXHAUSTED: "No reminder left",
    State.PAID: "Paid late",
}
_MOST_DIGITS: Final = 18
_TOTAL: Final = re.compile(r"\d{1,15}(\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """A letter's words, in its own language."""

    title: str
    paragraphs: tuple[str, ...]
    totals: tuple[tuple[str, Decimal], ...]
    formula: str


def letter_view(letter: Letter) -> Said:
    """The words as the PDF has them."""
    with in_language(letter.language):
        terms = letter.terms
        return Said(
            title_of(letter),
            paragraphs_of(letter),
            totals_of(letter),
            formula(terms) if terms else "",
        )


def ids_of_form(texts: Iterable[str]) -> frozenset[int]:
    """The invoices that a form names; BadInput for what is no row's number."""
    found = set()
    for text in texts:
        if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
            what = "this is no invoice of the list"
            raise BadInput.one(Problem(what, column="invoice", found=text[:40]))
        found.add(int(text))
    return frozenset(found)


def seen_total(text: str) -> Decimal:
    """What the person looked at, as the page wrote it and nobody typed it."""
    if not _TOTAL.fullmatch(text):
        raise BadInput.one(Problem("this is no amount", column="seen", found=text[:40]))
    return Decimal(text)


@dataclass(frozen=True, slots=True)
class InvoiceLate:
    """What late payment of one invoice costs, and the reminders of it."""

    cost: LateInterest
    left: Decimal
    """What of it no reminder has charged."""
    beyond: Decimal
    """What is charged and, since a credit note, isn't owed."""
    problem: str
    reminders: tuple[Reminder, ...]
    currency: str


def late_of_invoice(unit: Work, engagement: Engagement, invoice: FeeInvoice) -> InvoiceLate | None:
    """The late payment part of an invoice's page; None where there is nothing to say.

    The caller has checked that the actor may see the invoice.
    """
    if invoice.number is None:
        return None
    session, terms = unit.session, terms_of(unit.session, engagement, unit.actor)
    reminders = reminders_about(session, invoice)
    if terms.late_payment is None and not reminders:
        return None
    side = checked_side(session, unit.actor, engagement)
    accounts = account_views(session, unit.actor, engagement, side)
    account = next(one for one in accounts if one.currency == invoice.currency)
    alone = tuple(one for one in account.receivables if one.id == invoice.id)
    account = replace(account, receivables=alone)
    costs = accrued_of(session, engagement, terms, unit.store, account)
    cost = costs.by_invoice.get(invoice.number, LateInterest())
    interest, lump_sum = uncharged(account, costs.by_invoice, terms.today).get(
        invoice.number, (Decimal(0), Decimal(0))
    )
    if not (cost.total or costs.problem or reminders):
        return None
    beyond = Decimal(0)
    if not costs.problem:
        beyond = charged_beyond(account, costs.by_invoice, invoice.number, terms.today)
    left = interest + lump_sum
    return InvoiceLate(cost, left, beyond, costs.problem, reminders, invoice.currency)
