"""Invoice numbers from the contract's pattern."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.numbering import check_pattern, invoice_number, starts_anew_each_year
from governance.contract.number_patterns import may_print_alike
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


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("{year}-{sequence:05}", "CN-{year}-{sequence:05}", False),
        ("R-{year}-{sequence}", "R-{year}-{sequence:05}", True),
        ("R-{year}{sequence:05}", "R-20{sequence:07}", True),
        ("R{sequence}", "R0{sequence}", False),
        ("R{sequence:02}", "R0{sequence}", True),
        ("{year}/{month}/{sequence:03}", "{year}/{sequence:02}/{month}", False),
        ("{year}/{month}/{sequence:02}", "{year}/{sequence:02}/{month}", True),
        ("A{sequence}", "A{sequence}B", False),
        ("{sequence:06}", "26{sequence:04}", True),
    ],
)
def test_patterns_that_may_print_one_number(one: str, other: str, alike: bool) -> None:
    assert may_print_alike(one, other) is may_print_alike(other, one) is alike


_PARTS = st.lists(st.sampled_from(["{year}", "{sequence}", "{sequence:03}", "-", "2", "R"]))


@given(_PARTS, _PARTS, st.integers(1, 3000), st.integers(1, 3000))
def test_what_prints_one_number_is_found(
    one: list[str], other: list[str], first: int, second: int
) -> None:
    patterns = ["".join([*parts, "/{sequence}"]) for parts in (one, other)]
    printed = {
        invoice_number(pattern, ISSUED, sequence)
        for pattern, sequence in zip(patterns, (first, second), strict=True)
    }
    assert may_print_alike(*patterns) or len(printed) == 2


def test_counting_starts_anew_where_the_number_names_the_year() -> None:
    assert starts_anew_each_year("CW-{year}-{sequence}")
    assert not starts_anew_each_year("CW-{sequence}")


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 12))
def test_different_sequences_give_different_numbers(first: int, second: int, width: int) -> None:
    pattern = f"A{{sequence:0{width}}}"
    same = invoice_number(pattern, ISSUED, first) == invoice_number(pattern, ISSUED, second)
    assert same is (first == second)
