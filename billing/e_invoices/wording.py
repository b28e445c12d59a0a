"""The few sentences that electronic invoices state besides figures, in the document's language."""

from __future__ import annotations

from typing import Final

from governance.translations import marked, translated

_TEXTS: Final = {
    "clause": marked("Clause"),
    "no_charges": marked("No charges in this period"),
    "quantity": marked("Quantity: {quantity} {unit}"),
    "late": marked("Rows of {late} that came after its figures were sealed"),
    "restatement": marked("Makes good restatement {restatement}"),
    "corrects_line": marked("Takes back line {position} of {number}"),
    "set_off": marked("Set off against open invoices or paid back"),
    "withheld": marked(
        "The client withholds {withheld} in tax; the seller is paid {payable} of the amount due."
    ),
    "withheld_before": marked(
        "The client had withheld {withheld} of it in tax; {payable} are given back."
    ),
    "tax_currency": marked("Tax: {tax} at {rate} {currency} for 1 {of} on {rate_on} ({source})."),
    "sales_tax": marked("Sales tax"),
    "outside_vat": marked("Outside the scope of value added tax"),
}


def say(language: str, what: str, **given: object) -> str:
    """A sentence with its figures; English where the language has no texts."""
    return translated(_TEXTS[what], language).format(**given)
