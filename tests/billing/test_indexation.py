"""Prices that follow an index."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.values import IndexValue, Usage
from billing.indexation import indexed_price, price_index
from governance.contract.charges import Indexation
from governance.errors import BadInput
from governance.values import EXACT, Period, round_money

JANUARY = Period.month(2026, 1)
_PRICES = st.decimals(min_value=0, max_value=10_000, places=2)
_INDICES = st.decimals(min_value="0.1", max_value=500, places=1)


@given(_PRICES, _INDICES, _INDICES, st.decimals(min_value=0, max_value=20, places=1))
def test_a_cap_limits_the_rise_only(
    price: Decimal, index: Decimal, base: Decimal, cap: Decimal
) -> None:
    capped = Indexation(series="HICP", base=base, cap_percent=cap)
    free = Indexation(series="HICP", base=base)
    with localcontext(EXACT):
        most = price * (100 + cap) / 100
        expected = min(indexed_price(price, free, index, "EUR"), most)
    assert indexed_price(price, capped, index, "EUR") == expected


@given(_PRICES, _INDICES, _INDICES)
def test_prior_gives_a_price_that_one_can_print(
    price: Decimal, index: Decimal, base: Decimal
) -> None:
    indexed = indexed_price(
        price, Indexation(series="HICP", base=base, method="prior"), index, "EUR"
    )
    assert indexed == round_money(indexed, "EUR")


@given(st.dates(JANUARY.start, JANUARY.end), _INDICES, _INDICES)
def test_a_change_counts_for_the_days_that_it_holds(
    day: date, first: Decimal, second: Decimal
) -> None:
    changes = (IndexValue(JANUARY.start, first), IndexValue(day, second))
    usage = Usage(JANUARY, index_changes={"HICP": changes})
    prices = price_index("CH", Indexation(series="HICP", base=Decimal(1)), usage, JANUARY, "EUR")
    assert sum(part.days for part in prices.parts) == JANUARY.days
    with localcontext(EXACT):
        assert min(first, second) <= prices.of(Decimal(1)) <= max(first, second)


def test_names_the_series_that_are_given() -> None:
    usage = Usage(JANUARY, indices={"CPI": Decimal(1)})
    with pytest.raises(BadInput, match="given are: CPI"):
        price_index("CH", Indexation(series="HICP", base=Decimal(1)), usage, JANUARY, "EUR")


def test_an_empty_list_of_values_is_refused() -> None:
    usage = Usage(JANUARY, index_changes={"HICP": ()})
    with pytest.raises(BadInput, match="an empty list"):
        price_index("CH", Indexation(series="HICP", base=Decimal(1)), usage, JANUARY, "EUR")
