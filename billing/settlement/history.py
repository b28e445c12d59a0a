"""Which months a settlement looks at, and which months' credits come off its invoice."""

from __future__ import annotations

from collections.abc import Sequence

from billing.charges.commitment import calendar_year
from billing.settlement.spans import block_of, invoice_month
from governance.contract.document import Contract
from governance.contract.service_credits import (
    AtRiskPool,
    EarnBackForm,
    ServicePoints,
    Settle,
)
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.service_credits.assessment import months_between_judgements
from sla.service_credits.values import ServiceCredits

_YEAR = 12


def months_until(contract: Contract, period: Period) -> tuple[Period, ...]:
    """The months to measure for a settled month: its history, oldest first, and the month itself.

    History starts with the engagement, and goes back two years at most, or as far as rolling
    windows and earn-backs of the contract reach on top of the annual cap's twelve months. Where
    what counted once is used up or builds on what was before, it is all months of the engagement.
    With a yearly minimum commitment it starts with a calendar year, whose earlier fees count.

    Raises BadInput where the period is not a month, and where the engagement doesn't run in it.
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
    if _builds_on_all(contract):
        return tuple(Period(engagement.starts, period.end).months())
    back = _YEAR + max(_YEAR, _reach(contract))
    first = Period.months_ending(period.end, back + 1).start
    if _has_yearly_commitment(contract):
        first = calendar_year(first.year).start
    span = Period(max(first, engagement.starts), period.end)
    return tuple(span.months())


def _builds_on_all(contract: Contract) -> bool:
    """Whether a month can follow from any earlier one: a promise that rose, misses that are used
    up, a milestone's maximum, a balance that never lapses."""
    terms = contract.service_credits
    if any(level.ratchet for level in contract.service_levels):
        return True
    if terms is None:
        return False
    earned = terms.earn_back
    lasting = earned and earned.form is EarnBackForm.BALANCE and earned.lapse_months is None
    return bool(terms.persistent_failure or terms.milestones or lasting)


def credits_coming_off(
    contract: Contract, given: Sequence[ServiceCredits]
) -> tuple[ServiceCredits, ...]:
    """Of the credits of all months so far, those that come off the last month's invoice.

    As `settle` says: the month's own; those of the invoice before; or a calendar quarter's on its
    last month. On the last invoice of the engagement all that is still open comes off.
    Source: the contract language, section "Service credits", common keys.
    """
    if contract.service_credits is None or not given:
        return ()
    period = given[-1].period
    return tuple(each for each in given if comes_off(contract, each.period) == period)


def comes_off(contract: Contract, month: Period) -> Period:
    """The month whose invoice a month's service credit comes off, as `settle` says.

    That is a month with an invoice, also where these are quarterly or yearly.
    """
    terms, ends = contract.service_credits, contract.engagement.ends
    settled = month
    if terms is not None and terms.settle is Settle.NEXT_INVOICE:
        settled = invoice_month(contract, month).following()
    if terms is not None and terms.settle is Settle.QUARTERLY:
        last = block_of("quarter", month.end).end
        settled = Period.month(last.year, last.month)
    if ends is not None and ends < settled.start:
        settled = max(Period.month(ends.year, ends.month), month)
    return invoice_month(contract, settled)


def _require_month(contract: Contract, period: Period) -> None:
    if period == Period.month(period.end.year, period.end.month):
        return
    every = contract.invoicing.every
    with_last = f"; the invoice of a {every} comes with its last month" if every != "month" else ""
    raise BadInput.one(
        Problem(
            f"{period.label} is not a month, and months are what is settled",
            found=period.label,
            allowed=f"a month, as 2013-06{with_last}",
        )
    )


def _reach(contract: Contract) -> int:
    """Months that rolling windows, repeats and earn-backs look back.

    A row of quarters or years is longer than one of months, and an earn-back waits for the next
    judgement.
    """
    terms = contract.service_credits
    if terms is None:
        return 0
    between = max(
        (months_between_judgements(level.window) for level in contract.service_levels), default=1
    )
    earned = terms.earn_back
    months = max(earned.months, earned.lapse_months or 0) if earned else 0
    earn_back = -(-months // between) * between
    if isinstance(terms, ServicePoints):
        return max(between, earn_back)
    if not isinstance(terms, AtRiskPool):
        return earn_back
    within = terms.below_expected.within_months if terms.below_expected else 0
    row = terms.repeat.consecutive * between if terms.repeat else 0
    return max(within, row, earn_back)


def _has_yearly_commitment(contract: Contract) -> bool:
    commitment = contract.minimum_commitment
    return commitment is not None and commitment.per == "year"
