"""Which values of an index series move a charge's prices, and from which days on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import median_low

from billing.charges.span import Span
from billing.charges.values import IndexValue
from governance.contract.charges import Indexation
from governance.errors import BadInput, Problem
from governance.values import Period, months_after

_YEAR = 12


@dataclass(frozen=True, slots=True)
class IndexSeries:
    """The values of one index, oldest first, each from its day on."""

    name: str
    values: tuple[IndexValue, ...] = ()

    def on(self, day: date) -> IndexValue | None:
        """The value that holds on a day; None before the first, and where the next is overdue.

        A value holds until the next, and at most as long as those before it usually did: where
        November's value of a monthly series is missing, October's isn't taken for it. One value
        alone holds on.
        """
        position = bisect_right(self.values, day, key=lambda value: value.since)
        if not position:
            return None
        known = self.values[:position]
        months = _months_between(known)
        overdue = months is not None and day >= months_after(known[-1].since, months)
        return None if overdue else known[-1]

    @property
    def text(self) -> str:
        """What there is, for messages."""
        if not self.values:
            return f"no value of {self.name}"
        first, last = self.values[0].since, self.values[-1].since
        return f"values from {first} on, the last from {last}"


def _months_between(values: Sequence[IndexValue]) -> int | None:
    """Months from one value to the next, as a rule; None with fewer than two values."""
    gaps = [
        (later.year - earlier.year) * _YEAR + later.month - earlier.month
        for earlier, later in pairwise(value.since for value in values)
    ]
    return max(median_low(gaps), 1) if gaps else None


def changes_for(
    charge: str, terms: Indexation, span: Span, starts: date, series: IndexSeries
) -> tuple[IndexValue, ...]:
    """What the index of a charge stands at, oldest first, as `price_index` takes it.

    `every: month` takes the value that holds on the month's first day, less the lag. `every:
    year` keeps the contract's prices until the first anniversary of the engagement's start
    (`starts`) after the charge's first day; from each anniversary on holds the value of that day,
    less the lag. The 29 February has its anniversaries on the 28th in other years.
    The method `prior` needs every change since the charge's first day.

    Raises BadInput for the first value that is missing.
    Source: the contract language, section "Charges".
    """
    agreed: tuple[IndexValue, ...] = ()
    if terms.every == "year":
        agreed = (IndexValue(span.first, terms.base),)
        days = tuple(_anniversaries(starts, Period(span.first, span.active.end)))
    else:
        days = tuple(_months(span.first, span.active.end))
    needed = days if terms.method == "prior" else _last_known(days, span.active)
    return _without_repeats((*agreed, *(_value(charge, terms, day, series) for day in needed)))


def _without_repeats(values: Sequence[IndexValue]) -> tuple[IndexValue, ...]:
    """Only the values that differ from the one before: equal ones change nothing."""
    pairs = zip(values[1:], values, strict=False)
    return (*values[:1], *(later for later, earlier in pairs if later.value != earlier.value))


def _anniversaries(starts: date, days: Period) -> Iterator[date]:
    """The anniversaries after the first of the days, up to the last."""
    for year in range(days.start.year, days.end.year + 1):
        day = months_after(starts, (year - starts.year) * _YEAR)
        if days.start < day <= days.end:
            yield day


def _months(first: date, last: date) -> Iterator[date]:
    """The first day of the charge, and of every later month."""
    yield first
    yield from (month.start for month in Period(first, last).months() if month.start > first)


def _last_known(days: Sequence[date], active: Period) -> tuple[date, ...]:
    """The last of the days up to the start of the active ones, and those within."""
    before = [day for day in days if day <= active.start][-1:]
    return (*before, *(day for day in days if active.start < day <= active.end))


def _value(charge: str, terms: Indexation, day: date, series: IndexSeries) -> IndexValue:
    """What the index stands at for prices from `day` on."""
    looked_up = _looked_up(terms, day)
    found = series.on(looked_up)
    if found is None:
        raise BadInput.one(_missing(charge, terms, day, looked_up, series))
    return IndexValue(day, found.value)


def _looked_up(terms: Indexation, day: date) -> date:
    """The day whose index counts from `day` on."""
    if terms.every == "month":
        day = day.replace(day=1)
    return months_after(day, -terms.lag_months)


def _missing(
    charge: str, terms: Indexation, day: date, looked_up: date, series: IndexSeries
) -> Problem:
    month = f"{looked_up:%Y-%m}"
    lag = f", {terms.lag_months} months before" if terms.lag_months else ""
    return Problem(
        f"charge {charge} follows the index {series.name}, and evidence has no value of it for"
        f" {month}: its prices from {day} on need that{lag}",
        column="indices",
        found=series.text,
        allowed=f"the dataset indices with a row series {series.name}, from"
        f" {looked_up.replace(day=1)}, and the value of {month}; repeat a value that hasn't"
        " changed",
    )
