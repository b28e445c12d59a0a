"""Which months a settlement looks at, and which months' credits come off its invoice."""

from __future__ import annotations

from collections.abc import Sequence

from billing.charges.commitment import calendar_year
from governance.contract.document import Contract
from governance.contract.service_credits import AtRiskPool, ServicePoints, Settle
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.service_credits.assessment import months_between_judgements
from sla.service_credits.values import ServiceCredits

_YEAR = 12


def months_until(contract: Contract, period: Period) -> tuple[Period, ...]:
    """The months to measure for a settled month: its history, oldest first, and the month itself.

    History starts with the engagement, and goes back two years at most, or as far as rolling
    windows and earn-backs of the contract reach on top of the annual cap's twelve months. With a
    yearly minimum commitment it starts with a calendar year, whose earlier fees count.

    Raises BadInput where the period is not a month, where the contract invoices other spans, and
    where the engagement doesn't run in the period.
    """
    _require_month(contract, period)
    engagement = contract.engagement
    if period.overlap(engagement.starts, engagement.ends) is None:
        ends = engagement.ends.isoformat() if engagement.ends else "open"
        raise BadInput.one(
            Problem(
                f"{period.label} lies outside the engagement {engagement.reference}",
                found=period.label,
                allowed=f"a month from {engagement.starts} to {ends}",
            )
        )
    back = _YEAR + max(_YEAR, _reach(contract))
    first = Period.months_ending(period.end, back + 1).start
    if _has_yearly_commitment(contract):
        first = calendar_year(first.year).start
    span = Period(max(first, engagement.starts), period.end)
    return tuple(span.months())


def earlier_in_year(
    contract: Contract, period: Period, months: Sequence[Period]
) -> tuple[Period, ...]:
    """The months before `period` whose fees count towards its yearly minimum commitment.

    Empty where the contract has no yearly commitment.
    """
    if not _has_yearly_commitment(contract):
        return ()
    year = calendar_year(period.end.year)
    return tuple(month for month in months if year.contains(month.end) and month.end < period.start)


def credits_coming_off(
    contract: Contract, given: Sequence[ServiceCredits]
) -> tuple[ServiceCredits, ...]:
    """Of the credits of all months so far, those that come off the last month's invoice.

    As `settle` says: the month's own; the month's before; or a calendar quarter's on its last
    month. On the last invoice of the engagement all that is still open comes off.
    Source: the contract language, section "Service credits", common keys.
    """
    terms = contract.service_credits
    if terms is None or not given:
        return ()
    period = given[-1].period
    ends = contract.engagement.ends
    is_last = ends is not None and ends <= period.end
    match terms.settle:
        case Settle.THIS_INVOICE:
            return tuple(given[-1:])
        case Settle.NEXT_INVOICE:
            return tuple(given[-2:] if is_last else given[-2:-1])
        case Settle.QUARTERLY:
            months = (period.end.month - 1) % 3 + 1
            return tuple(given[-months:]) if is_last or months == 3 else ()


def comes_off(contract: Contract, month: Period) -> Period:
    """The month whose invoice a month's service credit comes off, as `settle` says."""
    terms, ends = contract.service_credits, contract.engagement.ends
    is_last = ends is not None and ends <= month.end
    if terms is None or terms.settle is Settle.THIS_INVOICE or is_last:
        return month
    if terms.settle is Settle.NEXT_INVOICE:
        return month.following()
    last = month
    while last.end.month % 3 and not (ends is not None and ends <= last.end):
        last = last.following()
    return last


def _require_month(contract: Contract, period: Period) -> None:
    every = contract.invoicing.every
    if every != "month":
        raise BadInput.one(
            Problem(
                f"invoices by the {every} can't be settled yet",
                column="invoicing.every",
                found=every,
                allowed="month",
            )
        )
    if period != Period.month(period.end.year, period.end.month):
        raise BadInput.one(
            Problem(
                f"{period.label} is not the contract's invoicing period",
                found=period.label,
                allowed="a month, as 2013-06",
            )
        )


def _reach(contract: Contract) -> int:
    """Months that rolling windows, repeats and earn-backs look back.

    A row of quarters or years is longer than one of months, and an earn-back waits for the next
    judgement.
    """
    terms = contract.service_credits
    between = max(
        (months_between_judgements(level.window) for level in contract.service_levels), default=1
    )
    if isinstance(terms, ServicePoints):
        return between
    if not isinstance(terms, AtRiskPool):
        return 0
    within = terms.below_expected.within_months if terms.below_expected else 0
    row = terms.repeat.consecutive * between if terms.repeat else 0
    earn_back = -(-terms.earn_back.months // between) * between if terms.earn_back else 0
    return max(within, row, earn_back)


def _has_yearly_commitment(contract: Contract) -> bool:
    commitment = contract.minimum_commitment
    return commitment is not None and commitment.per == "year"
