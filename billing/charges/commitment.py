"""What the client pays at least over all charges: the minimum commitment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.charges.frame import joined, priced
from billing.charges.lines import round_line
from billing.charges.span import Span, span_of_engagement
from billing.charges.values import ChargeLine, TaxTreatment, Usage
from governance.contract.charges import COMMITMENT_ID, MinimumCommitment
from governance.contract.document import Contract
from governance.contract.engagement import Engagement
from governance.values import Period, money_text, summed


def commitment_line(
    contract: Contract, usage: Usage, charged: Decimal, tax: TaxTreatment
) -> ChargeLine | None:
    """The true-up to the minimum commitment, or None where `charged` reaches it.

    `charged` is what the period's lines for work come to, less volume rebates.

    A monthly commitment holds for every month of the period, prorated by days where the
    engagement starts or ends. A yearly one is trued up on the last invoice of the calendar
    year: in the period that holds the year's last day, or the engagement's. It then counts
    `charged` and the earlier invoices of the year (`charged_this_year`), and is prorated by
    days where the engagement starts or ends within the year.
    """
    terms = contract.minimum_commitment
    span = span_of_engagement(contract.engagement, usage.period)
    if terms is None or span is None:
        return None
    currency = contract.engagement.currency
    if terms.per == "month":
        return _true_up(_monthly(terms, span, currency), terms, charged, tax, currency)
    years = _years_ending_in(contract.engagement, span)
    if not years:
        return None
    due = _yearly(terms, years, currency)
    return _true_up(due, terms, charged + usage.charged_this_year, tax, currency)


@dataclass(frozen=True, slots=True)
class _Due:
    """What is committed, unrounded, and how that comes about."""

    amount: Decimal
    text: str


def _monthly(terms: MinimumCommitment, span: Span, currency: str) -> _Due:
    months = span.active_months()
    days = [text for month, part in months if (text := span.days_text(month, part))]
    text = joined(
        f"{money_text(terms.amount, currency)} a month",
        f"{len(months)} months" if len(months) > 1 else "",
        *days,
    )
    return _Due(span.in_months(terms.amount), text)


def _yearly(
    terms: MinimumCommitment, years: Sequence[tuple[Period, Period]], currency: str
) -> _Due:
    amount = summed(terms.amount * part.days / year.days for year, part in years)
    days = [f"{part.days} of {year.days} days" for year, part in years if part != year]
    return _Due(amount, joined(f"{money_text(terms.amount, currency)} a year", *days))


def _true_up(
    due: _Due,
    terms: MinimumCommitment,
    charged: Decimal,
    tax: TaxTreatment,
    currency: str,
) -> ChargeLine | None:
    amount = round_line(due.amount, currency)
    missing = amount - charged
    if missing <= 0:
        return None
    text = (
        f"commitment of {due.text}: {money_text(amount, currency)} "
        f"less {money_text(charged, currency)} charged"
    )
    return ChargeLine(
        charge=COMMITMENT_ID,
        title=f"Minimum commitment a {terms.per} – true-up",
        clause="not stated",
        quantity=Decimal(1),
        unit="true-up",
        amount=missing,
        steps=(priced(Decimal(1), missing, text),),
        tax=tax,
    )


def _years_ending_in(engagement: Engagement, span: Span) -> list[tuple[Period, Period]]:
    """The calendar years whose last invoice this is, each with its part in the engagement."""
    ending = []
    for number in range(span.active.start.year, span.active.end.year + 1):
        year = calendar_year(number)
        part = year.overlap(engagement.starts, engagement.ends)
        if part is not None and span.period.contains(part.end):
            ending.append((year, part))
    return ending


def calendar_year(number: int) -> Period:
    """From 1 January to 31 December."""
    return Period(date(number, 1, 1), date(number, 12, 31))
