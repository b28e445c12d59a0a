"""Prices that follow an index."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.values import IndexValue, Usage
from billing.indexation import compounded_price, price_index
from governance.contract.charges import Indexation
from governance.errors import BadInput
from governance.values import EXACT, Period, round_money

JANUARY = Period.month(2026, 1)
_PRICES = st.decimals(min_value=0, max_value=10_000, places=2)
_INDICES = st.decimals(min_value="0.1", max_value=500, places=1)
_LISTS = st.lists(_INDICES, min_size=1, max_size=5)
_CAPS = st.decimals(min_value=0, max_value=20, places=1)


def _terms(**terms: Any) -> Indexation:
    return Indexation.model_validate({"series": "HICP", "base": "100"} | terms)


def _values(*values: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


@given(_PRICES, _INDICES, _INDICES, _CAPS)
def test_a_cap_limits_the_rise_only(
    price: Decimal, index: Decimal, base: Decimal, cap: Decimal
) -> None:
    capped, free = _terms(base=base, cap_percent=cap), _terms(base=base)
    with localcontext(EXACT):
        most = price * (100 + cap) / 100
        expected = min(compounded_price(price, free, (index,), "EUR"), most)
    assert compounded_price(price, capped, (index,), "EUR") == expected


@given(_PRICES, _LISTS, _INDICES)
def test_prior_gives_a_price_that_one_can_print(
    price: Decimal, indices: list[Decimal], base: Decimal
) -> None:
    indexed = compounded_price(price, _terms(base=base, method="prior"), indices, "EUR")
    assert indexed == round_money(indexed, "EUR")


@given(_PRICES, _LISTS, _CAPS)
def test_prior_is_one_change_after_another(
    price: Decimal, indices: list[Decimal], cap: Decimal
) -> None:
    stepwise, base = price, Decimal(100)
    for index in indices:
        terms = _terms(base=base, method="prior", cap_percent=cap)
        stepwise, base = compounded_price(stepwise, terms, (index,), "EUR"), index
    terms = _terms(method="prior", cap_percent=cap)
    assert compounded_price(price, terms, indices, "EUR") == stepwise


@given(_PRICES, _LISTS, _CAPS)
def test_what_is_carried_over_never_lowers_a_price(
    price: Decimal, indices: list[Decimal], cap: Decimal
) -> None:
    with_it, without = (
        compounded_price(
            price, _terms(method="prior", cap_percent=cap, carry_over=carried), indices, "EUR"
        )
        for carried in (True, False)
    )
    assert with_it >= without


@given(_PRICES, _INDICES, st.decimals(min_value=0, max_value=100, places=0))
def test_a_share_lies_between_the_old_price_and_the_whole_change(
    price: Decimal, index: Decimal, share: Decimal
) -> None:
    whole = compounded_price(price, _terms(), (index,), "EUR")
    part = compounded_price(price, _terms(share_percent=share), (index,), "EUR")
    assert min(price, whole) <= part <= max(price, whole)


@given(st.dates(JANUARY.start, JANUARY.end), _INDICES, _INDICES)
def test_a_change_counts_for_the_days_that_it_holds(
    day: date, first: Decimal, second: Decimal
) -> None:
    changes = (IndexValue(JANUARY.start, first), IndexValue(day, second))
    usage = Usage(JANUARY, index_changes={"HICP": changes})
    prices = price_index("CH", _terms(base="1"), usage, JANUARY, "EUR")
    assert sum(part.days for part in prices.parts) == JANUARY.days
    with localcontext(EXACT):
        assert min(first, second) <= prices.of(Decimal(1)) <= max(first, second)


# 1000.00 throughout; the base is 100 where nothing else stands.
_PRICED: list[tuple[str, dict[str, Any], tuple[str, ...], str, str]] = [
    ("the check of the language", {"base": "110.0"}, ("112.2",), "1020.00", "112.2 / 110.0"),
    ("the base looks at the last index only", {}, ("110", "105"), "1050.00", "105 / 100"),
    # 1000 × 1.03 = 1030.00; 1030 × 104 / 103 = 1040.00
    ("compounded", {"method": "prior"}, ("103", "104"), "1040.00", "103 / 100, then × 104 / 103"),
    # 1000 × 1.001 / 3 … 333.67; 333.67 × 3 = 1001.01, where the unrounded price makes 1001.00
    (
        "on the rounded price",
        {"base": "300", "method": "prior"},
        ("100.1", "300.3"),
        "1001.01",
        "100.1 / 300, then × 300.3 / 100.1",
    ),
    # 1000 × 1.03; then 105 → 107.1 are 2 %: 1030 × 1.02
    (
        "a cap for each change",
        {"method": "prior", "cap_percent": 3},
        ("105", "107.1"),
        "1050.60",
        "1.03, as 105 / 100 is held to 3 %, then × 107.1 / 105",
    ),
    # 2 % of 5 % are carried to the 2 % of the next change, 3 % of 4 % count, and 1 % is left.
    (
        "what the cap cut off is added to the next change",
        {"method": "prior", "cap_percent": 3, "carry_over": True},
        ("105", "107.1"),
        "1060.90",
        (
            "1.03, as 105 / 100 is held to 3 %, 2 % carried over,"
            " then × 1.03, as 107.1 / 105 + 2 % carried over is held to 3 %, 1 % carried over"
        ),
    ),
    # 1000 × 1.03; then −4 % and 2 % carried over make −2 %: 1030 × 0.98
    (
        "and softens a fall",
        {"method": "prior", "cap_percent": 3, "carry_over": True},
        ("105", "100.8"),
        "1009.40",
        (
            "1.03, as 105 / 100 is held to 3 %, 2 % carried over,"
            " then × (100.8 / 105 + 2 % carried over)"
        ),
    ),
    # Nothing is carried from a change that is exactly at its cap.
    (
        "exactly at the cap",
        {"method": "prior", "cap_percent": 5, "carry_over": True},
        ("105", "110.25"),
        "1102.50",
        "105 / 100, then × 110.25 / 105",
    ),
    # What was carried is used up after one change: 5 % (2 % left), 0 % (2 % used), 1 %.
    (
        "what was carried counts once",
        {"method": "prior", "cap_percent": 3, "carry_over": True},
        ("105", "105", "106.05"),
        "1061.11",
        (
            "1.03, as 105 / 100 is held to 3 %, 2 % carried over, then × (105 / 105 + 2 % carried"
            " over), then × 106.05 / 105"
        ),
    ),
    # Falls aren't capped, nor is what is left of them carried.
    (
        "a fall is not limited",
        {"method": "prior", "cap_percent": 3, "carry_over": True},
        ("90",),
        "900.00",
        "90 / 100",
    ),
    # 1 + 0.6 × 0.05 = 1.03
    (
        "a share of the change",
        {"share_percent": 60},
        ("105",),
        "1030.00",
        "(1 + 60 % of (105 / 100 − 1))",
    ),
    ("a share of a fall", {"share_percent": 60}, ("95",), "970.00", "(1 + 60 % of (95 / 100 − 1))"),
    # 60 % of 10 % are 6 %, held to 5 %: the share comes before the cap.
    (
        "the share comes before the cap",
        {"share_percent": 60, "cap_percent": 5},
        ("110",),
        "1050.00",
        "1.05, as (1 + 60 % of (110 / 100 − 1)) is held to 5 %",
    ),
    (
        "a share of nothing",
        {"share_percent": 0},
        ("150",),
        "1000.00",
        "(1 + 0 % of (150 / 100 − 1))",
    ),
    ("a cap of nothing", {"cap_percent": 0}, ("150",), "1000.00", "1, as 150 / 100 is held to 0 %"),
    (
        "the base has no carrying over: its cap holds over all",
        {"cap_percent": 3, "carry_over": True},
        ("105", "101"),
        "1010.00",
        "101 / 100",
    ),
    # Of a share, the cap cuts off less: 50 % of 10 % are 5 %, 2 % carried over.
    (
        "share, cap and carrying over",
        {"method": "prior", "share_percent": 50, "cap_percent": 3, "carry_over": True},
        ("110", "110"),
        "1050.60",
        (
            "1.03, as (1 + 50 % of (110 / 100 − 1)) is held to 3 %, 2 % carried over,"
            " then × ((1 + 50 % of (110 / 110 − 1)) + 2 % carried over)"
        ),
    ),
]


@pytest.mark.parametrize(
    ("terms", "indices", "price", "text"),
    [case[1:] for case in _PRICED],
    ids=[case[0] for case in _PRICED],
)
def test_prices(terms: dict[str, Any], indices: tuple[str, ...], price: str, text: str) -> None:
    days = [date(2025, month, 1) for month in range(1, len(indices) + 1)]
    values = tuple(
        IndexValue(day, index) for day, index in zip(days, _values(*indices), strict=True)
    )
    usage = Usage(JANUARY, charge_indices={"CH": values})
    prices = price_index("CH", _terms(**terms), usage, JANUARY, "EUR")
    assert round_money(prices.of(Decimal("1000.00")), "EUR") == Decimal(price)
    assert prices.text == f"prices × {text} (HICP)"


def test_a_compounded_change_within_the_period_is_split_by_days() -> None:
    """20 days at 1030.00 and 11 at 1030.00 × 104 / 103 = 1040.00."""
    changes = (
        IndexValue(date(2025, 1, 21), Decimal(103)),
        IndexValue(date(2026, 1, 21), Decimal(104)),
    )
    usage = Usage(JANUARY, index_changes={"HICP": changes})
    prices = price_index("CH", _terms(method="prior"), usage, JANUARY, "EUR")
    with localcontext(EXACT):
        expected = (20 * Decimal(1030) + 11 * Decimal(1040)) / 31
    assert prices.of(Decimal("1000.00")) == expected
    assert prices.text == (
        "prices × 103 / 100 for 20 days and 103 / 100, then × 104 / 103 for 11 days (HICP)"
    )


def test_a_long_row_of_changes_tells_the_last_ones() -> None:
    changes = tuple(
        IndexValue(date(2025, month, 1), Decimal(100 + month)) for month in range(1, 10)
    )
    usage = Usage(JANUARY, index_changes={"HICP": changes})
    text = price_index("CH", _terms(method="prior"), usage, JANUARY, "EUR").text
    assert text.startswith("prices × 3 earlier factors, then × 104 / 103, then × 105 / 104")
    assert text.endswith("then × 109 / 108 (HICP)")


def test_a_charges_own_index_comes_before_that_of_the_series() -> None:
    own = (IndexValue(JANUARY.start, Decimal(110)),)
    usage = Usage(JANUARY, indices={"HICP": Decimal(120)}, charge_indices={"CH-1": own})
    prices = [
        price_index(charge, _terms(), usage, JANUARY, "EUR").of(Decimal(100))
        for charge in ("CH-1", "CH-2")
    ]
    assert prices == [110, 120]


def test_a_yen_price_is_rounded_to_yen_unless_it_is_written_with_more() -> None:
    terms = _terms(method="prior")
    assert compounded_price(Decimal(1005), terms, _values("103"), "JPY") == 1035
    assert compounded_price(Decimal("10.5"), terms, _values("103"), "JPY") == Decimal("10.8")


def test_names_the_series_that_are_given() -> None:
    usage = Usage(JANUARY, indices={"CPI": Decimal(1)})
    with pytest.raises(BadInput, match="given are: CPI"):
        price_index("CH", _terms(base="1"), usage, JANUARY, "EUR")


def test_an_empty_list_of_values_is_refused() -> None:
    usage = Usage(JANUARY, index_changes={"HICP": ()})
    with pytest.raises(BadInput, match="an empty list"):
        price_index("CH", _terms(base="1"), usage, JANUARY, "EUR")
