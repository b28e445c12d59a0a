"""What the pages of payments show, and what their forms say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.web.forms import text_of
from billing.payments.models import Payment, WriteOff
from billing.payments.notations import Mark, decimal_mark, is_open, read_minor
from billing.payments.queries import (
    Allocation,
    allocations_of,
    balances_of,
    open_invoices,
    payments_of,
    write_offs_in,
    write_offs_of,
)
from billing.payments.values import Balance, OpenInvoice, Part
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.values import Money, known_currency, minor_digits

_FIELD = "pay-"
_THOUSANDTHS = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """A payment in the list."""

    payment: Payment
    balance: Balance

    @property
    def state(self) -> str:
        """Where most of its money is."""
        if self.payment.bounced_at is not None:
            return "bounced"
        if self.balance.on_account_minor == 0:
            return "allocated"
        return "part" if self.balance.allocated_minor else "account"


STATES = ("account", "part", "allocated", "bounced")


@dataclass(frozen=True, slots=True)
class PaymentList:
    """The payments of an engagement and what is open there."""

    payments: tuple[Shown, ...]
    total: int
    """Payments before the filters."""
    state: str
    find: str
    on_account: tuple[Money, ...]
    """By currency."""
    open_sums: tuple[Money, ...]
    invoices: Mapping[int, OpenInvoice]
    write_offs: tuple[WriteOff, ...]

    @property
    def open(self) -> list[OpenInvoice]:
        """The invoices on which something is open."""
        return [one for one in self.invoices.values() if one.open_minor]


def payment_list(
    session: Session, actor: Actor, engagement: Engagement, state: str, find: str
) -> PaymentList:
    """The payments by state and by words in debtor, text, references or number."""
    rows = payments_of(session, actor, engagement)
    balances = balances_of(session, rows)
    every = [Shown(one, balances[one.id]) for one in rows]
    wanted = [
        one
        for one in every
        if (state not in STATES or one.state == state) and _holds(one.payment, find)
    ]
    invoices = open_invoices(session, engagement)
    return PaymentList(
        tuple(wanted),
        len(every),
        state if state in STATES else "",
        find,
        _sums((one.payment.currency, one.balance.on_account_minor) for one in every),
        _sums((one.currency, one.open_minor) for one in invoices),
        {one.id: one for one in invoices},
        write_offs_in(session, actor, engagement),
    )


def _holds(payment: Payment, find: str) -> bool:
    texts = (payment.reference, payment.debtor, payment.iban, payment.text, payment.note)
    said = " ".join((*texts, *payment.references)).casefold()
    return find.strip().casefold() in said


def _sums(pairs: Iterable[tuple[str, int]]) -> tuple[Money, ...]:
    found: dict[str, int] = {}
    for currency, minor in pairs:
        found[currency] = found.get(currency, 0) + minor
    return tuple(Money(minor, code) for code, minor in sorted(found.items()) if minor)


@dataclass(frozen=True, slots=True)
class InvoicePayments:
    """The payments part of an invoice's page."""

    invoice: OpenInvoice
    allocations: Sequence[Allocation]
    write_offs: Sequence[WriteOff]


def payments_of_invoice(
    session: Session, engagement: Engagement, invoice_id: int
) -> InvoicePayments | None:
    """What was paid and written off of an invoice; None before it is issued.

    The caller has checked that the actor may see the invoice.
    """
    known = {one.id: one for one in open_invoices(session, engagement)}
    if invoice_id not in known:
        return None
    return InvoicePayments(
        known[invoice_id],
        allocations_of(session, [invoice_id])[invoice_id],
        write_offs_of(session, [invoice_id])[invoice_id],
    )


def amount_of_form(text: str, currency: str, column: str) -> int:
    """An amount that a person typed, in minor units, with a decimal comma or point.

    Raises BadInput where it is none, or where a lone mark before three digits may be either; in a
    currency with three decimals a lone point stands before them, as pages write it.
    """
    if not known_currency(currency):
        what = "this is no currency"
        raise BadInput.one(Problem(what, column="currency", found=currency, allowed="EUR"))
    try:
        if is_open(text) and not ("." in text and minor_digits(currency) == _THOUSANDTHS):
            raise ValueError("this amount can be read in two ways")
        return read_minor(text, currency, decimal_mark([text]) or Mark.POINT)
    except ValueError as error:
        allowed = "an amount such as 1234.50 or 1.234,50"
        problem = Problem(str(error), column=column, found=text, allowed=allowed)
        raise BadInput.one(problem) from None


def parts_of_form(form: Mapping[str, Any], currency: str) -> tuple[Part, ...]:
    """The amounts of fields named "pay-<invoice's id>" that aren't empty."""
    found = []
    for name in form:
        number = name.removeprefix(_FIELD)
        if name == number or not (number.isascii() and number.isdigit()) or len(number) > 18:
            continue
        if text := text_of(form, name):
            found.append(Part(int(number), amount_of_form(text, currency, name)))
    return tuple(found)
