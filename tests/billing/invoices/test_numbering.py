"""Invoice numbers from the contract's pattern."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.numbering import check_pattern, invoice_number, starts_anew_each_year
from governance.errors import BadInput

ISSUED = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("CW-{year}-{sequence:05}", "CW-2026-00017"),
        ("{year}/{sequence}", "2026/17"),
        ("{sequence:3}-{year}", "017-2026"),
        ("F{sequence:1}", "F17"),
        ("{year}{month}-{sequence:04}", "202603-0017"),
    ],
)
def test_a_pattern_is_filled(pattern: str, number: str) -> None:
    assert invoice_number(pattern, ISSUED, 17) == number


@pytest.mark.parametrize(
    "pattern",
    [
        "CW-{year}",
        "{sequence.__class__}",
        "{sequence!r}-{sequence}",
        "{sequence:>999999999}",
        "{sequence:100}",
        "{number}-{sequence}",
        "{sequence}}",
        "{{sequence}}",
    ],
)
def test_other_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(BadInput):
        check_pattern(pattern)


def test_counting_starts_anew_where_the_number_names_the_year() -> None:
    assert starts_anew_each_year("CW-{year}-{sequence}")
    assert not starts_anew_each_year("CW-{sequence}")


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 12))
def test_different_sequences_give_different_numbers(first: int, second: int, width: int) -> None:
    pattern = f"A{{sequence:0{width}}}"
    same = invoice_number(pattern, ISSUED, first) == invoice_number(pattern, ISSUED, second)
    assert same is (first == second)
