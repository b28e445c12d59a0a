"""Numbers, money and dates as people read them, for documents and pages alike.

Amounts carry their ISO currency code ("EUR 1,234.56"): a sign such as $ names several
currencies, and an invoice may not leave that open. Negative figures have a real minus sign.
Everything follows the locale of the document's language (see `app.documents.language`); another
one can be given.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from app.documents.language import gettext, language
from governance.values import EXACT, Period, minor_digits, plain, round_half_up

NARROW: Final = "\u00a0"
"""Space that never breaks, between a figure and its unit."""
NOTHING: Final = "–"
"""What stands where there is no figure; never a zero."""


def _locale(given: str | None) -> Locale:
    return Locale.parse(given or language())


def _decimals(value: Decimal, places: int, locale: str | None) -> str:
    pattern = "#,##0" + ("." + "0" * places if places else "")
    with localcontext(EXACT):
        text = format_decimal(round_half_up(value, places), pattern, locale=_locale(locale))
    return text.replace("-", "−", 1)


def number(
    value: Decimal | int | None, places: int | None = None, locale: str | None = None
) -> str:
    """A number with grouped thousands; all its decimals, or rounded half up to `places`."""
    if value is None:
        return NOTHING
    exact = Decimal(value)
    if places is None:
        places = len(plain(exact).partition(".")[2])
    return _decimals(exact, places, locale)


def figure(value: Decimal | None, locale: str | None = None) -> str:
    """A figure of a calculation: all its decimals, six at most, rounded half up."""
    return NOTHING if value is None else number(round_half_up(value, 6), locale=locale)


def amount(value: Decimal | None, currency: str, locale: str | None = None) -> str:
    """An amount with its currency's decimals and without the code, for columns."""
    return number(value, minor_digits(currency), locale)


def money(value: Decimal | None, currency: str, locale: str | None = None) -> str:
    """An amount with its ISO currency code, where the language has it: "EUR 1,234.56"."""
    if value is None:
        return NOTHING
    figures = amount(value, currency, locale)
    first = _locale(locale).currency_formats["standard"].pattern.startswith("¤")
    return f"{currency}{NARROW}{figures}" if first else f"{figures}{NARROW}{currency}"


def price(value: Decimal, currency: str, locale: str | None = None) -> str:
    """A unit price: at least the currency's decimals, more where it has more."""
    places = max(minor_digits(currency), len(plain(value).partition(".")[2]))
    return number(value, places, locale)


def percent(value: Decimal | None, places: int | None = None, locale: str | None = None) -> str:
    """A percentage that is already in percent: 19 becomes "19%", in German "19 %"."""
    if value is None:
        return NOTHING
    apart = "#,##0%" not in _locale(locale).percent_formats[None].pattern
    return f"{number(value, places, locale)}{NARROW if apart else ''}%"


def day(value: date, locale: str | None = None) -> str:
    """A date that reads the same on both sides of the Atlantic: "28 Feb 2013".

    Other languages than English have it as they are used to: "28.02.2013".
    """
    where = _locale(locale)
    pattern = "d MMM y" if where.language == "en" else "medium"
    return format_date(value, pattern, locale=where).replace(" ", NARROW)


def moment(value: datetime, locale: str | None = None) -> str:
    """A moment to the minute, in UTC: "2 March 2026, 09:30 UTC"."""
    return f"{day(value.date(), locale)}, {value:%H:%M} UTC"


def period(value: Period, locale: str | None = None) -> str:
    """A period in words: "February 2013", "Q2 2013", "2013" or "1 Feb 2013 – 14 Mar 2013"."""
    label = value.label
    if "/" in label:
        return f"{day(value.start, locale)} – {day(value.end, locale)}"
    if "Q" in label:
        return f"Q{value.end.month // 3}{NARROW}{value.end.year}"
    pattern = "y" if value.days > 31 else "MMMM y"
    return format_date(value.start, pattern, locale=_locale(locale)).replace(" ", NARROW)


def short_period(value: Period, locale: str | None = None) -> str:
    """A period for the axis of a chart: "Feb 13", "Q2 13", "2013"."""
    label = value.label
    if "Q" in label:
        return f"Q{value.end.month // 3} {value.end:%y}"
    if label == f"{value.start:%Y}":
        return label
    return format_date(value.end, "MMM yy", locale=_locale(locale))


def measured(
    value: Decimal | None,
    unit: str,
    currency: str,
    places: int | None = None,
    locale: str | None = None,
) -> str:
    """A KPI's value with its unit: "92.4%", "48.2 days", "EUR 1,200.00".

    It keeps the decimals that it was stated or rounded to, six at most.
    """
    if value is None:
        return NOTHING
    if places is None:
        places = min(len(format(value, "f").partition(".")[2]), 6)
    if unit in {"%", "percent"}:
        return percent(value, places, locale)
    if unit in {"currency", "amount", "money"}:
        return money(value, currency, locale)
    return f"{number(value, places, locale)}{NARROW}{gettext(words(unit))}".rstrip(NARROW)


def words(identifier: str) -> str:
    """An identifier as words: "invoices_issued" becomes "invoices issued"."""
    return identifier.replace("_", " ")


def sentence(text: str) -> str:
    """The text with a capital at its start, for findings that stand alone."""
    return text[:1].upper() + text[1:]


def digest(sha256: str) -> str:
    """The first twelve characters of a digest, enough to recognise it by eye."""
    return sha256[:12]


def country_name(code: str, locale: str | None = None) -> str:
    """The name of an ISO 3166 country, or the code where Babel has none."""
    return str(_locale(locale).territories.get(code, code))


def iban(value: str) -> str:
    """An IBAN in groups of four, as banks print it."""
    bare = "".join(value.split())
    return NARROW.join(bare[at : at + 4] for at in range(0, len(bare), 4))


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "amount": amount,
    "country": country_name,
    "day": day,
    "digest": digest,
    "figure": figure,
    "iban": iban,
    "measured": measured,
    "moment": moment,
    "money": money,
    "number": number,
    "percent": percent,
    "period": period,
    "price": price,
    "sentence": sentence,
    "short_period": short_period,
    "words": words,
}
"""Jinja filters, by name; the pages' environment takes the same."""
