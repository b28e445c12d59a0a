"""What the pages of payments show, and what their forms say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.web.addresses import engagement_path
from app.web.forms import text_of
from billing.invoices.models import FeeInvoice
from billing.payments.listing import Page, PaymentState, on_account_of, page_of_payments
from billing.payments.models import InvoiceRefund, WriteOff, WriteOffReversal
from billing.payments.notations import Mark, decimal_mark, is_open, read_minor
from billing.payments.queries import (
    Allocation,
    allocations_of,
    issued_invoices,
    open_invoices,
    owed_to_client_of,
    refunds_on,
    reversals_of,
    unreversed_of,
    write_offs_in,
    write_offs_of,
)
from billing.payments.values import OpenInvoice, Part
from billing.statements.queries import checked_side
from governance.access import Actor
from governance.access_terms import Side
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.values import Money, known_currency, minor_digits

_FIELD = "pay-"
_THOUSANDTHS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the list asks for."""

    state: str = ""
    """None of those that there are is all of them."""
    find: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class InFavour:
    """An invoice below zero, and what of it was paid out."""

    invoice: FeeInvoice
    owed_minor: int
    """What is still to be paid out."""
    refunds: Sequence[InvoiceRefund]


@dataclass(frozen=True, slots=True)
class PaymentList:
    """The payments of an engagement and what is open there."""

    page: Page
    state: str
    find: str
    address: str
    """The list with its filters, without the place on it."""
    on_account: tuple[Money, ...]
    """By currency."""
    open_sums: tuple[Money, ...]
    invoices: Mapping[int, OpenInvoice]
    write_offs: tuple[WriteOff, ...]
    reversals: Mapping[int, Sequence[WriteOffReversal]]
    """By write-off, what was reversed of it or is proposed to be."""
    unreversed: Mapping[int, int]
    """Of approved write-offs, what isn't reversed, in minor units."""
    in_favour: Sequence[InFavour]

    @property
    def open(self) -> list[OpenInvoice]:
        """The invoices on which something is open."""
        return [one for one in self.invoices.values() if one.open_minor]


def payment_list(
    session: Session, actor: Actor, engagement: Engagement, asked: Asked
) -> PaymentList:
    """The payments by state and by words in debtor, text, references or number."""
    state = PaymentState(asked.state) if asked.state in set(PaymentState) else None
    page = page_of_payments(session, actor, engagement, state, asked.find, asked.start)
    invoices = open_invoices(
        session, engagement, write_offs=sees_write_offs(session, actor, engagement)
    )
    write_offs = write_offs_in(session, actor, engagement)
    filters = {"standing": state.value if state else "", "find": asked.find}
    said = urlencode({name: text for name, text in filters.items() if text})
    return PaymentList(
        page,
        filters["standing"],
        asked.find,
        f"{engagement_path(engagement.reference, 'payments')}?{said}" + ("&" if said else ""),
        on_account_of(session, engagement),
        _sums((one.currency, one.open_minor) for one in invoices),
        {one.id: one for one in invoices},
        write_offs,
        _by_write_off(reversals_of(session, {one.invoice_id for one in write_offs})),
        unreversed_of(session, write_offs),
        _in_favour(session, engagement),
    )


def _in_favour(session: Session, engagement: Engagement) -> list[InFavour]:
    invoices = [one for one in issued_invoices(session, engagement) if one.payable_minor < 0]
    owed = owed_to_client_of(session, invoices)
    refunds = refunds_on(session, owed)
    return [InFavour(one, owed[one.id], refunds[one.id]) for one in invoices]


def _by_write_off(
    reversals: Mapping[int, Sequence[WriteOffReversal]],
) -> Mapping[int, list[WriteOffReversal]]:
    found: dict[int, list[WriteOffReversal]] = {}
    for one in (row for rows in reversals.values() for row in rows):
        found.setdefault(one.write_off_id, []).append(one)
    return found


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
    reversals: Sequence[WriteOffReversal]
    refunds: Sequence[InvoiceRefund]


def sees_write_offs(session: Session, actor: Actor, engagement: Engagement) -> bool:
    """Whether what the provider gave up counts in the actor's view: to the client it doesn't."""
    return checked_side(session, actor, engagement) is not Side.CLIENT


def payments_of_invoice(
    session: Session, actor: Actor, engagement: Engagement, invoice_id: int
) -> InvoicePayments | None:
    """What was paid and written off of an invoice; None before it is issued.

    The caller has checked that the actor may see the invoice.
    """
    write_offs = sees_write_offs(session, actor, engagement)
    known = {one.id: one for one in open_invoices(session, engagement, write_offs=write_offs)}
    if invoice_id not in known:
        return None
    return InvoicePayments(
        known[invoice_id],
        allocations_of(session, [invoice_id])[invoice_id],
        write_offs_of(session, [invoice_id])[invoice_id],
        reversals_of(session, [invoice_id])[invoice_id],
        refunds_on(session, [invoice_id])[invoice_id],
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
