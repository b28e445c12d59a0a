"""The twelve calendar months that annual caps and annual fees are taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from governance.values import Period
from sla.service_credits.values import PeriodResults, ServiceCredits

_MONTHS = 12


@dataclass(frozen=True, slots=True)
class LastTwelveMonths:
    """What lies in the twelve calendar months that end with a period."""

    before: tuple[ServiceCredits, ...]
    """The earlier periods that end within them."""
    base: Decimal
    """The credit bases of those and of the period itself."""


def last_twelve_months(
    results: PeriodResults, earlier: Sequence[ServiceCredits]
) -> LastTwelveMonths:
    """The year that ends with the results' period, as far as `earlier` knows it."""
    span = Period.months_ending(results.period.end, _MONTHS)
    before = tuple(each for each in earlier if span.contains(each.period.end))
    return LastTwelveMonths(before, sum((each.base for each in before), results.charges))
