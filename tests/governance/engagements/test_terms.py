"""The days of a role, for any two terms."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from governance.engagements.terms import Term

DAY = timedelta(days=1)
_DAYS = st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 20))
_TERMS = st.builds(Term, _DAYS, _DAYS).filter(
    lambda term: term.starts_on is None or not term.is_over(term.starts_on)
)


@given(_TERMS, _TERMS)
def test_terms_overlap_where_a_day_is_in_both(one: Term, other: Term) -> None:
    days = [date(2025, 12, 30) + number * DAY for number in range(30)]
    together = any(one.runs_on(day) and other.runs_on(day) for day in days)
    assert one.overlaps(other) == other.overlaps(one) == together


@given(_TERMS, _TERMS)
def test_a_term_is_within_another_where_it_adds_no_day(one: Term, other: Term) -> None:
    days = [date(2025, 12, 30) + number * DAY for number in range(30)]
    assert one.is_within(other) == all(other.runs_on(day) for day in days if one.runs_on(day))
