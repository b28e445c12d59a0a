"""One-off credits for critical milestones that are late.

Owed by a day = the amount once late, and so much for every day late, at most the maximum.
Source: the contract language, section "Service credits", key `milestones`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from governance.contract.service_credits import MilestoneCredit, ServiceCreditTerms
from governance.values import Period, round_money, summed
from sla.service_credits.values import MilestoneLate, PeriodResults, ServiceCredits
from sla.service_credits.wording import amount_words, counted

_NOTHING = Decimal(0)
_ONE_DAY = timedelta(days=1)


def late_milestones(
    terms: ServiceCreditTerms,
    results: PeriodResults,
    reached: Mapping[str, date],
    earlier: Sequence[ServiceCredits],
    currency: str,
) -> tuple[MilestoneLate, ...]:
    """What late milestones cost in a period, before any cap, rounded half up to the currency.

    A milestone is late from the day after its due day until the day on which it is reached, that
    day included. What the period costs is what is owed by its end, less what was owed by the
    period before: the amount falls into the period with the day after the due day, every day
    late into its own. Days between two periods fall into the later one; days before the first
    period that there is belong to none. `reached` are the days as far as the period knows them;
    one after its end is still open. What was credited before is never credited again, also where
    an amendment moves the due day; what a cap cut off is lost.
    """
    days = Period(_first_day(results.period, earlier), results.period.end)
    found = (
        _late(milestone, _Lateness(milestone, reached.get(milestone.id)), days, earlier, currency)
        for milestone in terms.milestones
    )
    return tuple(each for each in found if each is not None)


def reached_so_far(earlier: Mapping[str, date], results: PeriodResults) -> dict[str, date]:
    """The milestones known to be reached; a later period's word counts."""
    return {**earlier, **results.milestones}


def _first_day(period: Period, earlier: Sequence[ServiceCredits]) -> date:
    return earlier[-1].period.end + _ONE_DAY if earlier else period.start


@dataclass(frozen=True, slots=True)
class _Lateness:
    terms: MilestoneCredit
    reached: date | None

    def days(self, until: date) -> int:
        """Days late by a day, that day included."""
        last = until if self.reached is None else min(until, self.reached)
        return max((last - self.terms.due).days, 0)

    def owed(self, until: date) -> Decimal:
        """All that it costs by a day, before any cap."""
        late = self.days(until)
        if not late:
            return _NOTHING
        owed = self.terms.amount + self.terms.per_day * late
        return owed if self.terms.maximum is None else min(owed, self.terms.maximum)


def _late(
    milestone: MilestoneCredit,
    lateness: _Lateness,
    days: Period,
    earlier: Sequence[ServiceCredits],
    currency: str,
) -> MilestoneLate | None:
    owed = lateness.owed(days.end)
    before = summed(_credited(milestone.id, earlier))
    since = min(owed - lateness.owed(days.start - _ONE_DAY), owed - before)
    credit = round_money(max(since, _NOTHING), currency)
    if not credit:
        return None
    return MilestoneLate(
        id=milestone.id,
        title=milestone.title,
        days_late=lateness.days(days.end),
        before_cap=credit,
        credit=credit,
        why=_why(milestone, lateness, days.end, credit, currency),
    )


def _credited(milestone_id: str, earlier: Sequence[ServiceCredits]) -> Iterator[Decimal]:
    for given in earlier:
        for late in given.milestones:
            if late.id == milestone_id:
                yield late.before_cap


def _why(
    milestone: MilestoneCredit, lateness: _Lateness, end: date, credit: Decimal, currency: str
) -> str:
    late, reached = lateness.days(end), lateness.reached
    clause = milestone.id if milestone.clause == "not stated" else milestone.clause
    is_open = reached is None or reached > end
    state = f"is still open on {end}" if is_open else f"was reached on {reached}"
    owed = lateness.owed(end)
    text = (
        f"{clause}: {milestone.title}, due on {milestone.due}, {state},"
        f" {counted(late, 'day')} late; {_sum_words(milestone, late, currency)}"
    )
    if milestone.maximum is not None and milestone.maximum == owed:
        text += f", at most {amount_words(milestone.maximum, currency)}"
    if round_money(owed, currency) != credit:
        text += f"; {amount_words(credit, currency)} of it falls into this period"
    return text


def _sum_words(milestone: MilestoneCredit, late: int, currency: str) -> str:
    parts = []
    if milestone.amount:
        parts.append(amount_words(milestone.amount, currency))
    if milestone.per_day:
        parts.append(f"{counted(late, 'day')} × {amount_words(milestone.per_day, currency)}")
    total = milestone.amount + milestone.per_day * late
    if milestone.per_day:
        parts.append(f"= {amount_words(total, currency)}")
    return " + ".join(parts).replace(" + =", " =")
