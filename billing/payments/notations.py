"""Amounts and days as banks and spreadsheets write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from babel.numbers import get_currency_symbol

from governance.values import minor_digits

_SPACES = re.compile(r"[\s\u00a0\u202f'’]")
_WORDS = re.compile(r"^[A-Z€$£¥]{1,3}|[A-Z€$£¥]{1,3}$", re.IGNORECASE)
_BESIDE = re.compile(r"[A-Z]+|[€$£¥]", re.IGNORECASE)
_GROUPED = {
    mark: re.compile(
        rf"\d{{1,3}}(?:{re.escape(other)}\d{{3}})*(?:{re.escape(mark)}\d*)?|\d+"
        rf"(?:{re.escape(mark)}\d*)?"
    )
    for mark, other in ((",", "."), (".", ","))
}
_LARGEST_MINOR = 10**15


class Mark(StrEnum):
    """What stands before the decimals."""

    COMMA = ","
    POINT = "."


class DayOrder(StrEnum):
    """How days are written where the year doesn't come first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


def bare(text: str) -> tuple[int, str]:
    """Sign and unsigned figure: "-1.234,50", "1.234,50-", "(1,234.50)", "EUR 5", "5 €"."""
    figure = _SPACES.sub("", text).replace("−", "-")
    negative = figure.startswith("(") and figure.endswith(")")
    figure = figure.strip("()") if negative else figure
    for _ in range(2):
        # A sign may stand before or behind the currency.
        if figure[:1] in {"-", "+"} or figure[-1:] in {"-", "+"}:
            negative ^= "-" in figure[:1] + figure[-1:]
            figure = figure.strip("+-")
        figure = _WORDS.sub("", figure)
    return (-1 if negative else 1), figure


def decimal_mark(texts: Iterable[str]) -> Mark | None:
    """The mark that the amounts of a column tell of; None where they leave it open.

    An amount with both marks, or with one that is followed by other than three digits, decides.
    Raises ValueError where they contradict each other.
    """
    told = {mark for mark in (_told(bare(text)[1]) for text in texts) if mark}
    if len(told) > 1:
        raise ValueError("some amounts have a decimal comma and others a decimal point")
    return told.pop() if told else None


def _told(figure: str) -> Mark | None:
    comma, point = figure.rfind(","), figure.rfind(".")
    if comma >= 0 and point >= 0:
        return Mark.COMMA if comma > point else Mark.POINT
    for mark in Mark:
        count = figure.count(mark)
        if count > 1:
            return Mark.POINT if mark is Mark.COMMA else Mark.COMMA
        if count == 1 and len(figure) - figure.index(mark) - 1 != 3:
            return mark
    return None


def is_open(text: str) -> bool:
    """Whether an amount reads differently by either mark: "1.234" alone says nothing."""
    figure = bare(text)[1]
    return _told(figure) is None and any(mark in figure for mark in Mark)


def read_minor(text: str, currency: str, mark: Mark) -> int:
    """An amount in minor units, with its sign; ValueError where it is none.

    Nothing is rounded: more decimals than the currency has are refused, unless they are zeros. So
    is a word or sign beside the figure that isn't the currency's: "5.00 USD", "12,00 S".
    """
    if any(not _names(word, currency) for word in _BESIDE.findall(text)):
        raise ValueError(f"this is no amount in {currency}")
    sign, figure = _pointed(text, mark)
    return sign * minor_of(figure, currency)


def read_decimal(text: str, mark: Mark) -> Decimal:
    """A quantity, price or rate with all its decimals and its sign; ValueError where it is none."""
    sign, figure = _pointed(text.rstrip("% "), mark)
    if not re.fullmatch(r"\d{1,18}(\.\d{0,12})?", figure, re.ASCII):
        raise ValueError("this is no number")
    return sign * Decimal(figure)


def _pointed(text: str, mark: Mark) -> tuple[int, str]:
    """Sign and unsigned figure with a decimal point; ValueError where it isn't written so."""
    sign, figure = bare(text)
    if not _GROUPED[mark].fullmatch(figure) or not figure[:1].isdigit():
        raise ValueError("this is no amount")
    other = "." if mark is Mark.COMMA else ","
    return sign, figure.replace(other, "").replace(mark, ".")


def _names(word: str, currency: str) -> bool:
    symbol = get_currency_symbol(currency, "en")
    return word.upper() == currency or symbol.endswith(word)


def minor_of(figure: str, currency: str) -> int:
    """An unsigned figure with a decimal point in minor units; ValueError as above."""
    if not re.fullmatch(r"\d{1,18}(\.\d*)?", figure, re.ASCII):
        raise ValueError("this is no amount")
    scaled = Decimal(figure).scaleb(minor_digits(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{currency} has {minor_digits(currency)} decimals")
    if scaled > _LARGEST_MINOR:
        raise ValueError("this amount is too large")
    return int(scaled)


def read_day(text: str, order: DayOrder) -> date:
    """A day as 2026-03-31, 20260331, 31.03.2026, 31/3/26 or by month first; ValueError for others.

    What can't be by the order, but can by the other, isn't guessed.
    """
    bare_text = text.strip()[:10].rstrip("T")
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", bare_text, re.ASCII):
        return date.fromisoformat(bare_text)
    if re.fullmatch(r"\d{8}", bare_text, re.ASCII):
        return datetime.strptime(bare_text, "%Y%m%d").date()  # noqa: DTZ007 (a day, no moment)
    found = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})", bare_text, re.ASCII)
    if found is None:
        raise ValueError("this is no day")
    first, second, year = (int(part) for part in found.groups())
    # By the dot the day always comes first.
    if order is DayOrder.MONTH_FIRST and "." not in bare_text:
        first, second = second, first
    return date(year + 2000 if year < 100 else year, second, first)
