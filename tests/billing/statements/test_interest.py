"""Interest for late payment: cases worked out by hand, and what always holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.values import IndexValue
from billing.indexation_series import IndexSeries
from billing.statements.interest import NOT_LATE, LateInterest, first_day_late, late_interest
from billing.statements.values import Receivable
from governance.contract.invoicing import LatePayment
from governance.errors import BadInput
from governance.values import round_money
from tests.billing.statements.accounts import receivable, receivables_by_chance
from tests.paths import CASES

_TEXT = (CASES / "late_interest.yaml").read_text("utf-8")
_CASES: list[dict[str, Any]] = yaml.load(_TEXT, yaml.BaseLoader)  # noqa: S506 (it makes only text)
_SERIES = IndexSeries(
    "base rate",
    tuple(
        IndexValue(date(year, month, 1), Decimal(month) / 8 - 1)
        for year in (2025, 2026, 2027, 2028)
        for month in (1, 7)
    ),
)
_TERMS = st.builds(
    LatePayment,
    rate_percent=st.integers(0, 2000).map(lambda rate: Decimal(rate) / 100),
    above=st.sampled_from([None, "base rate"]),
    flat=st.sampled_from([Decimal(0), Decimal("40.00")]),
    grace_days=st.integers(0, 30),
    day_count=st.sampled_from([365, 360]),
)
_UNTIL = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def _terms(case: Mapping[str, Any]) -> LatePayment:
    return LatePayment.model_validate({"rate_percent": "9"} | case.get("terms", {}))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_cases(case: Mapping[str, Any]) -> None:
    values = tuple(
        IndexValue(date.fromisoformat(day), Decimal(value)) for day, value in case.get("series", ())
    )
    series = IndexSeries("base rate", values) if values else None
    until = date.fromisoformat(case["until"])
    currency = case.get("currency", "EUR")
    found = late_interest(_terms(case), receivable(case), until, currency, series)
    assert [
        [one.first.isoformat(), one.last.isoformat(), str(one.amount), str(one.rate)]
        for one in found.stretches
    ] == [[*one[:3], str(Decimal(one[3]))] for one in _printed(case, found)]
    assert found.interest == Decimal(case["interest"])
    assert found.lump_sum == Decimal(case.get("lump_sum", "0"))


def _printed(case: Mapping[str, Any], found: LateInterest) -> list[list[str]]:
    """The case's stretches with the rates as they came out, where they are equal numbers."""
    expected = case.get("stretches", [])
    assert len(expected) == len(found.stretches)
    pairs = zip(expected, found.stretches, strict=True)
    return [
        [*given_[:3], str(one.rate) if Decimal(given_[3]) == one.rate else given_[3]]
        for given_, one in pairs
    ]


def test_a_day_without_a_value_of_the_index_is_named() -> None:
    terms = LatePayment(rate_percent=Decimal(9), above="base rate")
    with pytest.raises(BadInput, match="no value of it for 2026-04-01"):
        late_interest(terms, receivable({}), date(2026, 4, 30), "EUR")
    overdue = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1))
    series = IndexSeries("base rate", tuple(IndexValue(day, Decimal(1)) for day in overdue))
    with pytest.raises(BadInput, match="no value of it for 2026-05-02"):
        late_interest(terms, receivable({}), date(2026, 5, 2), "EUR", series)
    assert late_interest(terms, receivable({}), date(2026, 3, 31), "EUR") is NOT_LATE


@given(invoice=receivables_by_chance(), terms=_TERMS, until=_UNTIL)
def test_interest_is_never_negative_and_follows_its_stretches(
    invoice: Receivable, terms: LatePayment, until: date
) -> None:
    found = late_interest(terms, invoice, until, "EUR", _SERIES)
    exact = sum((one.product for one in found.stretches), Decimal(0)) / (100 * terms.day_count)
    assert found.interest == round_money(exact, "EUR") >= 0
    assert found.lump_sum in {Decimal(0), terms.flat}
    for one in found.stretches:
        assert first_day_late(terms, invoice.due_on) <= one.first <= one.last <= until
        assert one.amount > 0
    for earlier, later in zip(found.stretches, found.stretches[1:], strict=False):
        assert earlier.last < later.first


@given(invoice=receivables_by_chance(), terms=_TERMS, days=st.integers(1, 500))
def test_every_day_more_costs_as_much_or_more(
    invoice: Receivable, terms: LatePayment, days: int
) -> None:
    """Credit notes and disputes apart: they look back."""
    plain = replace(invoice, effects=(), contested=())
    earlier, later = (
        late_interest(terms, plain, invoice.due_on + timedelta(days=each), "EUR", _SERIES)
        for each in (days, days + 1)
    )
    assert earlier.interest <= later.interest
    assert earlier.lump_sum <= later.lump_sum


@given(invoice=receivables_by_chance(), terms=_TERMS, cut=_UNTIL, until=_UNTIL)
def test_splitting_a_span_loses_nothing_before_rounding(
    invoice: Receivable, terms: LatePayment, cut: date, until: date
) -> None:
    cut, until = sorted((cut, until))
    plain = replace(invoice, effects=(), contested=())
    whole = late_interest(terms, plain, until, "EUR", _SERIES)
    first = late_interest(terms, plain, cut, "EUR", _SERIES)
    rest = sum(
        (
            replace(one, first=max(one.first, cut + timedelta(days=1))).product
            for one in whole.stretches
            if one.last > cut
        ),
        Decimal(0),
    )
    exact = sum((one.product for one in whole.stretches), Decimal(0))
    assert sum((one.product for one in first.stretches), Decimal(0)) + rest == exact


@given(invoice=receivables_by_chance(), terms=_TERMS, until=_UNTIL)
def test_paid_on_time_costs_nothing(invoice: Receivable, terms: LatePayment, until: date) -> None:
    paid = receivable({"payable": "100.00", "paid": [["2026-03-31", "100.00"]]})
    settled = replace(paid, due_on=max(invoice.due_on, date(2026, 3, 31)))
    assert late_interest(terms, settled, until, "EUR", _SERIES) is NOT_LATE
