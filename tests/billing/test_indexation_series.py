"""Which published values move a charge's prices, and from when on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.charges.span import Span, span_of_engagement
from billing.charges.values import IndexValue
from billing.indexation_series import IndexSeries, changes_for
from governance.contract.charges import Indexation
from governance.contract.engagement import Engagement
from governance.errors import BadInput
from governance.values import Period


def _series(**values: str) -> IndexSeries:
    """By month (m2025_11) or day (d2025_11_15)."""
    days = {
        date(*(int(part) for part in (*name[1:].split("_"), "1")[:3])): Decimal(value)
        for name, value in values.items()
    }
    return IndexSeries("HICP", tuple(IndexValue(day, days[day]) for day in sorted(days)))


def _span(period: str, starts: str, charge_from: str | None = None) -> Span:
    party = {"name": "A", "country": "DE"}
    frame = {"reference": "E", "title": "E", "model": "full", "client": party, "provider": party}
    engagement = Engagement.model_validate(frame | {"currency": "EUR", "starts": starts})
    first = date.fromisoformat(charge_from) if charge_from else None
    span = span_of_engagement(engagement, Period.parse(period), first)
    assert span is not None
    return span


MONTHLY = _series(m2025_10="109", m2025_11="110", m2025_12="111", m2026_01="112", m2026_02="113")
YEARLY = _series(m2025_01="100", m2026_01="105", m2027_01="107.1")


@pytest.mark.parametrize(
    ("terms", "period", "starts", "charge_from", "series", "expected"),
    [
        # The month itself, or so many months before.
        ({}, "2026-01", "2026-01-01", None, MONTHLY, {"2026-01-01": "112"}),
        ({"lag_months": 2}, "2026-01", "2026-01-01", None, MONTHLY, {"2026-01-01": "110"}),
        # The method base needs the values of the period only, one a month.
        (
            {"lag_months": 2},
            "2026-Q1",
            "2025-01-01",
            None,
            MONTHLY,
            {"2026-01-01": "110", "2026-02-01": "111", "2026-03-01": "112"},
        ),
        # A charge that starts within a month takes that month's index from its first day on.
        ({}, "2026-01", "2026-01-15", None, MONTHLY, {"2026-01-15": "112"}),
        # prior needs every change since the charge's first day, not the engagement's.
        (
            {"method": "prior"},
            "2026-02",
            "2025-11-15",
            None,
            MONTHLY,
            {"2025-11-15": "110", "2025-12-01": "111", "2026-01-01": "112", "2026-02-01": "113"},
        ),
        (
            {"method": "prior"},
            "2026-02",
            "2024-01-01",
            "2026-01-01",
            MONTHLY,
            {"2026-01-01": "112", "2026-02-01": "113"},
        ),
        # A value that stays is no change.
        (
            {"method": "prior"},
            "2026-01",
            "2025-11-01",
            None,
            _series(m2025_11="110", m2025_12="110", m2026_01="110"),
            {"2025-11-01": "110"},
        ),
        # Until the first anniversary the contract's prices hold, at the base.
        ({"every": "year"}, "2026-12", "2026-01-01", None, YEARLY, {"2026-01-01": "100"}),
        # On it, the index of that day; the day before is still the old price.
        (
            {"every": "year"},
            "2027-01",
            "2026-01-01",
            None,
            YEARLY,
            {"2026-01-01": "100", "2027-01-01": "107.1"},
        ),
        # An anniversary within a month splits it.
        (
            {"every": "year"},
            "2027-01",
            "2026-01-16",
            None,
            YEARLY,
            {"2026-01-16": "100", "2027-01-16": "107.1"},
        ),
        # The lag counts from the anniversary: 16 January less one month is in 2026.
        (
            {"every": "year", "lag_months": 1},
            "2027-01",
            "2026-01-16",
            None,
            YEARLY,
            {"2026-01-16": "100", "2027-01-16": "105"},
        ),
        # A charge of its own first day begins at its contract price, and moves with the others.
        (
            {"every": "year", "method": "prior"},
            "2027-03",
            "2024-01-01",
            "2026-01-01",
            YEARLY,
            {"2026-01-01": "100", "2027-01-01": "107.1"},
        ),
        (
            {"every": "year", "method": "prior"},
            "2027-03",
            "2024-01-01",
            "2025-06-01",
            YEARLY,
            {"2025-06-01": "100", "2026-01-01": "105", "2027-01-01": "107.1"},
        ),
        # Monthly prices follow the value of the month's first day, whatever comes after it.
        (
            {},
            "2026-01",
            "2026-01-16",
            None,
            _series(d2026_01_01="1", d2026_01_02="2", d2026_01_10="3"),
            {"2026-01-16": "1"},
        ),
        # A year's prices follow the value of the anniversary itself.
        (
            {"every": "year"},
            "2027-01",
            "2026-01-16",
            None,
            _series(d2027_01_01="1", d2027_01_10="2", d2027_01_17="3"),
            {"2026-01-16": "100", "2027-01-16": "2"},
        ),
        # A leap day has its anniversaries on the 28th, and on the 29th every four years.
        (
            {"every": "year"},
            "2025-02",
            "2024-02-29",
            None,
            _series(m2025_02="103"),
            {"2024-02-29": "100", "2025-02-28": "103"},
        ),
    ],
)
def test_changes(
    terms: dict[str, Any],
    period: str,
    starts: str,
    charge_from: str | None,
    series: IndexSeries,
    expected: dict[str, str],
) -> None:
    found = changes_for(
        "CH-1",
        Indexation.model_validate({"series": "HICP", "base": "100"} | terms),
        _span(period, starts, charge_from),
        date.fromisoformat(starts),
        series,
    )
    assert {f"{change.since}": str(change.value) for change in found} == expected


@pytest.mark.parametrize(
    ("series", "day", "value"),
    [
        (MONTHLY, "2025-09-30", None),
        (MONTHLY, "2025-10-01", "109"),
        (MONTHLY, "2025-11-30", "110"),
        # A monthly series whose next value is overdue; until then the last one holds.
        (MONTHLY, "2026-02-28", "113"),
        (MONTHLY, "2026-03-01", None),
        # A hole in it isn't filled with the month before.
        (_series(m2025_10="1", m2025_11="2", m2026_01="3"), "2025-12-01", None),
        (_series(m2025_10="1", m2025_11="2", m2026_01="3"), "2026-01-01", "3"),
        # A yearly series holds for a year, one value alone for ever.
        (YEARLY, "2026-12-31", "105"),
        (YEARLY, "2027-12-31", "107.1"),
        (YEARLY, "2028-01-01", None),
        (_series(m2025_01="1"), "2040-01-01", "1"),
        # Several values within a month hold until the next, and for a month.
        (_series(d2025_01_01="1", d2025_01_15="2", d2025_01_20="3"), "2025-01-16", "2"),
        (_series(d2025_01_01="1", d2025_01_15="2", d2025_01_20="3"), "2025-02-19", "3"),
        (_series(d2025_01_01="1", d2025_01_15="2", d2025_01_20="3"), "2025-02-20", None),
        (IndexSeries("HICP"), "2025-01-01", None),
    ],
)
def test_the_value_that_holds_on_a_day(series: IndexSeries, day: str, value: str | None) -> None:
    found = series.on(date.fromisoformat(day))
    assert (None if found is None else str(found.value)) == value


def test_a_missing_value_is_told_with_what_to_hand_in() -> None:
    terms = Indexation.model_validate({"series": "HICP", "base": "100", "lag_months": 2})
    with pytest.raises(BadInput) as error:
        changes_for("CH-1", terms, _span("2026-05", "2026-01-01"), date(2026, 1, 1), MONTHLY)
    (problem,) = error.value.problems
    assert problem.what == (
        "charge CH-1 follows the index HICP, and evidence has no value of it for 2026-03: its"
        " prices from 2026-05-01 on need that, 2 months before"
    )
    assert problem.found == "values from 2025-10-01 on, the last from 2026-02-01"
    assert problem.allowed == (
        "the dataset indices with a row series HICP, from 2026-03-01, and the value of 2026-03;"
        " repeat a value that hasn't changed"
    )
    assert problem.column == "indices"
    without_lag = Indexation.model_validate({"series": "HICP", "base": "100"})
    with pytest.raises(BadInput) as error:
        changes_for(
            "CH-1",
            without_lag,
            _span("2026-05", "2026-01-01"),
            date(2026, 1, 1),
            IndexSeries("HICP"),
        )
    (problem,) = error.value.problems
    assert problem.found == "no value of HICP"
    assert problem.what.endswith("for 2026-05: its prices from 2026-05-01 on need that")
