"""Money, rounding and periods: the values that every calculation shares."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import cache

from babel.numbers import get_currency_precision, is_currency

from governance.errors import BadInput, Problem

EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""Arithmetic context of all calculations: wide enough that no sum or product of
ledger amounts is rounded before the one rounding that a contract asks for."""


def round_half_up(value: Decimal, places: int) -> Decimal:
    """Round to `places` decimals, halves away from zero. The one rounding function.

    Negative `places` round to tens, hundreds and so on. Zero has no sign, so that no document
    ever states -0.00.
    """
    with localcontext(EXACT):
        rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return rounded or abs(rounded)


_CASH_ONLY = frozenset(
    ["AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"]
)
"""Currencies without small coins: ISO 4217 gives them two decimals all the same."""
_ISO_DIGITS = dict.fromkeys(_CASH_ONLY, 2) | {"IQD": 3}
"""Where the library has the decimals that people show, which aren't those that banks book."""


@cache
def minor_digits(currency: str) -> int:
    """Number of decimals of an ISO 4217 currency (EUR 2, JPY 0, KWD 3)."""
    return _ISO_DIGITS.get(currency, get_currency_precision(currency))


@cache
def known_currency(currency: str) -> bool:
    """Whether `currency` is an ISO 4217 code in upper case."""
    return len(currency) == 3 and currency.isupper() and bool(is_currency(currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to the smallest unit of its currency, half up."""
    return round_half_up(amount, minor_digits(currency))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole minor units (cents) of one currency, as tables store it."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> Money:
        """From a decimal amount, rounded half up to the currency's minor unit."""
        rounded = round_money(amount, currency)
        return cls(int(rounded.scaleb(minor_digits(currency))), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with all decimals of the currency."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))


def summed(amounts: Iterable[Decimal]) -> Decimal:
    """Their sum, unrounded; 0 without any."""
    return sum(amounts, Decimal(0))


def plain(value: Decimal) -> str:
    """Decimal as text without exponent and without needless zeros ("500", "34.5")."""
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def money_text(amount: Decimal, currency: str) -> str:
    """Amount as text with exactly the currency's decimals ("47.60")."""
    return format(round_money(amount, currency), "f")


def months_after(day: date, months: int) -> date:
    """The day so many months later, or before where negative; the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


_PERIOD = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A span of calendar days, both ends included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"period ends {self.end} before it starts {self.start}")

    @classmethod
    def month(cls, year: int, month: int) -> Period:
        """The calendar month."""
        return cls(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))

    @classmethod
    def months_ending(cls, end: date, months: int) -> Period:
        """`months` whole calendar months, the last one being the month of `end`."""
        index = end.year * 12 + end.month - months
        return cls(date(index // 12, index % 12 + 1, 1), cls.month(end.year, end.month).end)

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read "2013-06", "2013-Q2" or "2013".

        Raises BadInput for anything else.
        """
        match = _PERIOD.fullmatch(text.strip())
        if match is None or match["year"] == "0000":
            raise BadInput.one(
                Problem(
                    f"'{text}' is not a period",
                    allowed="a month as 2013-06, a quarter as 2013-Q2 or a year as 2013",
                )
            )
        year = int(match["year"])
        if match["month"]:
            return cls.month(year, int(match["month"]))
        if match["quarter"]:
            return cls.months_ending(date(year, int(match["quarter"]) * 3, 1), 3)
        return cls(date(year, 1, 1), date(year, 12, 31))

    @property
    def days(self) -> int:
        """Calendar days, both ends counted."""
        return (self.end - self.start).days + 1

    @property
    def label(self) -> str:
        """The shortest text that `parse` reads back, or "start/end" for other spans."""
        if self == Period.month(self.end.year, self.end.month):
            return f"{self.start:%Y-%m}"
        if self == Period(date(self.start.year, 1, 1), date(self.start.year, 12, 31)):
            return f"{self.start:%Y}"
        if self.end.month % 3 == 0 and self == Period.months_ending(self.end, 3):
            return f"{self.start:%Y}-Q{self.end.month // 3}"
        return f"{self.start}/{self.end}"

    def contains(self, day: date) -> bool:
        """Whether `day` lies in the period."""
        return self.start <= day <= self.end

    def overlap(self, first: date | None, last: date | None) -> Period | None:
        """The part of the period from `first` to `last` (None is unbounded), or None."""
        start = max(self.start, first) if first else self.start
        end = min(self.end, last) if last else self.end
        return Period(start, end) if start <= end else None

    def months(self) -> Iterator[Period]:
        """The calendar months that the period touches, oldest first."""
        day = self.start.replace(day=1)
        while day <= self.end:
            month = Period.month(day.year, day.month)
            yield month
            day = month.end + timedelta(days=1)

    def previous(self) -> Period:
        """The period of the same kind before this one (month, quarter, year)."""
        months = len(list(self.months()))
        return Period.months_ending(self.start - timedelta(days=1), months)

    def following(self) -> Period:
        """The period of the same kind after this one (month, quarter, year)."""
        months = len(list(self.months()))
        index = self.end.year * 12 + self.end.month - 1 + months
        return Period.months_ending(date(index // 12, index % 12 + 1, 1), months)
