"""Money, rounding and periods."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import BadInput
from governance.values import (
    Money,
    Period,
    known_currency,
    money_text,
    plain,
    round_half_up,
    round_money,
)

AMOUNTS = st.decimals(-(10**12), 10**12, places=6)
DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))
LABELLED = st.builds(
    lambda day, months: Period.months_ending(
        day.replace(month=12 if months == 12 else (day.month - 1) // months * months + months),
        months,
    ),
    DAYS.map(lambda day: day.replace(day=1)),
    st.sampled_from([1, 3, 12]),
)


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("2.345", 2, "2.35"),
        ("-2.345", 2, "-2.35"),
        ("2.3449999", 2, "2.34"),
        ("0.5", 0, "1"),
        ("1250", -2, "1.3E+3"),
        ("7", 2, "7.00"),
    ],
)
def test_halves_are_rounded_away_from_zero(value: str, places: int, rounded: str) -> None:
    assert str(round_half_up(Decimal(value), places)) == rounded


@given(AMOUNTS, st.integers(0, 6))
def test_rounding_moves_by_half_a_unit_at_most(value: Decimal, places: int) -> None:
    rounded = round_half_up(value, places)
    assert abs(rounded - value) <= Decimal("0.5").scaleb(-places)
    assert round_half_up(rounded, places) == rounded
    assert round_half_up(-value, places) == -rounded


@pytest.mark.parametrize(
    ("value", "places", "text"), [("-0.004", 2, "0.00"), ("-0", 1, "0.0"), ("-4", -1, "0E+1")]
)
def test_zero_has_no_sign(value: str, places: int, text: str) -> None:
    assert str(round_half_up(Decimal(value), places)) == text
    assert money_text(Decimal("-0.001"), "EUR") == "0.00"
    assert plain(Decimal("-0.0")) == "0"


@pytest.mark.parametrize(
    ("currency", "text"), [("EUR", "1234.57"), ("JPY", "1235"), ("KWD", "1234.568")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, text: str) -> None:
    amount = Decimal("1234.5675")
    assert money_text(amount, currency) == text
    assert str(round_money(amount, currency)) == text


@pytest.mark.parametrize(
    ("code", "known"), [("EUR", True), ("eur", False), ("EU", False), ("QQQ", False)]
)
def test_currencies(code: str, known: bool) -> None:
    assert known_currency(code) is known


@given(AMOUNTS, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_keeps_the_rounded_amount(amount: Decimal, currency: str) -> None:
    money = Money.of(amount, currency)
    assert money.amount == round_money(amount, currency)
    assert Money.of(money.amount, currency) == money


@pytest.mark.parametrize(
    ("value", "text"),
    [("500", "500"), ("34.50", "34.5"), ("1E+3", "1000"), ("-0.00", "0"), ("1E-7", "0.0000001")],
)
def test_plain_has_no_exponent_and_no_needless_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(AMOUNTS)
def test_plain_reads_back(value: Decimal) -> None:
    assert Decimal(plain(value)) == value


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2013-06", "2013-06-01", "2013-06-30"),
        ("2012-02", "2012-02-01", "2012-02-29"),
        ("2013-Q1", "2013-01-01", "2013-03-31"),
        ("2013-Q4", "2013-10-01", "2013-12-31"),
        (" 2013 ", "2013-01-01", "2013-12-31"),
    ],
)
def test_periods_are_read(text: str, start: str, end: str) -> None:
    period = Period.parse(text)
    assert period == Period(date.fromisoformat(start), date.fromisoformat(end))
    assert period.label == text.strip()


@pytest.mark.parametrize("text", ["", "2013-13", "2013-6", "0000", "2013-Q5", "13", "2013-06-01"])
def test_other_texts_are_no_periods(text: str) -> None:
    with pytest.raises(BadInput, match="is not a period; allowed: a month as 2013-06"):
        Period.parse(text)


def test_a_period_ends_after_it_starts() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Period(date(2013, 1, 2), date(2013, 1, 1))


@given(LABELLED)
def test_labels_read_back_and_neighbours_meet(period: Period) -> None:
    assert Period.parse(period.label) == period
    assert period.previous().following() == period
    assert period.previous().end + timedelta(days=1) == period.start
    assert period.following().start - timedelta(days=1) == period.end


@given(DAYS, st.integers(0, 1200))
def test_months_cover_the_period_without_gaps(start: date, length: int) -> None:
    period = Period(start, start + timedelta(days=length))
    months = list(period.months())
    assert all(each == Period.month(each.start.year, each.start.month) for each in months)
    parts = [month.overlap(period.start, period.end) for month in months]
    assert sum(part.days for part in parts if part) == period.days == length + 1


@given(DAYS, st.integers(1, 36))
def test_months_ending_counts_whole_months(end: date, months: int) -> None:
    period = Period.months_ending(end, months)
    assert len(list(period.months())) == months
    assert period.contains(end)
    assert period.start.day == 1


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (None, None, 30),
        (date(2013, 6, 16), None, 15),
        (None, date(2013, 6, 10), 10),
        (date(2013, 6, 10), date(2013, 6, 10), 1),
        (date(2013, 7, 1), None, None),
        (None, date(2013, 5, 31), None),
    ],
)
def test_overlap(first: date | None, last: date | None, days: int | None) -> None:
    part = Period.month(2013, 6).overlap(first, last)
    assert (part.days if part else None) == days
