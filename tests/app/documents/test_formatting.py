from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.documents.formatting import (
    amount,
    day,
    figure,
    iban,
    measured,
    money,
    number,
    percent,
    period,
    price,
    short_period,
)
from governance.values import Period


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1234.5", "EUR", "EUR 1,234.50"),
        ("-2380.58", "EUR", "EUR −2,380.58"),
        ("0.005", "EUR", "EUR 0.01"),
        ("1234567", "JPY", "JPY 1,234,567"),
        ("1.2345", "KWD", "KWD 1.235"),
        ("1234567890123456789012345678.12", "EUR", "EUR 1,234,567,890,123,456,789,012,345,678.12"),
    ],
)  # fmt: skip
def test_money_names_its_currency_and_keeps_its_decimals(
    value: str, currency: str, text: str
) -> None:
    assert money(Decimal(value), currency).replace("\u00a0", " ") == text


def test_nothing_is_a_dash_and_never_a_zero() -> None:
    assert {money(None, "EUR"), number(None), percent(None), measured(None, "%", "EUR")} == {"–"}


@pytest.mark.parametrize(
    ("value", "text"),
    [("1000", "1,000"), ("1E+3", "1,000"), ("0.50", "0.5"), ("1234.5678", "1,234.5678")],
)
def test_number_keeps_all_its_decimals(value: str, text: str) -> None:
    assert number(Decimal(value)) == text


def test_figure_stops_after_six_decimals() -> None:
    assert figure(Decimal("34.51234567")) == "34.512346"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("85.0", "%", "85.0%"),
        ("45.0", "days", "45.0 days"),
        ("1200", "currency", "EUR 1,200.00"),
        ("3", "", "3"),
        ("34.51234567", "days", "34.512346 days"),
    ],
)
def test_measured_values_keep_the_decimals_they_were_rounded_to(
    value: str, unit: str, text: str
) -> None:
    assert measured(Decimal(value), unit, "EUR").replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("label", "long", "short"),
    [
        ("2013-02", "February 2013", "Feb 13"),
        ("2013-Q2", "Q2 2013", "Q2 13"),
        ("2013", "2013", "2013"),
    ],
)
def test_periods_in_words(label: str, long: str, short: str) -> None:
    value = Period.parse(label)
    assert period(value).replace("\u00a0", " ") == long
    assert short_period(value) == short


def test_other_spans_show_both_days() -> None:
    span = Period(date(2013, 2, 1), date(2013, 3, 14))
    assert period(span).replace("\u00a0", " ") == "1 Feb 2013 – 14 Mar 2013"


def test_small_formats() -> None:
    assert price(Decimal("0.0812"), "EUR") == "0.0812"
    assert price(Decimal("0.6"), "EUR") == "0.60"
    assert amount(Decimal(5), "EUR") == "5.00"
    assert day(date(2013, 2, 5)).replace("\u00a0", " ") == "5 Feb 2013"
    assert iban("IE29 AIBK93115212345678").replace("\u00a0", " ") == "IE29 AIBK 9311 5212 3456 78"
