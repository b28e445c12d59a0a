"""The few sentences that electronic invoices state besides figures, in the document's language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from governance.translations import ENGLISH, marked, translated
from governance.values import EXACT, minor_digits, money_text, plain

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


def said_amount(amount: Decimal, currency: str, language: str) -> str:
    """An amount in a sentence: "EUR 1234.50", in German "1.234,50 EUR"."""
    if language == ENGLISH:
        return f"{currency} {money_text(amount, currency)}"
    figures = _figures(amount, minor_digits(currency), language)
    first = Locale.parse(language).currency_formats["standard"].pattern.startswith("¤")
    return f"{currency} {figures}" if first else f"{figures} {currency}"


def said_number(value: Decimal, language: str) -> str:
    """A number with all its decimals, by the language's mark."""
    text = plain(value)
    return text if language == ENGLISH else _figures(value, len(text.partition(".")[2]), language)


def said_day(day: date, language: str) -> str:
    """A day: "2026-02-27", in German "27.02.2026"."""
    return day.isoformat() if language == ENGLISH else format_date(day, "medium", locale=language)


def _figures(value: Decimal, places: int, language: str) -> str:
    pattern = "#,##0" + ("." + "0" * places if places else "")
    with localcontext(EXACT):
        return format_decimal(value, pattern, locale=language)
