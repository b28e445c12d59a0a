"""Ageing: cases worked out by hand, and totals that add up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from billing.statements.ageing import Bucket, ageing, bucket_of, totals
from billing.statements.values import Account
from tests.billing.statements.accounts import account, accounts_by_chance
from tests.paths import CASES

_TEXT = (CASES / "ageing.yaml").read_text("utf-8")
_CASES: list[dict[str, Any]] = yaml.load(_TEXT, yaml.BaseLoader)  # noqa: S506 (it makes only text)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_cases(case: Mapping[str, Any]) -> None:
    found = ageing(account(case), date.fromisoformat(case.get("day", "2026-06-30"))).sums
    assert [found.buckets[one] for one in Bucket] == [Decimal(one) for one in case["buckets"]]
    assert found.disputed == Decimal(case.get("disputed", "0"))
    assert found.in_favour == Decimal(case.get("in_favour", "0"))
    assert found.on_account == Decimal(case.get("on_account", "0"))
    assert found.charges == Decimal(case.get("charges_open", "0"))
    assert found.balance == Decimal(case["balance"])


@given(st.integers(-1000, 1000))
def test_a_bucket_has_the_days_that_its_name_says(days: int) -> None:
    name = bucket_of(days).value
    if days <= 0:
        assert name == "not_due"
    elif days > 90:
        assert name == "over_90"
    else:
        first, last = map(int, name.split("-"))
        assert first <= days <= last


@given(
    found=st.lists(accounts_by_chance(), max_size=3),
    day=st.dates(date(2025, 12, 1), date(2028, 1, 1)),
)
def test_buckets_and_disputed_amounts_add_up_to_what_is_open(
    found: list[Account], day: date
) -> None:
    aged = [ageing(one, day) for one in found]
    for one in aged:
        assert one.sums.open == sum((row.open for row in one.invoices), Decimal(0))
        assert all(0 <= row.disputed <= row.open for row in one.invoices)
        assert one.sums.disputed == sum((row.disputed for row in one.invoices), Decimal(0))
    in_all = totals(aged)
    assert set(in_all) == ({"EUR"} if found else set())
    for sums in in_all.values():
        assert sums.open == sum((one.sums.open for one in aged), Decimal(0))
        assert sums.balance == sum((one.sums.balance for one in aged), Decimal(0))
