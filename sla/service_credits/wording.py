"""How the sentences beside a service credit are worded."""

from __future__ import annotations

from decimal import Decimal

from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel
from governance.values import plain, round_half_up, round_money
from sla.measurements.values import Status

_MOST_DECIMALS = 12


def amount_words(amount: Decimal, currency: str) -> str:
    """Amount with the currency's decimals and its thousands set apart ("100,000.00")."""
    return f"{round_money(amount, currency):,f}"


def percent_words(percent: Decimal) -> str:
    """Percentage as a person writes it ("10%")."""
    return f"{plain(percent)}%"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th … 21st."""
    suffix = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{suffix or 'th'}"


def number_words(value: Decimal) -> str:
    """A value with the decimals it was stated or rounded to, at most twelve, without exponent."""
    if int(value.as_tuple().exponent) < -_MOST_DECIMALS:
        return plain(round_half_up(value, _MOST_DECIMALS))
    return format(value or abs(value), "f")


def counted(number: Decimal | int, noun: str) -> str:
    """ "1 day", "2 days", "0.5 days"."""
    text = plain(Decimal(number))
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"


def clause_words(level: ServiceLevel) -> str:
    """The clause that promises the service level, or its id where no clause is stated."""
    return level.id if level.clause == "not stated" else level.clause


def stated_or(clause: str, level: ServiceLevel) -> str:
    """A clause of its own, or the service level's where none is stated."""
    return clause_words(level) if clause == "not stated" else clause


def comparison(
    level: ServiceLevel, direction: Direction, value: Decimal | None, status: Status
) -> str:
    """What was found against what was promised ("74.2 is below the minimum 75.0")."""
    if status is Status.EXCUSED:
        return "taken out by an approved exclusion"
    if value is None:
        return "no evidence, so neither met nor missed"
    found, expected = number_words(value), number_words(level.expected)
    if status is Status.MET:
        return f"{found} meets the expected {expected}"
    worse = "below" if direction is Direction.HIGHER_IS_BETTER else "above"
    if status is Status.BELOW_MINIMUM and level.minimum is not None:
        return f"{found} is {worse} the minimum {number_words(level.minimum)}"
    text = f"{found} is {worse} the expected {expected}"
    if level.minimum is not None:
        text += f" and within the minimum {number_words(level.minimum)}"
    return text
