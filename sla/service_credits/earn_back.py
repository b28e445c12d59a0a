"""Credits that the provider wins back by good months.

Source: the contract language, section "Service credits", `earn_back`. The non-cash form is in
`sla.service_credits.balance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice

from governance.contract.kpi_signature import Direction
from governance.contract.service_credits import EarnBack, EarnBackForm
from governance.contract.service_levels import ServiceLevel
from governance.values import Period, round_half_up, round_money, summed
from sla.measurements.statuses import status_of
from sla.measurements.values import Status
from sla.service_credits.assessment import Assessment, Case, better
from sla.service_credits.values import EarnedBack, ServiceCredits
from sla.service_credits.wording import (
    amount_words,
    clause_words,
    number_words,
    percent_words,
)


def earned_back(
    terms: EarnBack,
    cases: Mapping[str, Case],
    so_far: Sequence[ServiceCredits],
    engagement_starts: date,
) -> tuple[EarnedBack, ...]:
    """What comes back in the last of the periods, each credit at most once and never in excess.

    `met` and `exceeded`: `percent` of a credit comes back when the service level was met (or
    better than expected) in all of the `months` months that follow it; a period without data,
    excused or missing is neither. A service level that is judged by the quarter or year has to be
    in as many of them as it takes for so many months. `yearly_average`: years of `months` months
    are counted from the start of the engagement; in the last period of each, the mean of the
    year's values, rounded as the service level's values are, is held against `expected`, and
    where it is met `percent` of the year's credits comes back.

    `so_far` has the credits of all periods so far, the last included. Amounts are rounded half up
    to the currency. Only credits of misses come back, not those of persistent failures and
    milestones; one that lapsed unclaimed was never given. What came back under an earlier version
    of the contract doesn't come back again.
    """
    if terms.form is EarnBackForm.YEARLY_AVERAGE:
        return tuple(_by_yearly_average(terms, cases, so_far, engagement_starts))
    return tuple(_by_good_periods(terms, cases, so_far))


def _by_good_periods(
    terms: EarnBack, cases: Mapping[str, Case], so_far: Sequence[ServiceCredits]
) -> Iterator[EarnedBack]:
    exceeded = terms.form is EarnBackForm.EXCEEDED
    good = "better than expected" if exceeded else "met"
    by_period = {each.period: each for each in so_far}
    for level_id, case in cases.items():
        needed = case.judgements_in(terms.months)
        row = list(islice(case.consecutive(), needed + 1))
        if len(row) > needed and all(_is_good(case, each, exceeded=exceeded) for each in row[:-1]):
            achieved = f"{good} in the {needed} periods since"
            of_miss = [by_period[row[-1].period]]
            yield from _returned(terms, case, _Returning(level_id, of_miss, so_far), achieved)


def _is_good(case: Case, assessment: Assessment, *, exceeded: bool) -> bool:
    if assessment.status is not Status.MET or assessment.value is None:
        return False
    return not exceeded or better(case.direction, assessment.value, assessment.expected)


def _by_yearly_average(
    terms: EarnBack,
    cases: Mapping[str, Case],
    so_far: Sequence[ServiceCredits],
    engagement_starts: date,
) -> Iterator[EarnedBack]:
    year = _year_ending(so_far[-1].period, engagement_starts, terms.months)
    if year is None:
        return
    of_year = [each for each in so_far if year.contains(each.period.end)]
    for level_id, case in cases.items():
        mean = _mean_value(case, year)
        if mean is not None and _is_met(case.level, case.direction, mean):
            achieved = (
                f"the average of {year.label}, {number_words(mean)},"
                f" meets the expected {number_words(case.level.expected)}"
            )
            yield from _returned(terms, case, _Returning(level_id, of_year, so_far), achieved)


def _year_ending(period: Period, engagement_starts: date, months: int) -> Period | None:
    """The year of so many months that closes with the period; None within a year."""
    elapsed = (period.end.year - engagement_starts.year) * 12 + period.end.month
    elapsed -= engagement_starts.month - 1
    closes = elapsed > 0 and elapsed % months == 0
    return Period.months_ending(period.end, months) if closes else None


def _mean_value(case: Case, year: Period) -> Decimal | None:
    values = [
        assessment.value
        for assessment in case.timeline
        if assessment.value is not None
        and assessment.counts
        and year.contains(assessment.period.end)
    ]
    if not values:
        return None
    mean = summed(values) / len(values)
    # A mean of unrounded values may not end, so six decimals stand in for "unrounded".
    return round_half_up(mean, 6 if case.level.round_to is None else case.level.round_to)


def _is_met(level: ServiceLevel, direction: Direction, value: Decimal) -> bool:
    return status_of(value, level.expected, level.minimum, direction) is Status.MET


@dataclass(frozen=True, slots=True)
class _Returning:
    """The credits of a service level that come back, among all that were given."""

    level_id: str
    of: Sequence[ServiceCredits]
    so_far: Sequence[ServiceCredits]

    def left(self, given: ServiceCredits) -> Decimal:
        """What of a period's credit hasn't come back yet."""
        back = (
            each.amount
            for later in self.so_far
            for each in later.earn_backs
            if (each.service_level, each.period) == (self.level_id, given.period)
        )
        return max(Decimal(0), given.counted_of(self.level_id) - summed(back))


def _returned(
    terms: EarnBack, case: Case, returning: _Returning, achieved: str
) -> Iterator[EarnedBack]:
    for given in returning.of:
        credit = given.counted_of(returning.level_id)
        share = round_money(credit * terms.percent / Decimal(100), case.currency)
        amount = min(share, returning.left(given))
        if amount:
            yield EarnedBack(
                service_level=returning.level_id,
                period=given.period,
                amount=amount,
                why=(
                    f"{clause_words(case.level)}: {achieved}, so {percent_words(terms.percent)} of"
                    f" the credit of {given.period.label} comes back,"
                    f" {amount_words(amount, case.currency)}"
                ),
            )
