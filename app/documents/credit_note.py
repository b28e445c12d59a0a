"""The credit note as PDF, with the invoice's look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.documents.formatting import NARROW, money, number, price
from app.documents.invoice import TaxCurrencyNote, TotalRow, address
from app.documents.language import gettext as _
from app.documents.language import in_language
from app.documents.log_state import log_state
from app.documents.rendering import html_to_pdf, render_html
from app.documents.wording import tax_column, tax_note, tax_total
from billing.charges.values import TaxLine
from billing.e_invoices.taxes import allowance_reason
from billing.invoices.fee_document import FeeDocument, FeeLine, FeeTax
from governance.audit.checkpoints import Checkpoint

UNDATED = date(1970, 1, 1)
"""Stands in the metadata of a draft, which has no date yet."""


@dataclass(frozen=True, slots=True)
class CreditedRow:
    """One numbered line of the credit note."""

    title: str
    reference: str
    """Id and clause that the invoice's line rests on."""
    of_invoice: int
    """Position of the invoice's line."""
    whole: bool
    tax: str
    amount: Decimal


def render_credit_note(
    document: FeeDocument, log: Checkpoint | None, xml: bytes | None = None
) -> bytes:
    """The credit note as tagged PDF; the same input gives the same bytes.

    Amounts stand as they were credited: nothing is computed or rounded here. `xml` is the
    electronic credit note to embed, which says the same.
    """
    with in_language(document.language):
        html = render_html("credit_note.html", credit_note_context(document, log))
    dated = document.issued_on or UNDATED
    return html_to_pdf(html, ("invoice.css", "credit_note.css"), dated, xml=xml, accessible=True)


def credit_note_context(document: FeeDocument, log: Checkpoint | None) -> dict[str, Any]:
    """What the template shows."""
    taxes = tuple(map(_tax_line, document.taxes))
    return {
        "heading": _("Credit note {number}").format(number=document.number or _("draft")),
        "document": document,
        "settlement": document,
        "engagement": {
            "reference": document.engagement,
            "title": document.title,
            "provider": document.seller,
            "client": document.buyer,
        },
        "currency": document.currency,
        "lines": tuple(map(_row, document.lines)),
        "totals": tuple(_totals(document, taxes)),
        "tax_notes": tuple(dict.fromkeys(filter(None, map(tax_note, taxes)))),
        "closing": TotalRow(_("To your credit"), document.currency, document.payable),
        "tax_currency": _declared(document),
        "provider_address": address(document.seller),
        "client_address": address(document.buyer),
        "log": log_state(log),
    }


def _declared(document: FeeDocument) -> TaxCurrencyNote | None:
    """All taxes in the currency that they are declared in, by the invoice's rate."""
    stated = document.tax_currency
    if stated is None:
        return None
    rate = f"1 {document.currency} = {number(stated.rate)} {stated.currency}"
    return TaxCurrencyNote(
        taxes=(),
        total=money(stated.tax, stated.currency),
        rate=rate.replace(" ", NARROW),
        on=stated.rate_on,
        source=stated.source,
    )


def _row(line: FeeLine) -> CreditedRow:
    clause = "" if line.clause == "not stated" else f" · {line.clause}"
    return CreditedRow(
        title=line.title,
        reference=f"{line.charge}{clause}",
        of_invoice=line.corrects_position or line.position,
        whole=line.unit != "part",
        tax=tax_column(line.tax.category, line.tax.rate),
        amount=line.amount,
    )


def _tax_line(tax: FeeTax) -> TaxLine:
    stated = tax.tax
    return TaxLine(
        stated.category,
        stated.rate,
        tax.base,
        tax.amount,
        stated.reason,
        code=stated.code,
        name=stated.name,
    )


def _totals(document: FeeDocument, taxes: tuple[TaxLine, ...]) -> Iterator[TotalRow]:
    """From what is credited to the total; what the client gets back stands below."""
    yield TotalRow(_("Credited"), "", document.subtotal)
    for share in document.allowances:
        reason = allowance_reason(share, document.language)
        lapsed = _("{reason}, lapsed").format(reason=reason)
        yield TotalRow(lapsed, "", -share.amount)
    if document.service_credit:
        yield TotalRow(_("Net amount"), "", document.net)
    for tax in taxes:
        base = _("on {base}").format(base=price(tax.base, document.currency))
        yield TotalRow(tax_total(tax), base, tax.amount)
    withheld = bool(document.withholding)
    yield TotalRow(_("Total"), "", document.total, strong=withheld)
    if withheld:
        yield TotalRow(_("Tax that you withheld"), "", -document.withholding)
